"""The HTTP server: connections, TLS, and the limits of both."""
