"""What each command opens, does and reports. ``options``: the parsed command line."""
