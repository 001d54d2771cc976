from __future__ import annotations

import pytest

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import MxDifferences, MxHost, MxLookup
from exporter.model.warning import DomainWarning
from exporter.probe.expected_mx import AS_EXPECTED, compared_anew, mx_differences, warnings_of
from tests.results import result, up_host

C, D = FailureClass, DomainWarning
OURS = (".mx.example", "backup.example")


def lookup(*names: str, records: int | None = None) -> MxLookup:
    hosts = tuple(MxHost(name, 10 * place) for place, name in enumerate(names))
    return MxLookup("a.example", hosts, mx_records=len(hosts) if records is None else records)


@pytest.mark.parametrize(
    ("names", "unexpected", "missing"),
    [
        (("one.mx.example", "backup.example"), (), ()),
        (("one.mx.example", "two.mx.example", "backup.example"), (), ()),
        (("one.deeper.mx.example", "backup.example"), (), ()),
        (("mx.example", "backup.example"), ("mx.example",), (".mx.example",)),  # not below itself
        (("onemx.example", "backup.example"), ("onemx.example",), (".mx.example",)),
        (("one.mx.example", "a.backup.example"), ("a.backup.example",), ("backup.example",)),
        (("one.mx.example",), (), ("backup.example",)),
        (("one.mx.example", "backup.example", "mx.other.example"), ("mx.other.example",), ()),
        (("mx.other.example", "192.0.2.1"), ("mx.other.example", "192.0.2.1"), OURS),
    ],
)
def test_each_host_needs_an_entry_and_each_entry_a_host(
    names: tuple[str, ...], unexpected: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    found = mx_differences(OURS, lookup(*names), None)
    assert found == MxDifferences(unexpected, missing)
    assert (D.MX_UNEXPECTED in warnings_of(found), D.MX_MISSING in warnings_of(found)) == (
        bool(unexpected),
        bool(missing),
    )


def test_domains_that_are_as_expected_share_one_value() -> None:
    assert mx_differences(OURS, lookup("one.mx.example", "backup.example"), None) is AS_EXPECTED


def test_an_alias_counts_as_the_host_that_it_leads_to() -> None:
    alias = MxHost("mail.a.example", 10, alias_of="one.mx.example")
    found = MxLookup("a.example", (alias, MxHost("backup.example", 20)), mx_records=2)
    assert mx_differences(OURS, found, None) is AS_EXPECTED
    assert mx_differences(("mail.a.example", "backup.example"), found, None) is AS_EXPECTED


@pytest.mark.parametrize(
    ("cause", "is_known"),
    [(C.DNS_NXDOMAIN, True), (C.DNS_MALFORMED, True), (C.DNS_TIMEOUT, False), (C.DNS_SERVFAIL, False)],
)
def test_a_host_that_cannot_be_looked_up_may_be_an_alias_of_ours(cause: FailureClass, *, is_known: bool) -> None:
    alias = MxHost("mail.a.example", 10, failure=Failure(Stage.DNS, cause, ""))
    found = MxLookup("a.example", (alias, MxHost("mx.other.example", 20)), mx_records=2)
    unexpected = ("mail.a.example", "mx.other.example") if is_known else ("mx.other.example",)
    assert mx_differences(OURS, found, None) == MxDifferences(unexpected, OURS if is_known else ())


def test_without_an_mx_record_the_domain_is_its_own_host() -> None:
    implicit = lookup("a.example", records=0)
    assert mx_differences(("a.example",), implicit, None) is AS_EXPECTED
    assert mx_differences(OURS, implicit, None) == MxDifferences(("a.example",), OURS)


@pytest.mark.parametrize(
    ("cause", "is_known"),
    [(C.DNS_NULL_MX, True), (C.DNS_NO_ADDRESS, True), (C.DNS_NXDOMAIN, True)]
    + [(each, False) for each in (C.DNS_SERVFAIL, C.DNS_BOGUS, C.DNS_TIMEOUT, C.DNS_REFUSED, C.RESOLVER_FAILING)],
)
def test_a_lookup_without_hosts_says_that_all_are_missing_or_nothing(cause: FailureClass, is_known: bool) -> None:
    found = mx_differences(OURS, lookup(), Failure(Stage.DNS, cause, ""))
    assert found == (MxDifferences(missing=OURS) if is_known else AS_EXPECTED)


def test_of_a_domain_with_more_hosts_than_are_looked_up_none_is_said_to_be_missing() -> None:
    many = MxLookup("a.example", (MxHost("mx.other.example", 10),), mx_records=100, more=99)
    assert mx_differences(OURS, many, None) == MxDifferences(("mx.other.example",))


def test_a_result_follows_what_is_expected_now() -> None:
    told = result(up_host("mx.other.example"))._replace(warnings=(D.NULL_MX_AMONG_OTHERS,))
    wrong = compared_anew(told, OURS)
    assert wrong.mx_differences == MxDifferences(("mx.other.example",), OURS)
    assert wrong.warnings == (D.NULL_MX_AMONG_OTHERS, D.MX_UNEXPECTED, D.MX_MISSING)
    assert compared_anew(wrong, OURS) is wrong
    assert compared_anew(wrong, ("mx.other.example",)) == told
    assert compared_anew(wrong, ()) == told
