"""Addresses that are never connected to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net import special_addresses
from exporter.net.special_addresses import forbidden


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0", "this network"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "shared"),
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.8", "reserved"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4"),
        ("192.168.1.1", "private"),
        ("198.19.255.255", "benchmarks"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::192.0.2.1", "IPv4-compatible"),
        ("::ffff:127.0.0.1", "127.0.0.1 in an IPv6 address, loopback"),
        ("::ffff:10.0.0.1", "10.0.0.1 in an IPv6 address, private"),
        ("64:ff9b::10.0.0.1", "10.0.0.1 in an IPv6 address, private"),
        ("64:ff9b:1::1", "translation"),
        ("100::1", "discarding"),
        ("2001:db8::1", "documentation"),
        ("2001:0:1::1", "in an IPv6 address"),
        ("2002:7f00:1::", "127.0.0.1 in an IPv6 address, loopback"),
        ("2002:a00:1::1", "10.0.0.1 in an IPv6 address, private"),
        ("3fff::1", "documentation"),
        ("5f00::1", "segment routing"),
        ("4000::1", "reserved"),
        ("fc00::1", "private"),
        ("fd12::1", "private"),
        ("fe80::1", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
    ],
)
def test_special_addresses_are_forbidden_with_the_reason(address: str, reason: str) -> None:
    found = forbidden(address, ())
    assert found is not None
    assert reason in found


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2a00:1450::1", "2606::1", "64:ff9b::8.8.8.8"]
)
def test_addresses_of_the_internet_are_not(address: str) -> None:
    assert forbidden(address, ()) is None


def test_what_the_configuration_allows_is_allowed() -> None:
    allowed = (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    assert forbidden("10.20.1.1", allowed) is None
    assert forbidden("fd00::25", allowed) is None
    assert forbidden("10.21.1.1", allowed) is not None
    assert forbidden("::ffff:10.20.1.1", allowed) is None


@given(st.ip_addresses())
def test_nothing_that_the_standard_library_calls_special_is_let_through(address: object) -> None:
    """Its own table is coarser: some versions take all of 6to4 for private, where ours goes by the address inside."""
    ip = ip_address(str(address))
    wraps = isinstance(ip, IPv6Address) and (ip.sixtofour or ip.teredo)
    if forbidden(str(ip), ()) is None and not wraps:
        special = (ip.is_loopback, ip.is_private, ip.is_multicast, ip.is_link_local, ip.is_unspecified)
        assert not any(special)


@given(st.ip_addresses())
def test_the_quick_answer_is_that_of_the_tables(address: IPv4Address | IPv6Address) -> None:
    """IPv4 by a search in the table, most of IPv6 by its first digits."""
    if isinstance(address, IPv4Address):
        reasons = [what for network, what in special_addresses._IPV4 if address in network]
        assert forbidden(str(address), ()) == (reasons[0] if reasons else None)
    elif forbidden(str(address), ()) is None and special_addresses._embedded_ipv4(address) is None:
        assert address in special_addresses._GLOBAL_IPV6
        assert not [what for network, what in special_addresses._IPV6 if address in network]


def test_the_table_of_ipv4_networks_is_sorted_and_none_contains_another() -> None:
    edges = [int(end) for network, _ in special_addresses._IPV4 for end in (network[0], network[-1])]
    assert edges == sorted(edges)
