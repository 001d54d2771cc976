"""The series of our standing: what is not known has none."""

from __future__ import annotations

from types import MappingProxyType

from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.model.address import Family
from exporter.model.standing import (
    NO_STANDING,
    AddressName,
    AddressSource,
    FamilyStanding,
    HeloName,
    ListAnswer,
    ListingState,
    ReverseDns,
    SenderPolicy,
    SpfResult,
    StandingView,
)


def series(metrics: ExporterMetrics) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name.startswith("mx_self_")
    }


def seen(*standings: FamilyStanding) -> StandingView:
    return StandingView(MappingProxyType({each.family: each for each in standings}))


def test_without_a_standing_there_is_no_series() -> None:
    metrics = ExporterMetrics()
    assert series(metrics) == {}
    metrics.standing_seen(seen(FamilyStanding(Family.IPV4)))
    assert series(metrics) == {}


def test_all_that_is_known_has_a_series() -> None:
    metrics = ExporterMetrics()
    ours = FamilyStanding(
        Family.IPV4,
        AddressSource.TOLD,
        "192.0.2.1",
        3,
        reverse=ReverseDns("pointer", (AddressName("dsl.example", True, generic="has a word"),)),
        helo=(HeloName("probe.example", False),),
        spf=(SenderPolicy("sender.example", SpfResult.PASS),),
        lists=tuple(ListAnswer(f"{state}.bl", state) for state in ListingState),
    )
    other = FamilyStanding(
        Family.IPV6, AddressSource.CONFIGURED, "2001:db8::1", reverse=ReverseDns("p", (), "no answer")
    )
    metrics.standing_seen(seen(ours, other))
    assert series(metrics) == {
        "mx_self_address_info['192.0.2.1', 'ipv4']": 1,
        "mx_self_address_info['2001:db8::1', 'ipv6']": 1,
        "mx_self_fcrdns['ipv4']": 1,
        "mx_self_ptr_generic['ipv4']": 1,
        "mx_self_helo_matches['ipv4']": 0,
        "mx_self_spf['ipv4', 'pass', 'sender.example']": 1,
        "mx_self_listed['ipv4', 'listed.bl']": 1,
        "mx_self_listed['clear.bl', 'ipv4']": 0,
        "mx_self_list_up['ipv4', 'listed.bl']": 1,
        "mx_self_list_up['clear.bl', 'ipv4']": 1,
        "mx_self_list_up['ipv4', 'refused.bl']": 0,
        "mx_self_list_up['dead.bl', 'ipv4']": 0,
        "mx_self_list_up['failed.bl', 'ipv4']": 0,
    }
    metrics.standing_seen(NO_STANDING)
    assert series(metrics) == {}
