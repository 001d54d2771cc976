"""The name that this machine says after EHLO, and the faults of such a name.

RFC 5321 4.1.1.1 asks for the fully qualified name, and where there is none, for an address literal (4.1.4): of the
session's own address, so it is settled only once a connection stands. Never `localhost` or a bare label, which many
hosts refuse.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Final, Protocol

from exporter.model.address import Family
from exporter.model.configuration import Config
from exporter.model.failure import FailureClass
from exporter.model.result import MxHost
from exporter.net.special_addresses import forbidden

_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])",
    re.IGNORECASE,
)
# RFC 6761, 6762: of this machine or this link, whatever stands before them.
_LOCAL_SUFFIXES: Final = (".localhost", ".localdomain", ".localdomain4", ".localdomain6", ".local", ".invalid", ".arpa")
_LOCALHOST: Final = frozenset({"localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"})
# Addresses on the internet, for the choice of a source address; nothing is sent to them.
_OUTSIDE: Final = ("1.1.1.1", "2606:4700:4700::1111")
_MEND: Final = "to a name that resolves to our address and back"
# Names looked up; a configuration may have one for each target.
_MAX_NAMES: Final = 20
_SECONDS: Final = 3.0
_C = FailureClass


class HostLookup(Protocol):
    """The lookup of our own name in the DNS."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host."""


def local_helo() -> str:
    """This machine's fully qualified name; empty where it has none, and each session says its address instead.

    May ask the system's resolver: call it once, at the start.
    """
    for name in (socket.getfqdn(), socket.gethostname()):
        if is_qualified(name):
            return name.lower()
    return ""


def is_qualified(name: str) -> bool:
    """`name` is a fully qualified one that can mean this machine to others."""
    return _DOMAIN.fullmatch(name) is not None and not name.lower().endswith(_LOCAL_SUFFIXES)


def address_literal(address: str) -> str:
    """`[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 4.1.3)."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return f"[IPv6:{ip}]" if ip.version == 6 else f"[{ip}]"


def own_address(target: str, source: str = "") -> str:
    """The address from which a connection to `target` would leave; empty where there is no route. Sends nothing."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            if source:
                sock.bind((source, 0))
            sock.connect((target, 25))
            address: str = sock.getsockname()[0]
            return address.partition("%")[0]
    except OSError:
        return ""


def ehlo_argument(helo: str) -> str:
    """The argument of EHLO, for a log line."""
    return helo or "the address literal of each connection"


def names_in(config: Config, helo: str) -> tuple[str, ...]:
    """The names said after EHLO with `config`; `helo` where it names no other. The default comes first."""
    settings = (target.settings for target in (*config.targets, *config.egress.references))
    return tuple(dict.fromkeys([config.defaults.helo or helo, *(own.helo or helo for own in settings)]))


def fault_of(helo: str) -> str | None:
    """The fault of the name by itself, in words; an empty name stands for the literal of each session."""
    if not helo:
        return _without_a_name()
    if helo.startswith("["):
        return None
    lower = helo.lower().removesuffix(".")
    if lower in _LOCALHOST or lower.endswith(_LOCAL_SUFFIXES):
        return f"EHLO says {helo}, a name of every machine or of none, which many hosts refuse: set helo {_MEND}"
    if not is_qualified(lower):
        return (
            f"EHLO says {helo}, no fully qualified name (RFC 5321 4.1.1.1), which many hosts refuse: set helo {_MEND}"
        )
    return None


async def faults(names: Iterable[str], lookup: HostLookup, seconds: float = _SECONDS) -> Sequence[str]:
    """The faults of the names, by themselves or in the DNS, found within `seconds`."""
    asked = list(dict.fromkeys(names))[:_MAX_NAMES]
    found = [fault_of(name) for name in asked]
    known = [name for name, fault in zip(asked, found, strict=True) if fault is None and not name.startswith("[")]
    found += await asyncio.gather(*(_unknown(name, lookup, seconds) for name in known))
    return [fault for fault in found if fault is not None]


async def _unknown(helo: str, lookup: HostLookup, seconds: float) -> str | None:
    """The fault of a name in the DNS; None where the DNS does not answer."""
    try:
        async with asyncio.timeout(seconds):
            found = await lookup.lookup_host(helo, tuple(Family))
    except TimeoutError:
        return None
    if found.failure is None:
        return None
    reason = {_C.DNS_NXDOMAIN: "does not exist in the DNS", _C.DNS_NO_ADDRESS: "has no address in the DNS"}
    said = reason.get(found.failure.failure_class)
    if said is None:
        return None
    return f"EHLO says {helo}, which {said}: hosts that look it up refuse it; set helo {_MEND}"


def _without_a_name() -> str:
    address = next((found for found in map(own_address, _OUTSIDE) if found), "")
    example = f", {address_literal(address)} from here" if address else ""
    text = f"this machine has no fully qualified name, so EHLO says each connection's own address{example}"
    if address and forbidden(address, ()) is not None:
        text += ", which is private: behind NAT others see another one"
    return f"{text}; some hosts refuse that: set helo {_MEND}"
