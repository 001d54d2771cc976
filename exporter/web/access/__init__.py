"""Access to the web server: names it is asked by, origins, passwords, rates."""
