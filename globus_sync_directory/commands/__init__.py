"""What each command opens, does and reports. ``options`` is what the command line asks for."""
