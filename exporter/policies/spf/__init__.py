"""Sender Policy Framework (RFC 7208): the record, its macros, and the evaluation for one of our own addresses."""
