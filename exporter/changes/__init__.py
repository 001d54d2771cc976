"""The changes between what was known of a host or a domain, and what a result shows of it."""
