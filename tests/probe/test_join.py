"""The join of a target: a table of cases, and the properties of a pure function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.domain_failure import domain_failure
from exporter.model.address import Family
from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, TlsRpt
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverState, ResolverSymptom, ResolverView
from exporter.model.result import DomainResult, HostResult, MxHost, MxLookup, TlsResult
from exporter.model.target import Module, PolicyKind, Settings, Starttls, Target, TargetKind
from exporter.model.warning import DomainWarning as D
from exporter.policies.domain_judgement import FoundPolicies
from exporter.policies.mtasts.policy import MtaStsPolicy
from exporter.probe.join import Seen, addresses_found, join, providers_of, seen_hosts
from tests.results import host_of

C = FailureClass
BOTH = (Family.IPV4, Family.IPV6)
PLAIN = Target(TargetKind.DOMAIN, "a.example", "a.example", Settings())
STRICT = Module(
    stages=(Stage.EHLO, Stage.STARTTLS),
    starttls=Starttls(verify="require"),
    policies=(PolicyKind.DANE, PolicyKind.MTA_STS),
)
REFUSED = Failure(Stage.CONNECT, C.CONNECT_REFUSED, "refused")
BUSY = Failure(Stage.BANNER, C.BANNER_TEMPFAIL, "busy")
FAILING = ResolverView(ResolverState.FAILING, Confidence.LIKELY, ResolverSymptom.NO_ANSWER, 5)


def seen_of(*hosts: MxHost, failure: Failure | None = None, **values: Any) -> Seen:
    lookup = MxLookup("a.example", hosts, failure, mx_records=len(hosts), duration=0.001)
    found = addresses_found(hosts, BOTH)
    return Seen(1000.0, 0.25, lookup, (), found, providers_of(hosts))._replace(**values)


def up(mx: str = "mx.b.example", address: str = "192.0.2.1", took: float = 1.0) -> HostResult:
    return host_of(mx, address, at=900.0, took=took)


def down(failure: Failure, mx: str = "mx.b.example", address: str = "192.0.2.1") -> HostResult:
    return host_of(mx, address, at=900.0, took=2.0, failure=failure, own_failure=failure)


def joined(
    seen: Seen, *hosts: HostResult, target: Target = PLAIN, view: ResolverView = RESOLVER_UNKNOWN
) -> DomainResult:
    return join(target, seen, seen_hosts(hosts), view)


def test_the_hosts_are_the_very_objects_and_the_longest_session_counts() -> None:
    hosts = (up(took=0.5), up(address="2001:db8::1", took=3.0))
    seen = seen_of(MxHost("mx.b.example", 10, ("192.0.2.1", "2001:db8::1")))
    result = joined(seen, *hosts)
    assert [each is host for each, host in zip(result.hosts, hosts, strict=True)] == [True, True]
    assert (result.at, result.duration, result.up) == (1000.0, 3.25, True)
    assert (result.lookup, result.providers) == (seen.lookup, ("b.example",))
    assert result.found == ((Family.IPV4, 1), (Family.IPV6, 1))
    assert (result.addresses_up, result.warnings, result.mta_sts, result.tls_rpt) == (2, (), None, None)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ((up(), down(REFUSED)), None),
        ((down(REFUSED), down(BUSY)), C.BANNER_TEMPFAIL),
        ((down(REFUSED), down(REFUSED)), C.CONNECT_REFUSED),
        ((), C.DNS_NO_ADDRESS),
    ],
)
def test_the_most_telling_host_speaks(hosts: tuple[HostResult, ...], expected: C | None) -> None:
    result = joined(seen_of(MxHost("mx.b.example", 10, ("192.0.2.1", "192.0.2.2"))), *hosts)
    assert (result.failure and result.failure.failure_class) == expected


def test_a_lookup_without_hosts_is_the_failure() -> None:
    failure = Failure(Stage.DNS, C.DNS_NXDOMAIN, "no such name")
    result = joined(seen_of(failure=failure))
    assert (result.failure, result.hosts, result.addresses, result.providers) == (failure, (), 0, ())
    assert result.found == ((Family.IPV4, 0), (Family.IPV6, 0))


@pytest.mark.parametrize(
    ("failure_class", "expected"),
    [
        (C.DNS_SERVFAIL, C.RESOLVER_FAILING),
        (C.DNS_TIMEOUT, C.RESOLVER_FAILING),
        (C.DNS_BOGUS, C.RESOLVER_FAILING),
        (C.DNS_NXDOMAIN, C.DNS_NXDOMAIN),
    ],
)
def test_a_lookup_that_fails_as_all_do_is_the_resolvers(failure_class: C, expected: C) -> None:
    seen = seen_of(failure=Failure(Stage.DNS, failure_class))
    failure = joined(seen, view=FAILING).failure
    assert failure is not None
    assert failure.failure_class is expected
    own = joined(seen).failure
    assert own is not None
    assert own.failure_class is failure_class


def test_a_host_whose_name_could_not_be_looked_up_is_so_too() -> None:
    own = Failure(Stage.DNS, C.MX_UNRESOLVABLE, "no address")
    unresolved = host_of("mx.a.example", "", failure=own, own_failure=own)
    mx = MxHost("mx.a.example", 10, failure=own, cause=C.DNS_SERVFAIL, asked_at=5.0)
    result = joined(seen_of(mx, failure=own), unresolved, view=FAILING)
    assert result.failure is not None
    assert (result.failure.failure_class, result.failure.verdict) == (C.RESOLVER_FAILING, Verdict.LOCAL)
    assert result.hosts[0].failure == result.failure
    assert joined(seen_of(mx, failure=own), unresolved).failure == own
    named = Seen(5.0, 0.0, None, (mx,), ((Family.IPV4, 0),), ())
    relay = replace(PLAIN, kind=TargetKind.HOST)
    failure = joined(named, unresolved, target=relay, view=FAILING).failure
    assert failure is not None
    assert failure.failure_class is C.RESOLVER_FAILING


def test_a_null_mx_among_others_is_a_warning_of_a_domain_that_works() -> None:
    seen = seen_of(MxHost("mx.b.example", 10, ("192.0.2.1",)))
    assert seen.lookup is not None
    seen = seen._replace(lookup=replace(seen.lookup, null_mx_among_others=True))
    assert joined(seen, up()).warnings == (D.NULL_MX_AMONG_OTHERS,)
    assert joined(seen, up()).hosts[0].outcome.warnings == ()
    assert joined(seen, down(REFUSED)).warnings == ()


def test_mx_hosts_that_are_not_as_expected_are_warned_of_whether_the_domain_is_up_or_down() -> None:
    seen = seen_of(MxHost("mx.b.example", 10, ("192.0.2.1",)))
    target = replace(PLAIN, settings=Settings(expect_mx=("mx.b.example", ".other.example")))
    for host in (up(), down(REFUSED)):
        result = joined(seen, host, target=target)
        assert result.warnings == (D.MX_MISSING,)
        assert result.mx_differences.missing == (".other.example",)
    assert joined(seen, up()).warnings == ()
    null = seen_of(failure=Failure(Stage.DNS, C.DNS_NULL_MX))
    assert joined(null, target=target).mx_differences.missing == target.settings.expect_mx
    unknown = seen_of(failure=Failure(Stage.DNS, C.DNS_NXDOMAIN))
    assert joined(unknown, target=target, view=replace(FAILING, symptom=ResolverSymptom.ABSENT)).warnings == ()
    assert joined(unknown, target=target).warnings == (D.MX_MISSING,)


def test_the_policies_of_a_domain_judge_its_hosts_for_it_alone() -> None:
    policies = FoundPolicies(
        MtaSts(MtaStsMode.ENFORCE, True), MtaStsPolicy("enforce", 60, ("mx.other.example",)), TlsRpt(False)
    )
    tls = TlsResult("TLSv1.3", "x", True)
    hosts = [
        replace(host, facts=replace(host.facts, tls=tls))
        for host in (up("mx.b.example"), up("mx.other.example", "192.0.2.2"))
    ]
    seen = seen_of(MxHost("mx.b.example", 10, ("192.0.2.1",)), policies=policies)
    target = replace(PLAIN, settings=Settings(module=STRICT))
    result = joined(seen, *hosts, target=target)
    assert result.warnings == (D.MTA_STS_MISMATCH,)
    assert (result.mta_sts, result.tls_rpt) == (policies.mta_sts, policies.tls_rpt)
    assert [host.up for host in result.hosts] == [False, True]
    assert result.hosts[1] is hosts[1]
    assert result.up
    alone = joined(seen, hosts[0], target=target).failure
    assert alone is not None
    assert alone.failure_class is C.MTA_STS_MISMATCH


@pytest.mark.parametrize(
    ("authenticated", "is_named", "state"),
    [(False, False, DaneState.INSECURE), (True, False, DaneState.VERIFIED), (False, True, DaneState.VERIFIED)],
)
def test_dane_applies_where_the_names_of_the_hosts_cannot_be_forged(
    authenticated: bool, is_named: bool, state: DaneState
) -> None:
    host = up()
    host = replace(host, facts=replace(host.facts, dane=Dane(DaneState.VERIFIED, ("3 1 1 ab",))))
    mx = MxHost("mx.b.example", 10, ("192.0.2.1",))
    lookup = None if is_named else MxLookup("a.example", (mx,), authenticated=authenticated)
    seen = seen_of(mx)._replace(lookup=lookup)
    target = replace(PLAIN, settings=Settings(module=STRICT))
    (judged,) = joined(seen, host, target=target).hosts
    assert judged.facts.dane is not None
    assert judged.facts.dane.state is state


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        ((MxHost("a", 1, ("192.0.2.1", "192.0.2.2")),), ((Family.IPV4, 2),)),
        ((MxHost("a", 1, ("2001:db8::1",)),), ((Family.IPV6, 1),)),
        ((MxHost("a", 1, ("192.0.2.1", "2001:db8::1"), more=5, more_ipv6=3),), ((Family.IPV4, 3), (Family.IPV6, 4))),
        ((MxHost("a", 1, ("192.0.2.1",)), MxHost("b", 2, ("192.0.2.1",))), ((Family.IPV4, 2),)),
        ((MxHost("a", 1),), ((Family.IPV4, 0), (Family.IPV6, 0))),
        ((), ((Family.IPV4, 0), (Family.IPV6, 0))),
    ],
)
def test_addresses_are_counted_by_family(hosts: tuple[MxHost, ...], found: object) -> None:
    assert addresses_found(hosts, BOTH) == found


def test_only_a_family_that_was_asked_for_has_no_address() -> None:
    assert addresses_found((), (Family.IPV6,)) == ((Family.IPV6, 0),)


@pytest.mark.parametrize(
    ("names", "providers"),
    [
        (("mx1.b.example", "mx2.b.example"), ("b.example",)),
        (("mx.c.example", "mx.b.example"), ("b.example", "c.example")),
        (("a.example",), ("a.example",)),  # an implicit MX
        (("192.0.2.1", "[192.0.2.1]", "2001:db8::1"), ()),
        (("mx.b.co.uk", "192.0.2.1"), ("b.co.uk",)),
        ((), ()),
    ],
)
def test_the_providers_are_the_organisations_of_the_names(names: tuple[str, ...], providers: tuple[str, ...]) -> None:
    assert providers_of([MxHost(name, 10) for name in names]) == providers


FAILURES = st.sampled_from(
    [None, REFUSED, BUSY, Failure(Stage.RCPT, C.MAILBOX_UNKNOWN), Failure(Stage.CONNECT, C.NO_TURN)]
)
HOSTS = st.lists(FAILURES, max_size=5).map(
    lambda failures: tuple(
        up(f"mx{number}.b.example", f"192.0.2.{number}")
        if failure is None
        else down(failure, f"mx{number}.b.example", f"192.0.2.{number}")
        for number, failure in enumerate(failures)
    )
)


@given(HOSTS, st.sampled_from([RESOLVER_UNKNOWN, FAILING]), st.sampled_from([Module(), STRICT]), st.booleans())
def test_the_same_findings_give_the_same_result(
    hosts: tuple[HostResult, ...], view: ResolverView, module: Module, authenticated: bool
) -> None:
    seen = seen_of(*(MxHost(host.mx, 10, (host.address,)) for host in hosts))
    assert seen.lookup is not None
    seen = seen._replace(lookup=replace(seen.lookup, authenticated=authenticated))
    target = replace(PLAIN, settings=Settings(module=module))
    first = joined(seen, *hosts, target=target, view=view)
    copies = tuple(replace(host) for host in hosts)
    assert joined(Seen(*seen), *copies, target=replace(target), view=replace(view)) == first
    # Made again from its own hosts it is the same: nothing counts twice.
    assert joined(seen, *first.hosts, target=target, view=view) == first
    assert first.failure == domain_failure(first.hosts, None, seen.lookup)
    assert first.up is any(host.up for host in hosts)
