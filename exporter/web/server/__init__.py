"""The HTTP server: listening sockets, connections, TLS, and their limits. Knows no page and no endpoint."""
