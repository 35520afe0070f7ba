"""The HTTP server: connections, the log of requests, and the faults that are applied to them."""
