"""The watch over our own egress: its state from the results of all hosts, traced paths, the check for interception."""
