"""The host names and addresses that a request may have in its Host header. Pure.

A page of another site can point a name of its own at the exporter's address, and its scripts could then read the
answers: to the browser, one name is one site (DNS rebinding). This does not work with a name of the exporter, nor with
an IP address, which needs no lookup. The port is not compared: a forwarded port differs, and a foreign page must use
the right port anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from exporter.config.values import parse_host_name

Address = IPv4Address | IPv6Address

LOCALHOST: Final = "localhost"
# RFC 9110 7.2, RFC 3986 3.2: host and port without userinfo. Underscores are in the names of containers; a zone
# (RFC 6874) means something on the asking machine only.
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})(?:%[A-Za-z0-9._~%-]{1,32})?\]|(?P<name>[A-Za-z0-9._-]{1,254}))(?::[0-9]{0,5})?"
)


def host_of(authority: str) -> str | Address | None:
    """The host of `host[:port]`: an address, or a name in lower case without its final dot; None: neither."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return None
    if found["ipv6"] is not None:
        return _ipv6(found["ipv6"])
    name = found["name"].lower().removesuffix(".")
    if not name or name.startswith(".") or name.endswith(".") or ".." in name:
        return None
    try:
        return IPv4Address(name)
    except ValueError:
        return name


def parse_allowed_host(text: str) -> str:
    """A value of `--web.allowed-host`: a name, an address, or `.example.org` for every name below that.

    Raises ValueError with a plain sentence.
    """
    dot, name = ("." if text.startswith(".") else ""), text.removeprefix(".")
    if not name.isascii():
        name = parse_host_name(name)
    host = host_of(f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name)
    if host is None or (dot and not isinstance(host, str)):
        raise ValueError("expected a host name, an IP address, or .example.org for all names below it")
    return f"{dot}{host}"


class AllowedHosts:
    """The allowed names and addresses. `localhost` and loopback addresses are always allowed."""

    def __init__(self, names: Iterable[str], addresses: Iterable[str], allowed: Iterable[str] = ()) -> None:
        """`addresses` are those listened on, an unspecified one for all; `allowed` are of `--web.allowed-host`."""
        allowed = tuple(allowed)
        exact = (*names, *(text for text in allowed if not text.startswith(".")))
        hosts = {host for text in exact if (host := host_of(_bracketed(text))) is not None}
        listening = {_plain(ip_address(text.partition("%")[0])) for text in addresses}
        self._all_addresses = any(address.is_unspecified for address in listening)
        self._hosts = {LOCALHOST, *hosts, *listening}
        self._suffixes = tuple(text for text in allowed if text.startswith("."))

    def admit(self, host: str | Address) -> bool:
        """True for an allowed host."""
        if host in self._hosts:
            return True
        if isinstance(host, str):
            return host.endswith(self._suffixes)
        return host.is_loopback or self._all_addresses


def _bracketed(text: str) -> str:
    return f"[{text}]" if ":" in text and not text.startswith("[") else text


def _ipv6(text: str) -> Address | None:
    try:
        return _plain(IPv6Address(text))
    except ValueError:
        return None


def _plain(address: Address) -> Address:
    """The IPv4 address of one that is mapped into IPv6 (RFC 4291 2.5.5.2), else the address itself."""
    return getattr(address, "ipv4_mapped", None) or address
