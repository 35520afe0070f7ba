"""
config.ini and the secret file -> Settings. Every rule about the two files, and every message about them, is here.

``load`` reads the files. Everything else is pure: ``ini`` finds sections and keys, ``keys`` names the keys that exist,
``values`` converts them, ``parse`` and ``pairs`` put them together, and ``conflicts`` compares the pairs.
"""
