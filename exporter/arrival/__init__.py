"""The arrival of canary messages: a mailbox is looked into by IMAP for what the probes have sent."""
