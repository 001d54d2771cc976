"""The checks of an address, and the moments at which they are due."""

from __future__ import annotations

from itertools import pairwise

import pytest

from exporter.model.address import Family
from exporter.model.standing import FamilyStanding, ListAnswer, ListingState, SpfResult
from exporter.standing.checks import (
    Check,
    MailSender,
    Pace,
    StandingPlan,
    Timetable,
    as_planned,
    checks_of,
    run_check,
    with_answer,
)
from tests.standing.zones import Zones

OURS = "192.0.2.1"
PLAN = StandingPlan(("probe.example",), (MailSender("sender.example", "p@sender.example"),), ("a.bl", "b.bl"))
PACE = Pace(look=1.0, names=100.0, lists=3600.0, between=0.0)
CHECKS = tuple(checks_of(Family.IPV4, OURS, PLAN))


def _of(kind: str) -> Check:
    return next(check for check in CHECKS if check.kind == kind)


def test_each_fact_has_a_check() -> None:
    assert [(check.kind, check.name) for check in CHECKS] == [
        ("reverse", ""),
        ("helo", "probe.example"),
        ("spf", "sender.example"),
        ("list", "a.bl"),
        ("list", "b.bl"),
    ]


async def test_an_answer_takes_its_place_in_the_standing() -> None:
    zones = Zones(
        {
            ("1.2.0.192.in-addr.arpa", "PTR"): ["probe.example"],
            ("probe.example", "A"): [OURS],
            ("sender.example", "TXT"): [b"v=spf1 ~all"],
            ("2.0.0.127.a.bl", "A"): ["127.0.0.2"],
            ("1.2.0.192.a.bl", "A"): ["127.0.0.2"],
        }
    )
    standing = FamilyStanding(Family.IPV4, address=OURS)
    for check in reversed(CHECKS):
        standing = with_answer(standing, await run_check(check, PLAN, zones))
    standing = as_planned(standing, PLAN)
    assert standing.reverse is not None
    assert standing.reverse.confirmed
    assert standing.helo_matches
    assert [(each.domain, each.result) for each in standing.spf] == [("sender.example", SpfResult.SOFTFAIL)]
    assert [(each.name, each.state) for each in standing.lists] == [
        ("a.bl", ListingState.LISTED),
        ("b.bl", ListingState.DEAD),
    ]
    again = with_answer(standing, ListAnswer("a.bl", ListingState.CLEAR))
    assert [each.state for each in as_planned(again, PLAN).lists] == [ListingState.CLEAR, ListingState.DEAD]


def test_what_is_not_planned_any_more_goes() -> None:
    standing = FamilyStanding(Family.IPV4, address=OURS, lists=(ListAnswer("gone.bl", ListingState.LISTED),))
    assert as_planned(standing, PLAN).lists == ()


async def test_a_literal_of_the_other_family_changes_nothing() -> None:
    plan = StandingPlan(("[IPv6:2001:db8::1]",))
    check = Check(Family.IPV4, OURS, "helo", plan.helo[0])
    standing = FamilyStanding(Family.IPV4, address=OURS)
    assert with_answer(standing, await run_check(check, plan, Zones({}))) == standing


def test_a_new_check_is_due_at_once_and_again_after_its_time() -> None:
    table = Timetable(PACE)
    table.follow([_of("reverse")], 50.0)
    assert table.next_due(50.0) == _of("reverse")
    table.done(_of("reverse"), 51.0)
    assert table.next_due(150.9) is None
    assert table.next_due(151.0) == _of("reverse")


def test_a_list_is_asked_at_most_hourly_and_lists_are_spread() -> None:
    table = Timetable(PACE)
    lists = [check for check in CHECKS if check.kind == "list"]
    table.follow(lists, 0.0)
    asked: dict[Check, list[float]] = {check: [] for check in lists}
    for second in range(4 * 3600):
        while (check := table.next_due(float(second))) is not None:
            asked[check].append(float(second))
            table.done(check, float(second))
    first, second_list = asked.values()
    assert first == [0.0, 3600.0, 7200.0, 10800.0]
    assert second_list == [0.0, 5400.0, 9000.0, 12600.0]


def test_lists_that_are_due_at_once_after_a_restart_are_spread_again() -> None:
    table = Timetable(PACE)
    lists = [Check(Family.IPV4, OURS, "list", f"{number}.bl") for number in range(4)]
    for number, known in enumerate(lists):
        table.remember(known, 100.0 + number)
    table.follow(lists, 0.0)
    asked: list[float] = []
    for second in range(0, 6 * 3600, 5):
        while (check := table.next_due(float(second))) is not None:
            asked.append(float(second))
            table.done(check, float(second))
    assert asked[:4] == [100.0, 105.0, 105.0, 105.0]
    later = asked[4:]
    assert later[0] == 3700.0
    assert min(after - before for before, after in pairwise(later)) == 900.0


def test_a_list_that_was_asked_lately_is_not_asked_again_after_a_change_of_plan() -> None:
    table = Timetable(PACE)
    table.follow([_of("list")], 0.0)
    table.done(_of("list"), 0.0)
    table.follow([], 10.0)
    table.follow([_of("list")], 20.0)
    assert table.next_due(20.0) is None
    assert table.next_due(3600.0) == _of("list")


@pytest.mark.parametrize("kind", ["reverse", "list"])
def test_a_check_that_is_gone_meanwhile_stays_gone(kind: str) -> None:
    table = Timetable(PACE)
    table.follow([], 0.0)
    table.done(_of(kind), 0.0)
    assert table.next_due(1e9) is None
