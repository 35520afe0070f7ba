"""The HTTP server: connections, the request log, and the faults that a test applies."""
