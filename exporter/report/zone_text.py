"""The zone of a domain's MX records in words: its warnings as sentences, and its name servers line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from exporter.model.printable import printable
from exporter.model.result import DomainResult
from exporter.model.warning import DomainWarning
from exporter.model.zone import MxZone, Nameserver, NameserverState

_D, _S = DomainWarning, NameserverState
ZONE_WARNINGS: Final = (
    _D.SIGNATURE_EXPIRES_SOON,
    _D.NAMESERVERS_DISAGREE,
    _D.NAMESERVER_LAME,
    _D.NAMESERVER_SILENT,
    _D.NAMESERVER_WITHOUT_ADDRESS,
    _D.MX_TTL_LONG,
    _D.MX_CHANGE_HIDDEN,
)
# Servers and records in one sentence.
_SHOWN: Final = 4
_FAULTS: Final = MappingProxyType(
    {
        _S.LAME: "no authority for the zone",
        _S.SILENT: "no answer, while others answer",
        _S.NO_ADDRESS: "its name has no address",
    }
)


def zone_sentence(warning: DomainWarning, result: DomainResult) -> str:
    """The warning as half a sentence about its domain; empty where nothing more is known than the warning itself."""
    zone = result.zone
    if warning is _D.SIGNATURE_EXPIRES_SOON:
        return _signature(result)
    if zone is None:
        return ""
    match warning:
        case _D.NAMESERVERS_DISAGREE:
            return _disagreement(zone)
        case _D.NAMESERVER_LAME:
            return _faulty(zone, _S.LAME)
        case _D.NAMESERVER_SILENT:
            return _faulty(zone, _S.SILENT)
        case _D.NAMESERVER_WITHOUT_ADDRESS:
            return _faulty(zone, _S.NO_ADDRESS)
        case _D.MX_TTL_LONG:
            return f"the TTL of its MX records is {zone.ttl} s, so a change of them may stay unseen for so long"
        case _:
            left = max(0.0, zone.hidden_until - result.at)
            return f"none of its name servers has the MX set any more that our resolver serves, for up to {left:.0f} s"


def zone_lines(zone: MxZone | None) -> Iterator[str]:
    """The name servers of a zone, each with what it answers; nothing where none was looked up."""
    if zone is None:
        return
    detail = f": {printable(zone.detail)}" if zone.detail else ""
    if not zone.name:
        yield f"zone: unknown{detail}"
        return
    agree = f"{zone.count(_S.AGREES)} of {len(zone.servers)} addresses of name servers agree"
    ttl = "" if zone.ttl is None else f", TTL of the MX records {zone.ttl} s"
    more = f", {zone.more} more not asked" if zone.more else ""
    yield f"zone: {printable(zone.name)}: {agree}{ttl}{more}{detail}"
    for server in zone.servers:
        yield f"  name server {_who(server)}: {server_text(server)}"


def server_text(server: Nameserver) -> str:
    """The state of a name server, and what it said."""
    if server.state in (_S.AGREES, _S.DIFFERS) and not server.detail:
        return f"{server.state}: {mx_text(server)}"
    return server.state + (f": {server.detail}" if server.detail else "")


def mx_text(server: Nameserver) -> str:
    """The MX set of a name server."""
    if not server.mx:
        return "no MX record"
    return _listed([f"{preference} {printable(host) or '.'}" for preference, host in server.mx], server.more_mx)


def _signature(result: DomainResult) -> str:
    signature = result.signature
    if signature is None:
        return ""
    ends = f"{datetime.fromtimestamp(signature.ends, UTC):%Y-%m-%d %H:%M} UTC"  # 32 bits: the calendar has it
    word = "has ended" if signature.ends <= result.at else "ends"
    return f"the DNSSEC signature of {printable(signature.of)} {word} at {ends}, and the answer has no later one"


def _disagreement(zone: MxZone) -> str:
    others = [*_in_state(zone, _S.DIFFERS)]
    usual = next(_in_state(zone, _S.AGREES), None)
    if usual is None or not others:
        return ""
    told = "; ".join(f"{_who(each)} has {mx_text(each)}" for each in others[:_SHOWN])
    more = f"; and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"its name servers have different MX sets: {_who(usual)} has {mx_text(usual)}; {told}{more}"


def _faulty(zone: MxZone, state: NameserverState) -> str:
    found: dict[str, list[str]] = {}
    for each in _in_state(zone, state):
        found.setdefault(each.detail or _FAULTS[state], []).append(_who(each))
    return "; ".join(f"its name server {_listed(names)}: {what}" for what, names in [*found.items()][:_SHOWN])


def _in_state(zone: MxZone, state: NameserverState) -> Iterator[Nameserver]:
    return (server for server in zone.servers if server.state is state)


def _who(server: Nameserver) -> str:
    name = printable(server.name) or "."
    return f"{name} [{server.address}]" if server.address else name


def _listed(names: Sequence[str], beside: int = 0) -> str:
    """The first names; `beside`: further ones."""
    more = len(names[_SHOWN:]) + beside
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more else "")
