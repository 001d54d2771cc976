"""MTA-STS (RFC 8461): the TXT record, the policy file, how it is fetched and how long it holds."""
