"""Our own side as it is told: as judged, else as before the start, with its time; too old, not at all."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from exporter.app.restored import MAX_AGE_SECONDS
from exporter.app.restored_side import RestoredSide
from exporter.concurrency import steady_clock
from exporter.model.address import Family
from exporter.model.egress import EGRESS_UNKNOWN, EgressState, EgressView
from exporter.model.failure import Confidence, FailureClass
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverState, ResolverView
from exporter.report.local_state import local_state, local_state_lines
from tests.storage.states import SIDE

OPEN = EgressView(EgressState.OPEN, Confidence.CERTAIN, since=1_700_000_100.0)


def side(age: float = 20.0) -> RestoredSide:
    return RestoredSide(SIDE, steady_clock.now() - age)


def test_until_something_is_judged_it_is_as_before() -> None:
    assert side().egress(EGRESS_UNKNOWN) == SIDE.egress
    assert side().resolver(RESOLVER_UNKNOWN) == SIDE.resolver


def test_each_family_is_as_judged_as_soon_as_it_is() -> None:
    judged = MappingProxyType({**EGRESS_UNKNOWN, Family.IPV6: OPEN})
    assert side().egress(judged) == {Family.IPV4: SIDE.egress[Family.IPV4], Family.IPV6: OPEN}
    unknown_again = MappingProxyType({**EGRESS_UNKNOWN, Family.IPV4: EgressView(since=1_700_000_100.0)})
    assert side().egress(unknown_again) == unknown_again
    failing = ResolverView(ResolverState.FAILING, Confidence.LIKELY)
    assert side().resolver(failing) is failing


def test_too_old_it_is_not_told_and_that_is_noticed_once() -> None:
    old = side(MAX_AGE_SECONDS + 1.0)
    assert old.egress(EGRESS_UNKNOWN) == EGRESS_UNKNOWN
    assert old.resolver(RESOLVER_UNKNOWN) == RESOLVER_UNKNOWN
    assert (old.expire(), old.expire()) == (True, False)
    assert not side().expire()


def test_changes_of_before_stay_in_front() -> None:
    (before,) = SIDE.changes
    assert side().changes((before, before)) == (before,) * 3
    assert len(side().changes((before,) * 100)) == 64


def test_without_a_saved_state_all_is_as_judged() -> None:
    none = RestoredSide()
    assert none.egress(EGRESS_UNKNOWN) is EGRESS_UNKNOWN
    assert none.resolver(RESOLVER_UNKNOWN) is RESOLVER_UNKNOWN
    assert none.changes(()) == ()
    assert not none.expire()


def test_the_bar_of_our_own_side_says_that_it_is_of_before() -> None:
    egress = {family: replace(view, as_of=1_700_000_020.0) for family, view in SIDE.egress.items()}
    (line,) = local_state_lines(local_state(egress, (), {FailureClass.EGRESS_BLOCKED: 3}))
    assert "known from before the restart, as of 2023-11-14 22:13 UTC" in line
    (line,) = local_state_lines(local_state(SIDE.egress, (), {FailureClass.EGRESS_BLOCKED: 3}))
    assert "before the restart" not in line
