"""The zone of a domain's MX records: its name servers, asked one by one, and what they say."""
