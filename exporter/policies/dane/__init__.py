"""DANE for SMTP (RFC 7672, 7671, 6698): the lookup of TLSA records, their usability, and the match with a chain."""
