"""TLS of a probe: the client's side without sockets, and the verification of certificates."""
