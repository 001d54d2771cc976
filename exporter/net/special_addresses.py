"""Addresses no mail host of the public internet can have: loopback, private, link-local and the other special ones.

An MX record is written by a stranger. Connecting wherever it points would let anyone aim this exporter at our own
networks, so these addresses are refused unless the configuration allows them. The list is the IANA special-purpose
registries' (RFC 6890) with everything that is not globally reachable, and what wraps an IPv4 address inside an IPv6
address is judged by the IPv4 address.
"""

from __future__ import annotations

import re
import socket
from bisect import bisect_right
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

IPNetwork = IPv4Network | IPv6Network

_IPV4: Final = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "of this network (RFC 791)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("100.64.0.0/10", "shared by a provider's customers (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("169.254.0.0/16", "link-local (RFC 3927)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.0.0.0/24", "reserved for protocols (RFC 6890)"),
        ("192.0.2.0/24", "for documentation (RFC 5737)"),
        ("192.88.99.0/24", "the retired 6to4 relay (RFC 7526)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("198.18.0.0/15", "for benchmarks (RFC 2544)"),
        ("198.51.100.0/24", "for documentation (RFC 5737)"),
        ("203.0.113.0/24", "for documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
    )
)
_IPV6: Final = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "unspecified (RFC 4291)"),
        ("::1/128", "loopback (RFC 4291)"),
        ("::/96", "the retired IPv4-compatible form (RFC 4291)"),
        ("64:ff9b:1::/48", "a local translation prefix (RFC 8215)"),
        ("100::/64", "for discarding (RFC 6666)"),
        ("2001::/23", "reserved for protocols (RFC 2928)"),
        ("2001:db8::/32", "for documentation (RFC 3849)"),
        ("3fff::/20", "for documentation (RFC 9637)"),
        ("5f00::/16", "for segment routing (RFC 9602)"),
        ("fc00::/7", "private (RFC 4193)"),
        ("fe80::/10", "link-local (RFC 4291)"),
        ("fec0::/10", "the retired site-local form (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
    )
)
# Only this much of IPv6 is given out for global use so far.
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052


# First hextets of 2000::/3 below which everything is for global use, as long as no line above names another there.
_PLAIN_IPV6: Final = re.compile(r"[23][0-9a-f]{3}:")
_SPECIAL_HEXTETS: Final = frozenset({"2001", "2002", "3fff"})  # 2002: 6to4, which wraps an IPv4 address
_IPV4_FIRST: Final = [int(network[0]) for network, _ in _IPV4]
_IPV4_LAST: Final = [int(network[-1]) for network, _ in _IPV4]
_MAX_KEPT: Final = 4096


def forbidden(address: str, allowed: tuple[IPNetwork, ...]) -> str | None:
    """The reason not to connect to `address`, as the end of "it is …"; None where it is allowed."""
    if ":" in address:
        if _PLAIN_IPV6.match(address) and address[:4] not in _SPECIAL_HEXTETS:
            return None
        return _forbidden_ipv6(address, allowed)
    reason = _special_ipv4(int.from_bytes(socket.inet_aton(address), "big"))
    if reason is None or (allowed and _is_allowed(ip_address(address), allowed)):
        return None
    return reason


@lru_cache(maxsize=_MAX_KEPT)
def _forbidden_ipv6(address: str, allowed: tuple[IPNetwork, ...]) -> str | None:
    ip = IPv6Address(address)
    if _is_allowed(ip, allowed):
        return None
    inner = _embedded_ipv4(ip)
    if inner is not None:
        reason = forbidden(str(inner), allowed)
        return None if reason is None else f"{inner} in an IPv6 address, {reason}"
    for network, what in _IPV6:
        if ip in network:
            return what
    return None if ip in _GLOBAL_IPV6 else "reserved (RFC 4291)"


def _special_ipv4(number: int) -> str | None:
    """Looked up in the sorted table: this is asked for each probe, and a cache for 100,000 addresses has a size."""
    place = bisect_right(_IPV4_FIRST, number) - 1
    return _IPV4[place][1] if number <= _IPV4_LAST[place] else None


def _is_allowed(ip: IPv4Address | IPv6Address, allowed: tuple[IPNetwork, ...]) -> bool:
    return any(ip in network for network in allowed if network.version == ip.version)


def _embedded_ipv4(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address a packet to `ip` ends up at: IPv4-mapped, NAT64, 6to4 (RFC 3056), Teredo (RFC 4380)."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.teredo is not None:
        return ip.teredo[1]
    return ip.ipv4_mapped or ip.sixtofour
