"""Breaks the tool on purpose, to see whether a test notices."""
