"""The zone of a domain's MX records as results: its signatures (RFC 4034), its name servers and their answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, NamedTuple

# A change of MX records is not seen before the TTL of the old ones is over; more than that of these seconds is told.
LONG_TTL: Final = 86400
# Signers renew signatures long before the end: with a tenth of the time left a renewal has failed. Those that sign each
# answer anew have half of it left at all times.
_SHARE_LEFT: Final = 10
_MOST_LEFT: Final = 3 * 86400.0

MxSet = frozenset[tuple[int, str]]  # preference and host


class Signature(NamedTuple):
    """The times of the signature that holds for a set of records, and which set that is. Unix time."""

    ends: float
    begins: float
    of: str  # such as "MX of example.org"
    is_authenticated: bool  # our resolver has verified the answer: without it the answer is rejected

    def ends_soon(self, at: float) -> bool:
        """A tenth of its time is left or less, at most three days; and it counts for resolvers that verify."""
        return self.is_authenticated and self.ends - at <= min((self.ends - self.begins) / _SHARE_LEFT, _MOST_LEFT)


def earliest(signatures: Iterable[Signature | None]) -> Signature | None:
    """The signature that ends first, those that count before the others."""
    found = [each for each in signatures if each is not None]
    return min(found, key=lambda each: (not each.is_authenticated, each.ends), default=None)


class DirectOutcome(Enum):
    """The outcome of a question to one name server."""

    ANSWERED = "answered"  # with authority, be it that there is no such record
    LAME = "lame"  # without authority, or with an error
    SILENT = "silent"  # no answer, or a closed port
    OURS = "ours"  # no route from here, a filter or a shortage of this host


class DirectAnswer(NamedTuple):
    """The answer of one server. `mx` and `ttl`: of the MX records, where it has any.

    `over_tcp`: the server has answered that its answer does not fit into a datagram; the rest is of TCP.
    """

    outcome: DirectOutcome
    detail: str = ""
    mx: MxSet = frozenset()
    ttl: int | None = None
    signature: Signature | None = None
    over_tcp: bool = False


class NameserverState(StrEnum):
    """The state of a name server by its answer about the MX records: the `state` label of `mx_dns_nameservers`."""

    AGREES = "agrees"  # the MX set that most of them have
    DIFFERS = "differs"  # another one
    LAME = "lame"  # it answers, and not with authority for the zone
    SILENT = "silent"  # no answer, while others of the family answer us directly
    NO_ADDRESS = "no_address"  # its name has none
    UNKNOWN = "unknown"  # not asked, or not to be told from a fault on our side

    __hash__ = str.__hash__  # as Family's


@dataclass(frozen=True, slots=True)
class Nameserver:
    """One address of one name server of the zone, as it answered us directly."""

    name: str
    address: str  # empty where the name has none
    state: NameserverState
    detail: str = ""  # for a person
    mx: tuple[tuple[int, str], ...] | None = None  # None: no answer with authority
    ttl: int | None = None  # seconds, of the MX records
    more_mx: int = 0  # records beside those of `mx`


@dataclass(frozen=True, slots=True)
class MxZone:
    """The zone that holds a domain's MX records. `name` is empty where it is not known, and `detail` says why."""

    name: str = ""
    servers: tuple[Nameserver, ...] = ()
    more: int = 0  # further names or addresses, which were not asked
    detail: str = ""
    ttl: int | None = None  # the longest of the MX records at its servers
    hidden_until: float = 0.0  # Unix time up to which our resolver may go on with a set that no server has any more
    is_other_view: bool = False  # our resolver has gone on with such a set beyond that time: it is no old one
    signature: Signature | None = None  # that ends first at its servers
    at: float = 0.0  # Unix time of the queries

    def count(self, state: NameserverState) -> int:
        """The number of addresses in this state."""
        return sum([server.state is state for server in self.servers])
