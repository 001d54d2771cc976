"""The changes that a turn shows of a target: sets of names and networks as a whole answer has them, and its MTA-STS."""

from __future__ import annotations

import pytest

from exporter.changes.domain_changes import domain_changes, facts_of
from exporter.model.change import Difference, DomainChange, DomainFacts
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import MtaSts, MtaStsMode
from exporter.model.result import DomainResult, MxHost, MxLookup
from tests.results import lookup_failed, result, up_host

TIMEOUT = Failure(Stage.DNS, FailureClass.DNS_TIMEOUT, "no answer")
NULL = Failure(Stage.DNS, FailureClass.DNS_NULL_MX, "null MX")
A, B = MxHost("mx1.example", 10, ("192.0.2.1",)), MxHost("mx2.example", 20, ("198.51.100.1", "2001:db8:1::1"))


def found(*hosts: MxHost, mta_sts: MtaStsMode | None = None, **more: object) -> DomainResult:
    lookup = MxLookup("a.example", hosts, mx_records=len(hosts), **more)  # type: ignore[arg-type]
    policy = None if mta_sts is None else MtaSts(mta_sts)
    return result(up_host())._replace(lookup=lookup, mta_sts=policy)


def between(known: DomainResult, now: DomainResult) -> tuple[Difference, ...]:
    return domain_changes(facts_of(known), now)[0]


def test_a_new_answer_that_says_the_same_changes_nothing() -> None:
    now = found(A, B, asked_at=5.0)
    assert domain_changes(facts_of(found(A, B)), now) == ((), facts_of(now))
    assert between(found(A, B), found(B, A)) == ()


def test_a_moved_mx_is_another_set_on_another_network() -> None:
    assert between(found(A), found(B)) == (
        Difference(DomainChange.MX, "mx1.example", "mx2.example", ("mx1.example",), ("mx2.example",)),
        Difference(
            DomainChange.NETWORKS,
            "192.0.0.0/16",
            "198.51.0.0/16, 2001:db8::/32",
            ("192.0.0.0/16",),
            ("198.51.0.0/16", "2001:db8::/32"),
        ),
    )


def test_an_address_beside_the_last_one_is_no_other_network() -> None:
    assert between(found(A), found(MxHost("mx1.example", 10, ("192.0.77.1",)))) == ()


def test_a_null_mx_is_an_answer() -> None:
    (change,) = between(found(A), found(failure=NULL))
    assert (change.what, change.now) == (DomainChange.MX, ".")


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(lookup_failed(FailureClass.DNS_TIMEOUT), id="no answer"),
        pytest.param(lookup_failed(FailureClass.DNS_NXDOMAIN), id="no such domain"),
        pytest.param(found(B, more=3), id="only the first hosts"),
        pytest.param(found(B, filtered=TIMEOUT), id="an answer of a filter"),
    ],
)
def test_an_answer_that_is_none_or_not_whole_changes_no_set_of_hosts(now: DomainResult) -> None:
    changes, known = domain_changes(facts_of(found(A)), now)
    assert DomainChange.MX not in [each.what for each in changes]
    # The next whole answer is compared with the last one.
    assert [each.what for each in domain_changes(known, found(B))[0]] == [DomainChange.MX, DomainChange.NETWORKS]


@pytest.mark.parametrize(
    "unknown",
    [
        MxHost("mx2.example", 20, incomplete=True),
        MxHost("mx2.example", 20, failure=TIMEOUT, cause=FailureClass.DNS_TIMEOUT),
        MxHost("mx2.example", 20, ("203.0.113.1",), filtered=TIMEOUT),
        MxHost("mx2.example", 20, ("203.0.113.1",), more=9),
    ],
)
def test_addresses_that_are_not_all_known_are_no_other_networks(unknown: MxHost) -> None:
    changes, known = domain_changes(facts_of(found(A, B)), found(A, unknown))
    assert changes == ()
    assert domain_changes(known, found(A, B)) == ((), facts_of(found(A, B)))


def test_the_first_result_after_nothing_is_no_change() -> None:
    now = found(A, mta_sts=MtaStsMode.ENFORCE)
    assert domain_changes(DomainFacts(), now) == ((), facts_of(now))


def test_the_networks_of_a_host_that_is_named_by_itself_change_too() -> None:
    known, now = (result(up_host())._replace(lookup=None, named=(host,)) for host in (A, B))
    assert [each.what for each in between(known, now)] == [DomainChange.NETWORKS]


@pytest.mark.parametrize("mode", [MtaStsMode.TESTING, MtaStsMode.NONE, MtaStsMode.ABSENT])
def test_a_policy_that_enforces_no_more_is_weakened(mode: MtaStsMode) -> None:
    enforced, less = found(A, mta_sts=MtaStsMode.ENFORCE), found(A, mta_sts=mode)
    assert between(enforced, less) == (Difference(DomainChange.MTA_STS_WEAKENED, "enforce", mode),)
    assert between(less, enforced) == (Difference(DomainChange.MTA_STS, mode, "enforce"),)


@pytest.mark.parametrize("mode", [MtaStsMode.UNKNOWN, None])
def test_a_policy_that_is_not_known_or_not_looked_up_is_not_weakened(mode: MtaStsMode | None) -> None:
    changes, known = domain_changes(facts_of(found(A, mta_sts=MtaStsMode.ENFORCE)), found(A, mta_sts=mode))
    assert changes == ()
    (later,) = domain_changes(known, found(A, mta_sts=MtaStsMode.NONE))[0]
    assert later.what is DomainChange.MTA_STS_WEAKENED


@pytest.mark.parametrize("failure", [TIMEOUT, Failure(Stage.DNS, FailureClass.DNS_NXDOMAIN, "NXDOMAIN")])
def test_a_record_that_is_denied_where_the_mx_lookup_fails_is_not_gone(failure: Failure) -> None:
    """A resolver that denies every name denies that of the policy, too."""
    enforced = found(A, mta_sts=MtaStsMode.ENFORCE)
    changes, known = domain_changes(facts_of(enforced), found(failure=failure, mta_sts=MtaStsMode.ABSENT))
    assert changes == ()
    assert domain_changes(known, enforced)[0] == ()
    (gone,) = domain_changes(known, found(A, mta_sts=MtaStsMode.ABSENT))[0]
    assert gone.what is DomainChange.MTA_STS_WEAKENED


def test_a_policy_that_ends_step_by_step_is_weakened_once() -> None:
    """Enforce, testing, no answer for a while, none: RFC 8461 8.3."""
    modes = (MtaStsMode.ENFORCE, MtaStsMode.TESTING, MtaStsMode.UNKNOWN, MtaStsMode.NONE, MtaStsMode.UNKNOWN)
    known, told = facts_of(found(A, mta_sts=modes[0])), []
    for mode in modes[1:]:
        changes, known = domain_changes(known, found(A, mta_sts=mode))
        told += [each.what for each in changes]
    assert told == [DomainChange.MTA_STS_WEAKENED, DomainChange.MTA_STS]


def test_the_ipv6_addresses_of_all_hosts_are_gone() -> None:
    (change,) = between(found(A, B), found(A, MxHost("mx2.example", 20, B.addresses[:1])))
    assert (change.what, change.gone, change.new) == (DomainChange.NETWORKS, ("2001:db8::/32",), ())


def test_names_are_bounded() -> None:
    many = [MxHost(f"mx{number}.{'a' * 60}.example", number, ("192.0.2.1",)) for number in range(64)]
    (change,) = between(found(*many), found(A))
    assert len(change.before) <= 201


def test_sets_that_differ_behind_the_cut_are_told_apart() -> None:
    many = [MxHost(f"mx{number}.{'a' * 60}.example", number, ("192.0.2.1",)) for number in range(8)]
    last = MxHost("mx9.example", 9, ("192.0.2.1",))
    (more,), (fewer,) = between(found(*many), found(*many, last)), between(found(*many, last), found(*many))
    assert (more.before, more.now) == (fewer.now, fewer.before) == ("…", "…, mx9.example")
