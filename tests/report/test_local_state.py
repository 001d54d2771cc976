"""The faults on our side that hide targets: which, since when, and how many targets."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace

import pytest

from exporter.commands.reports import JsonReport, TranscriptReport
from exporter.commands.table import TableReport
from exporter.commands.terminal import Screen
from exporter.model.address import Family
from exporter.model.egress import EGRESS_UNKNOWN, EgressState, EgressStateChange, EgressView
from exporter.model.evidence import ConnectOutcome
from exporter.model.failure import Confidence, FailureClass
from exporter.model.resolver import ResolverState, ResolverView
from exporter.report.local_state import HIDING, LocalState, hidden_among, local_state, local_state_lines, names_among
from exporter.store.row import NO_ROW
from exporter.store.targets import TargetStore
from tests.results import AT, changed, domain, down_host, lookup_failed, result, up_host
from tests.support.steps import at_once

C, E = FailureClass, EgressState
BLOCKED = EgressView(E.BLOCKED, Confidence.CERTAIN, networks=4)
OPEN = EgressView(E.OPEN, Confidence.CERTAIN)
SHUT = {Family.IPV4: BLOCKED, Family.IPV6: OPEN}
FIRST = (
    "Port 25 is blocked on OUR side since 2023-11-14 22:13 UTC (IPv4, certain): 2 targets behind it."
    " Next: call our provider, or the owner of the last hop that answers, and have outgoing port 25 opened:"
    " `mx-exporter trace ADDRESS --port 25`."
)


def turn(after: float, view: EgressView, family: Family = Family.IPV4) -> EgressStateChange:
    return EgressStateChange(AT + after, family, view)


def test_what_is_open_or_unknown_is_no_trouble() -> None:
    assert list(local_state_lines(local_state(EGRESS_UNKNOWN, (), {}))) == []
    (trouble,) = local_state(SHUT, (), {}).troubles
    assert (trouble.cause, [spell.grounds for spell in trouble.spells]) == (C.EGRESS_BLOCKED, ["IPv4, certain"])
    assert [(each.family, each.state) for each in local_state(SHUT, (), {}).families] == [
        ("IPv4", "blocked"),
        ("IPv6", "open"),
    ]


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
    assert local_state(SHUT, turns, {}).troubles[0].spells[0].since == since


@pytest.mark.parametrize("state", ["blocked", "intercepted", "offline"])
def test_each_state_that_hides_others_has_words(state: str) -> None:
    view = EgressView(EgressState(state), Confidence.LIKELY)
    counts = {C.EGRESS_BLOCKED: 1, C.EGRESS_INTERCEPTED: 1, C.OFFLINE: 1, C.DNS_TIMEOUT: 7}
    (line,) = local_state_lines(local_state({Family.IPV6: view}, (), counts))
    assert "OUR" in line
    assert "(IPv6, likely): 1 target behind it. Next: " in line


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (turn(20, BLOCKED, Family.IPV6), "since 2023-11-14 22:13 UTC (IPv4 and IPv6, certain): 2 targets"),
        (
            turn(120, BLOCKED, Family.IPV6),
            "since 2023-11-14 22:13 UTC (IPv4, certain) and since 2023-11-14 22:15 UTC (IPv6, certain): 2 targets",
        ),
    ],
)
def test_both_families_are_told_in_one_line(other: EgressStateChange, told: str) -> None:
    views = dict.fromkeys(Family, BLOCKED)
    (line,) = local_state_lines(local_state(views, (turn(0, BLOCKED), other), {C.EGRESS_BLOCKED: 2}))
    assert told in line


def test_two_faults_are_two_lines_each_with_its_own_targets() -> None:
    views = {Family.IPV4: BLOCKED, Family.IPV6: EgressView(E.OFFLINE, Confidence.LIKELY)}
    side = local_state(views, (), {C.EGRESS_BLOCKED: 3, C.OFFLINE: 1})
    assert [trouble.hides for trouble in side.troubles] == ["3 targets behind it", "1 target behind it"]
    assert side.hidden == 4


@pytest.mark.parametrize(("failing", "said"), [({}, 0), ({C.NO_ROUTE: 2}, 1)])
def test_a_family_without_a_route_is_a_fault_only_where_a_target_wants_it(
    failing: dict[FailureClass, int], said: int
) -> None:
    no_route = EgressView(E.OFFLINE, Confidence.CERTAIN, frozenset({ConnectOutcome.NO_ROUTE}), networks=4)
    side = local_state({Family.IPV4: OPEN, Family.IPV6: no_route}, (), failing)
    assert [trouble.text for trouble in side.troubles] == ["OUR machine has no route out"] * said
    assert side.hidden == 2 * said


def test_the_next_step_has_the_names_of_a_target_behind_it_better_with_a_router() -> None:
    hosts = [down_host(C.EGRESS_BLOCKED), changed(down_host(C.EGRESS_BLOCKED), last_hop="198.51.100.7")]
    results = [("up.example", result(up_host())), *((f"{n}.example", result(host)) for n, host in enumerate(hosts))]
    names = names_among(results, [C.EGRESS_BLOCKED])
    side = local_state(SHUT, (), {C.EGRESS_BLOCKED: 2}, None, names)
    assert side.troubles[0].next == (
        "call our provider, or the owner of 198.51.100.7, and have outgoing port 25 opened:"
        " `mx-exporter trace 2001:db8::2 --port 25`"
    )
    elsewhere = replace(names[C.EGRESS_BLOCKED], port="2525")
    assert local_state(SHUT, (), {}, None, names).troubles[0].text == "Port 25 is blocked on OUR side"
    moved = local_state(SHUT, (), {}, None, {C.EGRESS_BLOCKED: elsewhere})
    assert moved.troubles[0].text == "Port 2525 is blocked on OUR side"
    lookup = lookup_failed(C.RESOLVER_FAILING)
    assert names_among([("a.example", lookup), ("b.example", lookup)], HIDING)[C.RESOLVER_FAILING].target == "a.example"


@pytest.mark.parametrize(("state", "said"), [("failing", 1), ("filtering", 1), ("working", 0), ("unknown", 0)])
def test_the_resolver_is_a_part_of_our_side(state: str, said: int) -> None:
    side = local_state({Family.IPV4: OPEN}, (), {}, ResolverView(ResolverState(state), Confidence.LIKELY, since=AT))
    assert len([line for line in local_state_lines(side) if line.startswith("OUR resolver f")]) == said


def test_hidden_are_those_whose_failure_is_ours() -> None:
    results = [result(up_host()), result(down_host()), *(result(down_host(each)) for each in HIDING)]
    assert hidden_among(results) == Counter(HIDING)


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
    return local_state(SHUT, (turn(0, BLOCKED),), {C.EGRESS_BLOCKED: 2})


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
