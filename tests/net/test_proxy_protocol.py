"""The header of the PROXY protocol."""

from __future__ import annotations

from exporter.net.proxy_protocol import proxy_header


def test_the_header_names_both_ends() -> None:
    ipv4 = (("192.0.2.1", 40000), ("198.51.100.2", 25))
    ipv6 = (("2001:db8::1", 40000), ("2001:db8::2", 25))
    assert proxy_header(ipv4) == b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n"
    assert proxy_header(ipv6) == b"PROXY TCP6 2001:db8::1 2001:db8::2 40000 25\r\n"


def test_ends_that_are_not_known_are_not_made_up() -> None:
    assert proxy_header(None) == b"PROXY UNKNOWN\r\n"
