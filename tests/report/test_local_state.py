"""The faults on our side that hide targets: which, since when, and how many targets."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from exporter.commands.reports import JsonReport, TranscriptReport
from exporter.commands.table import TableReport
from exporter.commands.terminal import Screen
from exporter.model.address import Family
from exporter.model.egress import EGRESS_UNKNOWN, EgressState, EgressStateChange, EgressView
from exporter.model.failure import Confidence, FailureClass
from exporter.model.resolver import ResolverState, ResolverView
from exporter.report.local_state import HIDING, LocalState, hidden_among, local_state, local_state_lines
from exporter.store.row import NO_ROW
from exporter.store.targets import TargetStore
from tests.results import AT, domain, down_host, result, up_host
from tests.support.steps import at_once

C, E = FailureClass, EgressState
BLOCKED = EgressView(E.BLOCKED, Confidence.CERTAIN, networks=4)
OPEN = EgressView(E.OPEN, Confidence.CERTAIN)
SHUT = {Family.IPV4: BLOCKED, Family.IPV6: OPEN}
FIRST = (
    "Port 25 is blocked on our egress over IPv4 since 2023-11-14 22:13:20 UTC (certain): 2 targets are hidden by it."
)


def turn(after: float, view: EgressView, family: Family = Family.IPV4) -> EgressStateChange:
    return EgressStateChange(AT + after, family, view)


def test_what_is_open_or_unknown_is_no_trouble() -> None:
    assert list(local_state_lines(local_state(EGRESS_UNKNOWN, (), 0))) == []
    assert local_state(SHUT, (), 0).troubles[0].part == "ipv4"
    assert len(local_state(SHUT, (), 0).troubles) == 1


@pytest.mark.parametrize(
    ("turns", "since"),
    [
        ((turn(0, OPEN), turn(5, BLOCKED)), AT + 5),
        ((turn(5, BLOCKED), turn(9, replace(BLOCKED, networks=9)), turn(11, OPEN, Family.IPV6)), AT + 5),
        ((turn(0, BLOCKED), turn(3, OPEN), turn(7, BLOCKED)), AT + 7),
        ((), 0.0),
    ],
)
def test_it_is_so_since_the_first_of_the_last_turns_that_are_alike(
    turns: tuple[EgressStateChange, ...], since: float
) -> None:
    assert local_state(SHUT, turns, 0).troubles[0].since == since


@pytest.mark.parametrize("state", ["blocked", "intercepted", "offline"])
def test_each_state_that_hides_others_has_words(state: str) -> None:
    view = EgressView(EgressState(state), Confidence.LIKELY)
    (line,) = local_state_lines(local_state({Family.IPV6: view}, (), 1))
    assert line.endswith("over IPv6 (likely): 1 target is hidden by it.")


@pytest.mark.parametrize(("state", "said"), [("failing", 1), ("filtering", 1), ("working", 0), ("unknown", 0)])
def test_the_resolver_is_a_part_of_our_side(state: str, said: int) -> None:
    side = local_state({Family.IPV4: OPEN}, (), 3, ResolverView(ResolverState(state), Confidence.LIKELY, since=AT))
    assert len([line for line in local_state_lines(side) if line.startswith("Our resolver f")]) == said


def test_hidden_are_those_whose_failure_is_ours() -> None:
    results = [result(up_host()), result(down_host()), *(result(down_host(each)) for each in HIDING)]
    assert hidden_among(results) == len(HIDING)


def test_the_store_counts_them_as_they_come_and_go() -> None:
    store = TargetStore(lambda record, before: NO_ROW)
    targets = [domain(f"d{number}.example") for number in range(3)]
    at_once(store.replacing(targets))
    assert store.failing(HIDING) == 0
    for target in targets:
        store.record(target, result(down_host(C.EGRESS_BLOCKED)), turn=True)
    store.record(targets[0], result(down_host(C.EGRESS_BLOCKED)), turn=True)
    assert store.failing(HIDING) == 3
    store.record(targets[0], result(up_host()), turn=True)
    store.record(targets[1], result(down_host(C.OFFLINE)), turn=False)
    assert (store.failing(HIDING), store.failing({C.OFFLINE})) == (2, 1)
    at_once(store.replacing(targets[:2]))
    assert store.failing(HIDING) == 1


def shut() -> LocalState:
    return local_state(SHUT, (turn(0, BLOCKED),), 2)


def test_probe_says_it_first() -> None:
    out = io.StringIO()
    report = TranscriptReport(Screen(out, {}))
    report.know(shut())
    report.add(domain(), result(up_host()))
    assert out.getvalue().splitlines()[:3] == [FIRST, "", "healthy.example: 1 MX (4.0 ms)"]


def test_the_table_of_many_begins_with_it() -> None:
    out = io.StringIO()
    report = TableReport(Screen(out, {}), io.StringIO(), 1)
    report.know(shut())
    report.add(domain(), result(up_host()))
    report.finish()
    assert out.getvalue().splitlines()[0] == FIRST


def test_json_has_it_first() -> None:
    out = io.StringIO()
    report = JsonReport(out)
    report.know(shut())
    report.add(domain(), result(up_host()))
    found = json.loads(out.getvalue())
    assert next(iter(found)) == "egress"
    assert found["egress"] == {
        "ipv4": {"state": "blocked", "confidence": "certain", "since_timestamp_seconds": AT},
        "ipv6": {"state": "open", "confidence": "certain", "since_timestamp_seconds": None},
        "hidden_targets": 2,
        "summary": FIRST,
    }
