from __future__ import annotations

from exporter.model.address import Family
from exporter.model.egress import EGRESS_UNKNOWN, EgressState, EgressView


def test_views_differ_by_their_evidence_and_not_by_their_times() -> None:
    shut = EgressView(EgressState.BLOCKED, networks=4)
    assert EgressView(since=1.0, opened=2.0, before=shut) == EgressView()
    assert EgressView(EgressState.BLOCKED, networks=5) != shut


def test_every_family_has_a_state_from_the_start() -> None:
    assert {family: view.state for family, view in EGRESS_UNKNOWN.items()} == dict.fromkeys(Family, EgressState.UNKNOWN)
