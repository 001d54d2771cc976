"""The failure of a domain, chosen among those of its hosts; the most preferred host does not decide alone. Pure.

A domain is up if one host is. Else the most telling failure of a host counts for the domain: a reply that names the
reason before a symptom, and "dead" only where all hosts are.
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
# Blocks found by the behaviour of the network; every other block is found in a reply.
_BY_EVIDENCE: Final = frozenset(
    {_C.CONNECT_PROHIBITED, _C.PORT_FILTERED, _C.EGRESS_BLOCKED, _C.EGRESS_INTERCEPTED, _C.LOCAL_FIREWALL}
)
_BLOCKED_BY_REPLY: Final = 0
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

# Behaviour of a domain's own address, which was tried because there is no MX record.
_OWN_ADDRESS: Final = MappingProxyType(
    {
        _C.CONNECT_REFUSED: "runs no mail",
        _C.CONNECT_TIMEOUT: "does not answer",
        _C.CONNECT_UNREACHABLE: "is not to be reached",
        _C.PORT_FILTERED: "does not answer on its mail port",
    }
)
# The same after "none".
_NONE: Final = MappingProxyType(
    {
        "does not answer": "answers",
        "is not to be reached": "is to be reached",
        "does not answer on its mail port": "answers on its mail port",
        "runs no mail": "runs mail",
    }
)
# Addresses named in a sentence.
_MAX_SHOWN: Final = 3


def domain_failure(
    hosts: tuple[HostResult, ...], failed_lookup: Failure | None, lookup: MxLookup | None = None
) -> Failure | None:
    """The reason why no host takes mail for the domain; None if one host is up. `hosts` stand in order of preference.

    `failed_lookup` is the failure of the lookup, which counts where no host has an address; `lookup` its result.

    An address without a route from here (IPv6 where there is none) says nothing about the domain while another family
    has a route. An address that was not probed for want of a session slot may be up: with it no domain counts as dead.
    """
    if any(host.up for host in hosts):
        return None
    failing = [host for host in _reachable(hosts) if host.failure is not None]
    if failed_lookup is not None and not any(host.address for host in failing):
        return failed_lookup
    if not failing:
        return Failure(Stage.DNS, _C.DNS_NO_ADDRESS, "the lookup gave no host")
    decisive = min(failing, key=_rank)
    if _rank(decisive) == _ORDER[_V.DEAD]:
        decisive = next((host for host in failing if _was_not_probed(host)), decisive)
    assert decisive.failure is not None  # noqa: S101 - `failing` holds no other hosts
    failure = _with_others(decisive.failure, [host.failure for host in failing if host.failure is not None])
    return failure if lookup is None else without_mx(lookup, failure)


def without_mx(lookup: MxLookup, failure: Failure) -> Failure:
    """The failure of a domain's hosts, where the domain has no MX record and its own addresses were tried instead.

    Class and verdict stay those of the attempt. The sentence begins with the missing MX record, which is the reason:
    the domain has not announced that it takes mail there (RFC 5321 5.1).
    """
    if lookup.mx_records or not lookup.hosts:
        return failure
    if failure.stage is Stage.DNS and failure.failure_class is not _C.MX_ADDRESS_FORBIDDEN:
        return failure
    domain, addresses = lookup.domain, lookup.hosts[0].addresses
    behaviour = _OWN_ADDRESS.get(failure.failure_class)
    subject = f"{domain} is an alias of {lookup.alias_of}, which has" if lookup.alias_of else f"{domain} has"
    if failure.about and failure.detail.startswith(f"{failure.about} is "):
        detail = f"{subject} no MX record; its own address {failure.detail}"
        return replace(failure, detail=detail, evidence=(failure.detail, *failure.evidence))
    if behaviour is None or not addresses:
        return replace(failure, evidence=(*failure.evidence, f"{subject} no MX record; its own address was tried"))
    shown = ", ".join(addresses[:_MAX_SHOWN]) + (", …" if len(addresses) > _MAX_SHOWN else "")
    if len(addresses) == 1:
        detail = f"{subject} no MX record; its own address {shown} was tried and {behaviour}"
    else:
        detail = (
            f"{subject} no MX record; its own addresses {shown} were tried and none {_NONE.get(behaviour, behaviour)}"
        )
    return replace(failure, detail=detail, evidence=(failure.detail, *failure.evidence), about=failure.about or domain)


def decisive_host(hosts: tuple[HostResult, ...], failure: Failure) -> HostResult | None:
    """The host whose failure is the domain's."""
    return next((host for host in hosts if host.failure is not None and _is_source(host.failure, failure)), None)


def _is_source(own: Failure, failure: Failure) -> bool:
    """True where the domain's `failure` was made of a host's `own`."""
    if (own.failure_class, own.stage, own.confidence) != (failure.failure_class, failure.stage, failure.confidence):
        return False
    return own.detail == failure.detail or own.detail in failure.evidence


def _reachable(hosts: tuple[HostResult, ...]) -> tuple[HostResult, ...]:
    absent = {family_of(host.address) for host in hosts if _no_route(host)}
    there = {family_of(host.address) for host in hosts if host.address and not _no_route(host)}
    if not absent or not there - absent:
        return hosts
    return tuple(host for host in hosts if not host.address or not _no_route(host))


def _no_route(host: HostResult) -> bool:
    return bool(host.address) and host.failure is not None and host.failure.failure_class is _C.NO_ROUTE


def _was_not_probed(host: HostResult) -> bool:
    return host.failure is not None and host.failure.failure_class is _C.NO_TURN


def _rank(host: HostResult) -> int:
    """The rank of a host's failure, the most telling first; `min` keeps the more preferred of equal ones."""
    failure = host.failure
    assert failure is not None  # noqa: S101 - only failing hosts are ranked
    if failure.verdict is _V.BLOCKED and failure.failure_class not in _BY_EVIDENCE:
        return _BLOCKED_BY_REPLY
    return _ORDER[failure.verdict]


def _with_others(decisive: Failure, failures: list[Failure]) -> Failure:
    """The decisive failure, with the classes of the other hosts in its evidence."""
    others = Counter(failure.failure_class for failure in failures)
    others[decisive.failure_class] -= 1
    left = {failure_class: count for failure_class, count in others.items() if count}
    if not left:
        return decisive
    if sum(left.values()) == 1:
        summary = f"the other address: {next(iter(left))}"
    else:
        summary = f"the {sum(left.values())} other addresses: {', '.join(f'{n} {each}' for each, n in left.items())}"
    return replace(decisive, evidence=(*decisive.evidence, summary))
