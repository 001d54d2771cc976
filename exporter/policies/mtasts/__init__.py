"""MTA-STS (RFC 8461): the TXT record, the policy file, its fetch and its cache."""
