"""DANE for SMTP (RFC 7672, 7671, 6698): TLSA records, which of them are usable, and whether a chain matches one."""
