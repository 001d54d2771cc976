"""Access checks of each request: allowed hosts, origins, passwords, the rate limit, security headers."""
