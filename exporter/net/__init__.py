"""Sockets, and every fact that the kernel tells of them."""
