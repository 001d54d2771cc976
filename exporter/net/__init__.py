"""Sockets, and every fact that the kernel reports of them."""
