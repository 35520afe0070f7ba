"""The imitated service without HTTP: accounts, collections, tasks and files."""
