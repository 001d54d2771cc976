"""The ways from here to name servers, and which of them are open: what fails alike everywhere is ours.

A network may let no DNS out but to its own resolver, or no TCP, or answer in place of all servers. So a server is
silent or lame only where others answer us the same way: at the same time, and not the fewest of all that are asked.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.address import Family, family_of
from exporter.model.zone import DirectAnswer, DirectOutcome
from exporter.net.special_addresses import forbidden

# An answer, or the lack of one, counts for so long among all that are asked.
_KEPT_SECONDS: Final = 3600.0
# So many networks without an answer, each about another name, are too many where they are more than those with one. One
# zone whose servers are all dead, or a stranger's with a dozen, says nothing of the way.
_MANY: Final = 3
_MAX_NETWORKS: Final = 4096  # of each way
_MAX_WITNESSES: Final = 8  # likewise


class Way(NamedTuple):
    """The kind of a server's address, and how its answer comes."""

    family: Family
    is_special: bool  # our own networks say nothing of the internet
    over_tcp: bool


class KnownServer(NamedTuple):
    """A server that has answered us, and the name that it was asked about."""

    address: str
    name: str


class Reach:
    """The last answers of each way, at times of one clock."""

    def __init__(self) -> None:
        self._answered: dict[Way, float] = {}
        self._witnesses: dict[Way, BoundedDict[str, KnownServer]] = {}
        self._networks: dict[
            Way, BoundedDict[str, tuple[float, str]]
        ] = {}  # the last time, and the name without answer

    def take(self, asked: KnownServer, answer: DirectAnswer, at: float) -> None:
        """Take in the answer of a server, or the lack of one."""
        if answer.outcome is DirectOutcome.OURS:
            return
        way = way_of(asked.address, answer)
        answers = answer.outcome is DirectOutcome.ANSWERED
        network = _network(asked.address)
        self._networks.setdefault(way, BoundedDict(_MAX_NETWORKS))[network] = at, "" if answers else asked.name
        if answers:
            self._answered[way] = at
            self._witnesses.setdefault(way, BoundedDict(_MAX_WITNESSES))[network] = asked

    def has_answered(self, way: Way, since: float) -> bool:
        """A server has answered since then."""
        return way in self._answered and self._answered[way] >= since

    def is_open(self, way: Way, since: float) -> bool:
        """A server has answered since then, and those that answer are not the few."""
        if not self.has_answered(way, since):
            return False
        lately = [name for at, name in self._networks[way].values() if at >= since - _KEPT_SECONDS]
        answering = lately.count("")
        mute = min(len(lately) - answering, len({*lately} - {""}))
        return mute < _MANY or mute <= answering

    def witnesses(self, way: Way) -> list[KnownServer]:
        """Servers that have answered, each of another network, the last one first."""
        known = self._witnesses.get(way)
        return [] if known is None else [*known.values()][::-1]


def way_of(address: str, answer: DirectAnswer) -> Way:
    """The way of a server's answer, or of the lack of one."""
    return Way(family_of(address), forbidden(address, ()) is not None, answer.over_tcp)


def _network(address: str) -> str:
    """The part of an address that servers of one operator have in common: 16 bits of IPv4, 32 of IPv6."""
    return ":".join(address.split(":")[:2]) if ":" in address else ".".join(address.split(".")[:2])
