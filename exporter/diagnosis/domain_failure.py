"""The verdict of a domain: its hosts are judged together, not by the most preferred one. Pure.

A domain is up if one host is. Else the first kind of reason that one host has speaks, in the order of how much it says:
a reply that names the reason before a symptom, and death only where there is nothing else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from exporter.model.address import family_of
from exporter.model.failure import Failure, FailureClass, Stage, Verdict
from exporter.model.result import HostResult, MxLookup

_C, _V = FailureClass, Verdict
# Blocks that were found by what the network did; every other block is in a reply.
_BY_EVIDENCE: Final = frozenset(
    {_C.CONNECT_PROHIBITED, _C.PORT_FILTERED, _C.EGRESS_BLOCKED, _C.EGRESS_INTERCEPTED, _C.LOCAL_FIREWALL}
)
_REPLY_BLOCKS: Final = 0
_ORDER: Final = MappingProxyType(
    {
        _V.DEGRADED: 1,
        _V.MISCONFIGURED: 2,
        _V.DECLINED: 3,
        _V.BLOCKED: 4,  # by evidence
        _V.UNDETERMINED: 5,
        _V.DEAD: 6,
        _V.LOCAL: 7,
    }
)

# What an own address does that was tried for want of an MX record.
_TRIED: Final = MappingProxyType(
    {
        _C.CONNECT_REFUSED: "runs no mail",
        _C.CONNECT_TIMEOUT: "does not answer",
        _C.CONNECT_UNREACHABLE: "is not to be reached",
        _C.PORT_FILTERED: "does not answer on port 25",
    }
)
_NONE: Final = MappingProxyType(
    {
        "does not answer": "answers",
        "is not to be reached": "is to be reached",
        "does not answer on port 25": "answers on port 25",
        "runs no mail": "runs mail",
    }
)
# Addresses named in a sentence.
_MAX_SHOWN: Final = 3


def domain_failure(
    hosts: tuple[HostResult, ...], failed_lookup: Failure | None, lookup: MxLookup | None = None
) -> Failure | None:
    """Why mail for the domain could not be handed over; None if one host is up. `hosts` stand in order of preference.

    `failed_lookup` is what failed of the lookup; it speaks where no host has an address. `lookup` is what it found.

    An address that this host has no route to (IPv6 where there is none) says nothing about the domain while another
    family has one. One that was not asked for want of a turn may be well: with it nobody is known to be dead.
    """
    if any(host.up for host in hosts):
        return None
    failing = [host for host in _reachable(hosts) if host.failure is not None]
    if failed_lookup is not None and not any(host.address for host in failing):
        return failed_lookup
    if not failing:
        return Failure(Stage.DNS, _C.DNS_NO_ADDRESS, "the lookup gave no host")
    speaker = min(failing, key=_rank)
    if _rank(speaker) == _ORDER[_V.DEAD]:
        speaker = next((host for host in failing if _without_turn(host)), speaker)
    assert speaker.failure is not None  # noqa: S101 - what made it failing
    told = _among(speaker.failure, [host.failure for host in failing if host.failure is not None])
    return told if lookup is None else without_mx(lookup, told)


def without_mx(lookup: MxLookup, failure: Failure) -> Failure:
    """The failure of a domain's hosts, where the domain has no MX record and its own addresses were tried instead.

    The class stays, and so does the verdict: what becomes of the attempt is the fact. That nobody has said that mail is
    taken there is the reason, and told first (RFC 5321 5.1).
    """
    if lookup.mx_records or not lookup.hosts:
        return failure
    if failure.stage is Stage.DNS and failure.failure_class is not _C.MX_ADDRESS_FORBIDDEN:
        return failure
    domain, addresses = lookup.domain, lookup.hosts[0].addresses
    said = _TRIED.get(failure.failure_class)
    who = f"{domain} is an alias of {lookup.alias_of}, which has" if lookup.alias_of else f"{domain} has"
    if failure.about and failure.detail.startswith(f"{failure.about} is "):
        detail = f"{who} no MX record; its own address {failure.detail}"
        return replace(failure, detail=detail, evidence=(failure.detail, *failure.evidence))
    if said is None or not addresses:
        return replace(failure, evidence=(*failure.evidence, f"{who} no MX record; its own address was tried"))
    shown = ", ".join(addresses[:_MAX_SHOWN]) + (", …" if len(addresses) > _MAX_SHOWN else "")
    if len(addresses) == 1:
        detail = f"{who} no MX record; its own address {shown} was tried and {said}"
    else:
        detail = f"{who} no MX record; its own addresses {shown} were tried and none {_NONE.get(said, said)}"
    return replace(failure, detail=detail, evidence=(failure.detail, *failure.evidence), about=failure.about or domain)


def speaker_of(hosts: tuple[HostResult, ...], failure: Failure) -> HostResult | None:
    """The host whose failure is the domain's."""
    return next((host for host in hosts if host.failure is not None and _same(host.failure, failure)), None)


def _same(own: Failure, told: Failure) -> bool:
    if (own.failure_class, own.stage, own.confidence) != (told.failure_class, told.stage, told.confidence):
        return False
    return own.detail == told.detail or own.detail in told.evidence


def _reachable(hosts: tuple[HostResult, ...]) -> tuple[HostResult, ...]:
    absent = {family_of(host.address) for host in hosts if _no_route(host)}
    there = {family_of(host.address) for host in hosts if host.address and not _no_route(host)}
    if not absent or not there - absent:
        return hosts
    return tuple(host for host in hosts if not host.address or not _no_route(host))


def _no_route(host: HostResult) -> bool:
    return bool(host.address) and host.failure is not None and host.failure.failure_class is _C.NO_ROUTE


def _without_turn(host: HostResult) -> bool:
    return host.failure is not None and host.failure.failure_class is _C.NO_TURN


def _rank(host: HostResult) -> int:
    """`min` keeps the first of equals: the more preferred, then the lower address."""
    failure = host.failure
    assert failure is not None  # noqa: S101 - only failing ones are ranked
    if failure.verdict is _V.BLOCKED and failure.failure_class not in _BY_EVIDENCE:
        return _REPLY_BLOCKS
    return _ORDER[failure.verdict]


def _among(speaking: Failure, all_failures: list[Failure]) -> Failure:
    """The reason that settles it, with how the other hosts fare."""
    others = Counter(failure.failure_class for failure in all_failures)
    others[speaking.failure_class] -= 1
    left = {failure_class: count for failure_class, count in others.items() if count}
    if not left:
        return speaking
    if sum(left.values()) == 1:
        told = f"the other address: {next(iter(left))}"
    else:
        told = f"the {sum(left.values())} other addresses: {', '.join(f'{n} {each}' for each, n in left.items())}"
    return replace(speaking, evidence=(*speaking.evidence, told))
