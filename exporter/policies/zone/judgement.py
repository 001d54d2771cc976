"""The name servers of a zone by what each of them answered. Pure.

A server that does not answer us may still answer all others: a network that lets no DNS out but to its own resolver
looks from here like a zone whose servers are all dead. So a server is silent or lame only where the way to it is open,
as :mod:`exporter.policies.zone.reach` knows; else its answer is :func:`unreached`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from exporter.model.printable import printable
from exporter.model.warning import DomainWarning
from exporter.model.zone import (
    LONG_TTL,
    DirectAnswer,
    DirectOutcome,
    MxSet,
    MxZone,
    Nameserver,
    NameserverState,
    Signature,
    earliest,
)

_S, _O, _W = NameserverState, DirectOutcome, DomainWarning
# Records of one server that are shown.
MAX_MX: Final = 16
_NO_REACH: Final = (
    "too few name servers answer us directly just now: perhaps port 53 is open from here to our own resolver alone"
)
_NO_TCP: Final = (
    "its answer is too long for UDP, and too few answer us over TCP: perhaps TCP port 53 is closed from here"
)
_OTHER_VIEW: Final = (
    "our resolver serves an MX set that none of them has, beyond its TTL: it has another view of the zone"
)


class AskedServer(NamedTuple):
    """One address of a server. `reason`: why it is not asked; empty without an address: its name has none."""

    name: str
    address: str
    reason: str = ""
    answer: DirectAnswer | None = None


class ServedMx(NamedTuple):
    """The MX set that our resolver serves, and the Unix time up to which it may go on with it."""

    mx: MxSet
    until: float


def unreached(answer: DirectAnswer) -> DirectAnswer:
    """The answer of a server, or the lack of one, where the way to it is not known to be open."""
    return DirectAnswer(_O.OURS, _NO_TCP if answer.over_tcp else _NO_REACH, over_tcp=answer.over_tcp)


def judge(zone: str, asked: Sequence[AskedServer], served: ServedMx | None, at: float) -> MxZone:
    """The zone as of Unix time `at`."""
    answers = [each.answer for each in asked if each.answer is not None and each.answer.outcome is _O.ANSWERED]
    usual = _usual([answer.mx for answer in answers], served)
    servers = tuple([_server(each, usual) for each in asked])
    # Our resolver may have had its set from a server that was told later than others: only what none has is over.
    is_over = served is not None and bool(answers) and all(answer.mx != served.mx for answer in answers)
    return MxZone(
        name=zone,
        servers=servers,
        detail=_NO_REACH if any(server.detail == _NO_REACH for server in servers) and not answers else "",
        ttl=max((answer.ttl for answer in answers if answer.ttl is not None), default=None),
        hidden_until=served.until if served is not None and is_over else 0.0,
        signature=earliest([_signature(each) for each in asked]),
        at=at,
    )


def zone_warnings(zone: MxZone, at: float) -> tuple[DomainWarning, ...]:
    """All that is wrong with a zone as of Unix time `at`."""
    states = {server.state for server in zone.servers}
    found = (
        (_W.NAMESERVERS_DISAGREE, _S.DIFFERS in states),
        (_W.NAMESERVER_LAME, _S.LAME in states),
        (_W.NAMESERVER_SILENT, _S.SILENT in states),
        (_W.NAMESERVER_WITHOUT_ADDRESS, _S.NO_ADDRESS in states),
        (_W.MX_TTL_LONG, zone.ttl is not None and zone.ttl > LONG_TTL),
        (_W.MX_CHANGE_HIDDEN, zone.hidden_until > at),
    )
    return tuple(warning for warning, is_true in found if is_true)


def as_other_view(zone: MxZone, before: MxZone | None) -> MxZone:
    """`zone`, without a hidden change where our resolver has had the same for longer than an old set can last."""
    if not zone.hidden_until or before is None:
        return zone
    if not before.is_other_view and not 0.0 < before.hidden_until < zone.at:
        return zone
    return replace(zone, hidden_until=0.0, is_other_view=True, detail=zone.detail or _OTHER_VIEW)


def _signature(asked: AskedServer) -> Signature | None:
    """The signature of an answer, with the server that gave it: others may have a later one."""
    signature = None if asked.answer is None else asked.answer.signature
    if signature is None:
        return None
    return signature._replace(of=f"{signature.of} at the name server {asked.name} [{asked.address}]")


def _usual(sets: Sequence[MxSet], served: ServedMx | None) -> MxSet | None:
    """The MX set of most servers; among equals the one that our resolver serves, then the first in order."""
    if not sets:
        return None
    counts = Counter(sets)
    return min(counts, key=lambda mx: (-counts[mx], served is None or mx != served.mx, sorted(mx)))


def _server(asked: AskedServer, usual: MxSet | None) -> Nameserver:
    name, address, reason, answer = asked
    if not address:
        state = _S.UNKNOWN if reason else _S.NO_ADDRESS
        return Nameserver(name, address, state, printable(reason))
    if answer is None or answer.outcome is _O.OURS:
        return Nameserver(name, address, _S.UNKNOWN, printable(reason if answer is None else answer.detail))
    if answer.outcome is _O.ANSWERED:
        state = _S.AGREES if answer.mx == usual else _S.DIFFERS
        shown = tuple(sorted(answer.mx)[:MAX_MX])
        more = len(answer.mx) - len(shown)
        return Nameserver(name, address, state, printable(answer.detail), shown, answer.ttl, more)
    state = _S.SILENT if answer.outcome is _O.SILENT else _S.LAME
    return Nameserver(name, address, state, printable(answer.detail))
