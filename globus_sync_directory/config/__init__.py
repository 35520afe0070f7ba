"""
config.ini and the secret file -> Settings. Every rule about the two files, and every message about them, is here.

``load`` reads the files. Everything else is pure: ``ini`` finds sections and keys, ``keys`` names the keys and converts
their values, ``parse`` puts them together, ``conflicts`` compares the pairs, ``secret_file`` checks and hides secrets.
"""
