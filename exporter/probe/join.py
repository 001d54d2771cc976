"""The join: from what a target's turn found, and the results of its hosts, to the result of the target. Pure.

Nothing of an earlier result enters into it, so a result may be made anew at any time. The hosts are as the diagnosis
left them; the state of the resolver alone is looked at here, for the names that have no address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from exporter.diagnosis.domain_failure import domain_failure
from exporter.diagnosis.networks import organisation
from exporter.diagnosis.resolver_state import judge_lookup
from exporter.model.address import Family, is_address
from exporter.model.failure import Failure, FailureClass
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostResult, MxHost, MxLookup
from exporter.model.target import Target
from exporter.model.warning import DomainWarning
from exporter.model.zone import MxZone, Signature, earliest
from exporter.policies.domain_judgement import FoundPolicies, judge_for_domain
from exporter.policies.zone.judgement import zone_warnings
from exporter.probe.expected_mx import AS_EXPECTED, mx_differences, warnings_of

_RESOLVER_FAILING: Final = FailureClass.RESOLVER_FAILING
_NULL_MX: Final = DomainWarning.NULL_MX_AMONG_OTHERS
_SIGNATURE_EXPIRES_SOON: Final = DomainWarning.SIGNATURE_EXPIRES_SOON
_IPV4, _IPV6 = Family.IPV4, Family.IPV6
_NO_POLICIES: Final = FoundPolicies()
# Targets with equal providers, or as many addresses, have one object for them.
_MAX_REMEMBERED: Final = 8192

Found = tuple[tuple[Family, int], ...]


class Seen(NamedTuple):
    """The findings of a target's turn, beside its hosts."""

    at: float  # Unix time
    took: float  # seconds of the lookup of this turn
    lookup: MxLookup | None  # None for a target that is named by its host
    named: tuple[MxHost, ...]  # of such a target
    found: Found
    providers: tuple[str, ...]
    policies: FoundPolicies | None = None  # None: none are looked up


class SeenHosts(NamedTuple):
    """The results of a target's hosts, with all that a target whose hosts are up needs of them."""

    results: tuple[HostResult, ...]  # in order of preference, then address
    longest: float  # seconds of the longest session
    is_up: bool  # every host is


def seen_hosts(results: tuple[HostResult, ...]) -> SeenHosts:
    """These results, and their longest session."""
    longest = 0.0
    is_up = True
    for host in results:
        took = host.timings.took
        if took > longest:
            longest = took
        is_up = is_up and host.outcome.failure is None
    return SeenHosts(results, longest, is_up)


def join(target: Target, seen: Seen, hosts: SeenHosts, resolver: ResolverView) -> DomainResult:
    """The result of `target`. `hosts`: the results that there are."""
    lookup, judged = seen.lookup, hosts.results
    failure: Failure | None = None
    warnings: tuple[DomainWarning, ...] = ()
    has_policies = bool(target.settings.module.policies)
    if has_policies or not hosts.is_up or not judged:
        if not hosts.is_up:
            judged = _with_names(judged, seen, resolver)
        if has_policies:
            judged, warnings = _by_policies(judged, target, seen)
        failure = domain_failure(judged, _lookup_failure(judged, seen, resolver), lookup)
    if failure is None and lookup is not None and lookup.null_mx_among_others:
        warnings = (_NULL_MX, *warnings)
    differences = AS_EXPECTED
    if target.settings.expect_mx and lookup is not None:
        differences = mx_differences(target.settings.expect_mx, lookup, failure)
        warnings = (*warnings, *warnings_of(differences))
    policies = seen.policies or _NO_POLICIES
    signature = None if lookup is None else lookup.signature
    if has_policies:
        signature = _first_to_end(lookup, judged, policies.zone)
    if signature is not None or policies.zone is not None:
        warnings = (*warnings, *_warnings_of_dns(signature, policies.zone, seen.at))
    return DomainResult(
        seen.at,
        seen.took + hosts.longest,
        lookup,
        judged,
        seen.found,
        failure,
        warnings,
        policies.mta_sts,
        policies.tls_rpt,
        seen.named,
        seen.providers,
        differences,
        signature,
        policies.zone,
    )


def addresses_found(hosts: Sequence[MxHost], families: tuple[Family, ...]) -> Found:
    """The numbers of addresses by family, probed or not; without any, each family that was asked for with 0."""
    ipv4 = ipv6 = 0
    for host in hosts:
        own = sum([":" in address for address in host.addresses])
        ipv6 += own + host.more_ipv6
        ipv4 += len(host.addresses) - own + host.more - host.more_ipv6
    return _found(ipv4, ipv6, families)


def providers_of(hosts: Sequence[MxHost]) -> tuple[str, ...]:
    """The organisations of the names of MX hosts, sorted. An address in place of a name is of none."""
    return _organisations(tuple([host.name for host in hosts]))


@lru_cache(maxsize=_MAX_REMEMBERED)
def _found(ipv4: int, ipv6: int, families: tuple[Family, ...]) -> Found:
    counts = tuple((family, count) for family, count in ((_IPV4, ipv4), (_IPV6, ipv6)) if count)
    return counts or tuple((family, 0) for family in families)


@lru_cache(maxsize=_MAX_REMEMBERED)
def _organisations(names: tuple[str, ...]) -> tuple[str, ...]:
    return _equal(tuple(sorted({organisation(name) for name in names if not is_address(name.strip("[]"))})))


@lru_cache(maxsize=_MAX_REMEMBERED)
def _equal(providers: tuple[str, ...]) -> tuple[str, ...]:
    return providers


def _with_names(hosts: Sequence[HostResult], seen: Seen, resolver: ResolverView) -> tuple[HostResult, ...]:
    """`hosts`, those without an address with their failure under this state of the resolver."""
    return tuple([host if host.address else _judged_name(host, seen, resolver) for host in hosts])


def _judged_name(host: HostResult, seen: Seen, resolver: ResolverView) -> HostResult:
    own = host.outcome.own_failure
    if own is None:
        return host
    looked_up = seen.named if seen.lookup is None else seen.lookup.hosts
    asked = next((each for each in looked_up if each.name == host.mx), None)
    cause, asked_at = (asked.cause, asked.asked_at) if asked is not None else (None, None)
    failure = judge_lookup(own, cause, asked_at or seen.at, resolver)
    return host if failure == host.failure else replace(host, outcome=replace(host.outcome, failure=failure))


def _by_policies(
    hosts: tuple[HostResult, ...], target: Target, seen: Seen
) -> tuple[tuple[HostResult, ...], tuple[DomainWarning, ...]]:
    """The hosts as a sender judges them for this domain, and what is wrong with its policies."""
    authenticated = seen.lookup is None or seen.lookup.authenticated
    policy = seen.policies.policy if seen.policies is not None else None
    module = target.settings.module
    found: set[DomainWarning] = set()
    judged = []
    for host in hosts:
        # A host without a session has no TLS to be judged by.
        each, warning = judge_for_domain(host, authenticated, policy, module) if host.timings.at else (host, None)
        judged.append(each)
        if warning is not None:
            found.add(warning)
    return tuple(judged), tuple(warning for warning in DomainWarning if warning in found)


def _warnings_of_dns(signature: Signature | None, zone: MxZone | None, at: float) -> tuple[DomainWarning, ...]:
    found = () if zone is None else zone_warnings(zone, at)
    return (*found, _SIGNATURE_EXPIRES_SOON) if signature is not None and signature.ends_soon(at) else found


def _first_to_end(lookup: MxLookup | None, hosts: Sequence[HostResult], zone: MxZone | None) -> Signature | None:
    """The signature that ends first: of the lookup, the TLSA records of the hosts, and the zone's own name servers."""
    found = [host.facts.dane.signature for host in hosts if host.facts.dane is not None]
    if lookup is not None:
        found.append(lookup.signature)
    if zone is not None and zone.signature is not None:
        # What a server of the zone holds counts as much as the MX answer that our resolver had from one of them.
        verified = lookup is not None and lookup.authenticated
        found.append(zone.signature._replace(is_authenticated=verified))
    return earliest(found)


def _lookup_failure(hosts: tuple[HostResult, ...], seen: Seen, resolver: ResolverView) -> Failure | None:
    """The failure of the lookup under this state of the resolver; of a lookup that found hosts, that of their names."""
    lookup = seen.lookup
    if lookup is None or lookup.failure is None:
        return None
    if not lookup.hosts:
        return judge_lookup(lookup.failure, lookup.cause, lookup.asked_at or seen.at, resolver)
    of_names = (host.failure for host in hosts if not host.address and host.failure is not None)
    return next((failure for failure in of_names if failure.failure_class is _RESOLVER_FAILING), lookup.failure)
