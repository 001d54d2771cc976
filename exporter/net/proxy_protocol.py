"""The header of the PROXY protocol (HAProxy's specification 2.1, version 1), sent before all else."""

from __future__ import annotations

Endpoint = tuple[str, int]  # address and port


def proxy_header(ends: tuple[Endpoint, Endpoint] | None) -> bytes:
    """The header of a connection from the first of `ends` to the second that no proxy made; None: they are unknown."""
    if ends is None:
        return b"PROXY UNKNOWN\r\n"
    source, destination = ends
    family = "TCP6" if ":" in destination[0] else "TCP4"
    return f"PROXY {family} {source[0]} {destination[0]} {source[1]} {destination[1]}\r\n".encode("ascii")
