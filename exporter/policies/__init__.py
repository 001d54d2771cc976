"""Policies that a domain publishes for senders of its mail: DANE, MTA-STS, TLS-RPT."""
