"""TLS as a probe meets it: the handshake without sockets, and what the certificates in it are worth."""
