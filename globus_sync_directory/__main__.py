"""Lets ``python -m globus_sync_directory`` run the command line."""

from globus_sync_directory.cli import main

main()
