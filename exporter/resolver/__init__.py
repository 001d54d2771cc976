"""DNS lookups: MX, addresses, TXT and TLSA. Beside the lab, the only room that imports dnspython."""
