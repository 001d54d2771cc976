"""The series of a target, and the same whether they are written anew or after an earlier result."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from exporter.metrics.domain_rows import target_row
from exporter.metrics.families import FAMILIES, MetricFamily
from exporter.model.address import Family
from exporter.model.change import DomainChange
from exporter.model.failure import FailureClass
from exporter.model.policy import MtaSts, MtaStsMode, MtaStsProblem, TlsRpt
from exporter.model.result import DomainResult, MxHost, MxLookup
from exporter.model.target import Settings, Target, TargetKind
from exporter.model.warning import DomainWarning
from exporter.store.record import TargetRecord
from exporter.store.row import NO_ROW
from tests.metrics.rendering import NONE, target_store, text_of
from tests.results import changed, domain, down_host, lookup_failed, result, up_host, with_policies
from tests.support.steps import at_once

# A result whose every part is there, so that each of its fields has lines to change.
_WELL = with_policies(result(up_host(), up_host(address="192.0.2.2")))
WELL = _WELL._replace(
    named=_WELL.lookup.hosts if _WELL.lookup is not None else (),
    providers=("healthy.example",),
    warnings=(DomainWarning.NULL_MX_AMONG_OTHERS,),
)
TEAM = domain("healthy.example", team="mail")
RELAY = Target(TargetKind.HOST, "relay.example:25", "relay.example", Settings())


def lines(record: TargetRecord, disabled: frozenset[str] = NONE) -> set[str]:
    """The lines of a record, in no order."""
    text = text_of([(target_row(record, disabled), record)])
    return {line for line in text.splitlines() if not line.startswith("#")}


def told(probed: DomainResult | None, target: Target | None = None) -> set[str]:
    target = target or domain("x.example")
    return lines(TargetRecord(target, probed, 1))


def after(before: TargetRecord, now: DomainResult, disabled: frozenset[str] = NONE) -> TargetRecord:
    record = before._replace(result=now, probes=before.probes + 1)
    return record.rendered(target_row(record, disabled, before))


def _with(part: type, name: str, value: Any) -> DomainResult:
    """`WELL` with one field of one of its parts changed."""
    lookup, change = WELL.lookup, {name: value}
    assert lookup is not None
    if part is DomainResult:
        return WELL._replace(**change)
    if part is MxLookup:
        return WELL._replace(lookup=replace(lookup, **change))
    if part is MxHost:
        hosts = (replace(lookup.hosts[0], **change), *lookup.hosts[1:])
        return WELL._replace(lookup=replace(lookup, hosts=hosts), named=hosts)
    return WELL._replace(hosts=(changed(WELL.hosts[0], **change), *WELL.hosts[1:]))


PARTS: list[tuple[type, str]] = [
    *[(DomainResult, name) for name in DomainResult._fields],
    *[(part, field.name) for part in (MxLookup, MxHost) for field in fields(part)],
]


@pytest.mark.parametrize(("part", "name"), PARTS, ids=lambda each: each if isinstance(each, str) else each.__name__)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_result_changed_in_one_field_has_the_row_of_a_fresh_rendering(
    part: type, name: str, data: st.DataObject
) -> None:
    other = _with(part, name, data.draw(st.from_type(get_type_hints(part)[name])))
    off = frozenset({"mx_domain_last_probe_timestamp_seconds", "mx_dns_lookup_duration_seconds"})
    for target in (TEAM, RELAY):
        for disabled in (NONE, off):
            record = TargetRecord(target, WELL, probes=1)
            record = record.rendered(target_row(record, disabled))
            for _, now in pairwise((WELL, other, other, WELL)):
                record = after(record, now, disabled)
                assert record.row == target_row(record, disabled)


HOST_CHANGES = [
    down_host(name="mx1.healthy.example", address="192.0.2.1"),
    up_host(name="mx9.healthy.example"),
    up_host(address="2001:db8::9"),
    up_host(address=""),
    changed(up_host(), module="full"),
    changed(up_host(), port=26),
]


@pytest.mark.parametrize("host", HOST_CHANGES)
def test_a_domain_with_other_hosts_has_the_row_of_a_fresh_rendering(host: Any) -> None:
    record = TargetRecord(TEAM, WELL, probes=1)
    record = record.rendered(target_row(record, NONE))
    for now in (WELL._replace(hosts=(host, *WELL.hosts[1:])), WELL):
        record = after(record, now)
        assert record.row == target_row(record, NONE)


def test_a_turn_that_shows_nothing_new_writes_no_row_and_moves_three_numbers() -> None:
    record = TargetRecord(TEAM, WELL, probes=1)
    record = record.rendered(target_row(record, NONE))
    again = after(record, WELL._replace(at=WELL.at + 60, duration=0.7, hosts=tuple(WELL.hosts)))
    assert again.row is record.row
    assert {line.rpartition(" ")[2] for line in lines(again) - lines(record)} == {"2.0", "1.70000006025e+09", "0.7"}


@pytest.mark.parametrize(
    ("part", "name"), [(kind, field.name) for kind in (Target, Settings) for field in fields(kind) if field.init]
)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_target_changed_by_a_reload_has_the_row_of_a_fresh_rendering(
    part: type, name: str, data: st.DataObject
) -> None:
    change = {name: data.draw(st.from_type(get_type_hints(part)[name]))}
    other = replace(TEAM, **change) if part is Target else replace(TEAM, settings=replace(TEAM.settings, **change))
    if len({name for name, _ in other.labels} | {"domain"}) <= len(other.labels):
        return  # no configuration has a label twice
    store = target_store()
    at_once(store.replacing([TEAM]))
    store.record(TEAM, WELL, turn=True)
    at_once(store.replacing([other]))
    (record,) = store.records()
    assert record.row == target_row(record, NONE)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=4, max_size=4))
def test_no_text_breaks_out_of_a_label(texts: list[str]) -> None:
    name, label, mx, provider = texts
    target = Target(TargetKind.DOMAIN, name, name, Settings(), (("team", label),))
    probed = result(up_host(mx), down_host(name=mx + "2"))._replace(providers=(provider,))
    record = TargetRecord(target, probed)
    text = text_of([(target_row(record, NONE), record)])
    samples = [sample for family in parse_plain(text) for sample in family.samples]
    assert {sample.name for sample in samples} <= {family.name for family in FAMILIES}
    assert {(s.labels["domain"], s.labels["team"]) for s in samples} == {(name, label)}
    assert {s.labels["mx"] for s in samples if s.name == "mx_domain_mx_preference"} == {mx, mx + "2"}
    assert {s.labels["provider"] for s in samples if s.name == "mx_domain_provider_info"} == {provider}


def test_counters_are_there_before_the_first_probe() -> None:
    assert lines(TargetRecord(domain("x.example"))) == {
        'mx_domain_probes_total{domain="x.example"} 0.0',
        'mx_domain_probe_failures_total{domain="x.example"} 0.0',
    }


def test_a_domain_that_is_up_has_no_failure_series() -> None:
    assert not any("mx_domain_failure" in line for line in told(result(up_host())))
    assert any("mx_domain_failure" in line for line in told(result(down_host())))


def test_each_mx_host_is_told_once_with_its_lower_preference_and_the_labels_of_its_series() -> None:
    hosts = [MxHost("b.example", 20), MxHost("a.example", 10), MxHost("b.example", 5), MxHost("none.example", 7)]
    probed = result(changed(up_host("a.example"), module="full@x.example", port=2525))
    probed = probed._replace(lookup=MxLookup("x.example", tuple(hosts), mx_records=4))
    assert {line for line in told(probed) if "preference" in line} == {
        f'mx_domain_mx_preference{{domain="x.example",module="full@x.example",mx="{mx}",port="2525"}} {preference}.0'
        for mx, preference in (("a.example", 10), ("b.example", 5), ("none.example", 7))
    }


def test_an_implicit_mx_has_the_preference_0() -> None:
    probed = result(up_host("x.example"))._replace(lookup=MxLookup("x.example", (MxHost("x.example", 0),)))
    assert 'mx_domain_mx_preference{domain="x.example",module="default",mx="x.example",port="25"} 0.0' in told(probed)


def test_a_domain_whose_lookup_failed_has_no_mx_host() -> None:
    assert not any("preference" in line for line in told(lookup_failed(FailureClass.DNS_NXDOMAIN)))


def test_addresses_are_told_of_the_families_that_were_found() -> None:
    probed = result(up_host(), up_host(address="192.0.2.9"), down_host())
    assert {line for line in told(probed) if "addresses" in line} == {
        'mx_domain_addresses{domain="x.example",family="ipv4"} 2.0',
        'mx_domain_addresses{domain="x.example",family="ipv6"} 1.0',
        'mx_domain_addresses_up{domain="x.example",family="ipv4"} 2.0',
        'mx_domain_addresses_up{domain="x.example",family="ipv6"} 0.0',
    }
    assert {line for line in told(result(up_host())) if "ipv6" in line} == set()


def test_addresses_that_are_counted_and_not_probed_are_among_those_found() -> None:
    probed = result(up_host())._replace(found=((Family.IPV4, 40),))
    assert 'mx_domain_addresses{domain="x.example",family="ipv4"} 40.0' in told(probed)
    assert 'mx_domain_addresses_up{domain="x.example",family="ipv4"} 1.0' in told(probed)


def test_without_any_address_each_family_that_is_asked_for_has_none() -> None:
    only = replace(domain("x.example"), settings=Settings(families=(Family.IPV6,)))
    for target, families in ((domain("x.example"), ("ipv4", "ipv6")), (only, ("ipv6",))):
        found = {line for line in told(lookup_failed(FailureClass.DNS_NXDOMAIN), target) if "addresses" in line}
        assert found == {
            f'mx_domain_{name}{{domain="x.example",family="{family}"}} 0.0'
            for name in ("addresses", "addresses_up")
            for family in families
        }


def test_a_host_target_has_its_configured_labels_alone_and_is_told_without_any_too() -> None:
    probed = result(changed(up_host("relay.example"), module="full", port=26))._replace(lookup=None)
    labelled = replace(RELAY, labels=(("Site", 'a"b'), ("nice", "n"), ("team", "mail")))
    assert told(probed, RELAY) == {'mx_host_labels{module="full",mx="relay.example",port="26"} 1.0'}
    assert told(probed, labelled) == {
        'mx_host_labels{Site="a\\"b",module="full",mx="relay.example",nice="n",port="26",team="mail"} 1.0'
    }
    assert target_row(TargetRecord(RELAY), NONE) is NO_ROW
    assert target_row(TargetRecord(replace(RELAY, kind=TargetKind.REFERENCE), probed), NONE) is NO_ROW


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.name.startswith(("mx_domain", "mx_dns"))])
def test_a_family_that_is_switched_off_is_not_told_and_the_others_are(family: MetricFamily) -> None:
    failing = WELL._replace(failure=down_host().failure)
    for probed in (WELL, failing):
        record = TargetRecord(TEAM, probed, 3, 1)
        whole, left = lines(record), lines(record, frozenset({family.name}))
        assert left == {line for line in whole if line.partition("{")[0] != family.name}


@pytest.mark.parametrize(
    ("mta_sts", "tls_rpt", "expected"),
    [
        (None, None, set()),
        (MtaSts(MtaStsMode.ABSENT), TlsRpt(False), {'mx_domain_mta_sts_mode{domain="x.example",mode="absent"} 1.0',
                                                   'mx_domain_tls_rpt{domain="x.example"} 0.0'}),
        (
            MtaSts(MtaStsMode.TESTING, True),
            TlsRpt(True, False, "malformed"),
            {
                'mx_domain_mta_sts_mode{domain="x.example",mode="testing"} 1.0',
                'mx_domain_mta_sts_valid{domain="x.example"} 1.0',
                'mx_domain_tls_rpt{domain="x.example"} 1.0',
                'mx_domain_tls_rpt_valid{domain="x.example"} 0.0',
            },
        ),
        (
            MtaSts(MtaStsMode.UNKNOWN, None, MtaStsProblem.LOCAL),
            TlsRpt(None),
            {
                'mx_domain_mta_sts_mode{domain="x.example",mode="unknown"} 1.0',
                'mx_domain_mta_sts_failure{class="local",domain="x.example"} 1.0',
            },
        ),
    ],
)  # fmt: skip
def test_what_is_not_known_about_a_policy_has_no_series(
    mta_sts: MtaSts | None, tls_rpt: TlsRpt | None, expected: set[str]
) -> None:
    probed = result(name="x.example")._replace(mta_sts=mta_sts, tls_rpt=tls_rpt)
    assert {line for line in told(probed) if line.startswith(("mx_domain_mta_sts", "mx_domain_tls_rpt"))} == expected


def test_changes_are_counted_by_what_changed() -> None:
    record = TargetRecord(domain("a.example"))
    row = target_row(record, NONE, changes=lambda _: ((DomainChange.MX, 3),))
    assert 'mx_domain_changes_total{domain="a.example",what="mx"} 3.0' in text_of([(row, record)]).splitlines()
