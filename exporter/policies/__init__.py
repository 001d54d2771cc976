"""Policies that a domain publishes for those who send mail to it: DANE, MTA-STS, TLS-RPT."""
