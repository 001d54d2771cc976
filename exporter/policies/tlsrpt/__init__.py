"""SMTP TLS Reporting (RFC 8460): the TXT record, and its lookup."""
