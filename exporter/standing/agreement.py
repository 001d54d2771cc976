"""The address that unrelated organisations agree on. Pure.

One organisation may be wrong about us: behind a load balancer it sees an address of its own, and a host of our own
network sees our private one. What few tell, or what is special, is told with the reason, and not believed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from exporter.diagnosis.networks import network_of, organisation
from exporter.model.address import Family, family_of
from exporter.model.printable import printable
from exporter.model.standing import ToldAddress
from exporter.net.special_addresses import forbidden

# Unrelated organisations that must tell the same address.
VOICES_NEEDED: Final = 3
# Owners of one address that are compared: more say nothing more.
_MAX_OWNERS: Final = 64
# Addresses that are shown beside the one that is believed.
MAX_TOLD: Final = 8
# RFC 5737, 3849, 9637: nobody has such an address, and examples and tests mean a public one by it.
_DOCUMENTATION: Final = tuple(
    map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"))
)
# No host is reached at one from outside of its translator's network.
_TRANSLATED: Final = ip_network("64:ff9b::/96")


class Told(NamedTuple):
    """A host that tells our address."""

    mx: str
    host: str  # its address
    address: str  # ours
    name: str = ""  # that it gives itself


class _Owner(NamedTuple):
    """The holder of a host, by the name that it is known by and the one that it gives itself, and its network."""

    organisations: frozenset[str]
    network: Hashable

    def is_unrelated_to(self, other: _Owner) -> bool:
        """True where the two share neither organisation nor network."""
        is_elsewhere = self.network is None or self.network != other.network
        return is_elsewhere and self.organisations.isdisjoint(other.organisations)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The believed address of a family, and what else is told."""

    address: str = ""  # empty: none is believed
    organisations: int = 0
    others: tuple[ToldAddress, ...] = ()
    is_contested: bool = False  # another public address is told, too


def agree(told: Iterable[Told], family: Family, configured: str = "") -> Agreement:
    """The address of a family by all that hosts tell; a `configured` one holds, and what differs from it is told."""
    voices: defaultdict[str, list[Told]] = defaultdict(list)
    for each in told:
        if family_of(each.address) is family:
            voices[each.address].append(each)
    counted = [_counted(address, hosts) for address, hosts in voices.items()]
    counted.sort(key=lambda each: (-each.organisations, -each.hosts, each.address))
    public = [each for each in counted if not each.doubt]
    first = public[0] if public else None
    rest = sum([each.organisations for each in public[1:]])
    if configured:
        others = [_doubted(each, f"{configured} is configured") for each in counted if each.address != configured]
        agreeing = next((each.organisations for each in counted if each.address == configured), 0)
        is_contested = any(each.address != configured for each in public)
        return Agreement(configured, agreeing, tuple(others[:MAX_TOLD]), is_contested)
    if first is None or first.organisations < VOICES_NEEDED or first.organisations <= rest:
        reason = (
            f"unrelated organisations do not agree: {first.organisations} tell {first.address}, {rest} another"
            if first is not None and rest and first.organisations >= VOICES_NEEDED
            else f"{VOICES_NEEDED} unrelated organisations must tell the same"
        )
        return Agreement(others=tuple([_doubted(each, reason) for each in counted[:MAX_TOLD]]))
    others = [_doubted(each, f"more organisations tell {first.address}") for each in counted if each is not first]
    return Agreement(first.address, first.organisations, tuple(others[:MAX_TOLD]), rest > 0)


def _counted(address: str, hosts: list[Told]) -> ToldAddress:
    special = forbidden(address, _DOCUMENTATION)
    if special is None and ":" in address and ip_address(address) in _TRANSLATED:
        special = "an IPv4 address in that of a translator (RFC 6052)"
    doubt = "" if special is None else f"it is {special}"
    return ToldAddress(
        address, _unrelated(hosts), len({host.host for host in hosts}), printable(hosts[0].mx, 253), doubt
    )


def _doubted(told: ToldAddress, reason: str) -> ToldAddress:
    return told if told.doubt else ToldAddress(told.address, told.organisations, told.hosts, told.example, reason)


def _unrelated(hosts: Iterable[Told]) -> int:
    """The number of unrelated owners among the hosts; where there are many, at least so many."""
    chosen: list[_Owner] = []
    seen: set[_Owner] = set()
    for owner in map(_owner, hosts):
        if owner not in seen and all(map(owner.is_unrelated_to, chosen)):
            chosen.append(owner)
            if len(chosen) >= _MAX_OWNERS:  # of a hundred thousand hosts the others are not even looked at
                break
        seen.add(owner)
    return len(chosen)


def _owner(told: Told) -> _Owner:
    # The networks of special addresses relate nobody: all of a laboratory are in one.
    network: Hashable = network_of(told.host) if forbidden(told.host, ()) is None else None
    # Customers have MX names of their own for the hosts of one provider, which say whose they are.
    return _Owner(frozenset([organisation(name) for name in (told.mx or told.host, told.name) if name]), network)
