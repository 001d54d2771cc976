"""The store: results kept, counted and forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from exporter.model.failure import FailureClass, Verdict
from exporter.model.target import Settings, Target, TargetKind
from exporter.store.record import TargetRecord
from exporter.store.row import NO_ROW, Row
from exporter.store.targets import TargetStore
from tests.results import domain, down_host, result, up_host
from tests.support.steps import at_once

C = FailureClass


def _render(record: TargetRecord, before: TargetRecord | None) -> Row:
    told = f"{record.target.name} {record.target.labels} {record.probes} {record.probe_failures}"
    return Row(NO_ROW.shape, (told,), ())


def _store(*targets: Target) -> TargetStore:
    store = TargetStore(_render)
    at_once(store.replacing(targets))
    return store


def _told(store: TargetStore) -> Iterable[str]:
    return [record.row.keys[0] for record in store.records()]


def test_a_target_has_series_before_its_first_probe() -> None:
    assert _told(_store(domain("a.example"))) == ["a.example () 0 0"]


def test_a_result_is_counted_and_rendered_once() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(up_host()), turn=True)
    store.record(domain("a.example"), result(down_host()), turn=True)
    assert _told(store) == ["a.example () 2 1"]


def test_the_first_result_is_a_change() -> None:
    change = _store(domain("a.example")).record(domain("a.example"), result(up_host()), turn=True)
    assert change is not None
    assert (change.first, change.before, change.now) == (True, None, None)


def test_the_same_state_again_is_none() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(down_host()), turn=True)
    since = store.records()[0].since
    assert store.record(domain("a.example"), result(down_host()), turn=True) is None
    assert store.records()[0].since == since


def test_another_class_is_a_change() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(down_host(C.BANNER_REJECTED)), turn=True)
    change = store.record(domain("a.example"), result(down_host(C.REPUTATION_BLOCKED)), turn=True)
    assert change is not None
    assert change.before is not None
    assert change.now is not None
    assert (change.before.failure_class, change.now.failure_class) == (C.BANNER_REJECTED, C.REPUTATION_BLOCKED)


def test_a_reload_keeps_the_counters_of_what_stays_and_forgets_the_rest() -> None:
    store = _store(domain("a.example"), domain("b.example"))
    for name in ("a.example", "b.example"):
        store.record(domain(name), result(up_host()), turn=True)
    at_once(store.replacing([domain("b.example", team="mail"), domain("c.example")]))
    assert _told(store) == ["b.example (('team', 'mail'),) 1 0", "c.example () 0 0"]


def test_a_result_for_a_target_that_is_gone_changes_nothing() -> None:
    store = _store(domain("a.example"))
    at_once(store.replacing([]))
    assert store.record(domain("a.example"), result(up_host()), turn=True) is None
    assert list(store.records()) == []


def test_a_domain_and_a_host_of_the_same_name_are_two_targets() -> None:
    host = Target(TargetKind.HOST, "a.example", "a.example", domain().settings)
    store = _store(domain("a.example"), host)
    store.record(host, result(up_host()), turn=True)
    assert _told(store) == ["a.example () 0 0", "a.example () 1 0"]


def _counted() -> tuple[TargetStore, list[str]]:
    """A store with a target that has had a turn, and the names of the targets that it renders."""
    rendered: list[str] = []

    def render(record: TargetRecord, before: TargetRecord | None) -> Row:
        rendered.append(record.target.name)
        return _render(record, before)

    store = TargetStore(render)
    at_once(store.replacing([domain("a.example")]))
    store.record(domain("a.example"), result(up_host()), turn=True)
    return store, rendered


def test_a_reload_that_changes_no_series_renders_nothing_and_keeps_the_new_targets() -> None:
    store, rendered = _counted()
    before = len(rendered)
    now = replace(domain("a.example"), settings=Settings(timeout=7.0))
    at_once(store.replacing([now]))
    assert len(rendered) == before
    assert store.records()[0].target is now
    at_once(store.replacing([replace(now, settings=Settings(interval=7.0))]))
    assert len(rendered) == before + 1


def test_a_record_keeps_its_recent_results_and_the_changes_among_them() -> None:
    store = TargetStore(lambda record, before: NO_ROW)
    target = domain()
    at_once(store.replacing([target]))
    for host in (up_host(), up_host(), down_host(), up_host()):
        store.record(target, result(host), turn=True)
    record = store.get(*target.key)
    assert record is not None
    assert [one.verdict for one in record.history.recent] == [None, None, Verdict.BLOCKED, None]
    assert [change.failure_class for change in record.history.changes] == [None, FailureClass.REPUTATION_BLOCKED, None]


class Clock:
    """Seconds that pass when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_target_that_comes_back_within_the_hour_has_its_counters_and_its_past() -> None:
    clock = Clock()
    store = TargetStore(_render, clock)
    target = domain("a.example")
    at_once(store.replacing([target]))
    for host in (up_host(), down_host(C.BANNER_REJECTED), down_host(C.BANNER_REJECTED)):
        store.record(target, result(host), turn=True)
    (before,) = store.records()
    history, since = before.history, before.since
    at_once(store.replacing([]))
    assert list(_told(store)) == []
    assert store.failing([C.BANNER_REJECTED]) == 0
    clock.now += 3000
    store.forget()
    at_once(store.replacing([target]))
    (record,) = store.records()
    assert _told(store) == ["a.example () 3 2"]
    assert (record.result, record.history, record.since) == (None, history, since)
    # What it was before is no news, and what it has become is.
    assert store.record(target, result(down_host(C.BANNER_REJECTED)), turn=True) is None
    assert store.records()[0].since == since
    change = store.record(target, result(up_host()), turn=True)
    assert change is not None
    assert change.before is not None
    assert (change.first, change.before.failure_class) == (False, C.BANNER_REJECTED)
    assert _told(store) == ["a.example () 5 3"]
    assert store.failing([C.BANNER_REJECTED]) == 0


def test_a_target_that_was_up_and_comes_back_up_is_no_news() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(up_host()), turn=True)
    at_once(store.replacing([]))
    at_once(store.replacing([domain("a.example")]))
    assert store.record(domain("a.example"), result(up_host()), turn=True) is None


def test_what_went_an_hour_ago_is_forgotten_and_so_is_what_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    store = TargetStore(_render, clock)
    targets = [domain(f"d{number}.example") for number in range(10)]
    at_once(store.replacing(targets))
    for target in targets:
        store.record(target, result(up_host()), turn=True)
    monkeypatch.setattr("exporter.store.targets.MAX_REMEMBERED", 4)
    at_once(store.replacing([]))
    at_once(store.replacing(targets))
    assert [record.probes for record in store.records()] == [0] * 6 + [1] * 4
    at_once(store.replacing([]))
    clock.now += 3601
    store.forget()
    at_once(store.replacing(targets))
    assert {record.probes for record in store.records()} == {0}


def test_a_result_that_its_hosts_have_changed_is_told_and_counts_no_probe() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(down_host(C.CONNECT_TIMEOUT)), turn=True)
    (before,) = store.records()
    change = store.record(domain("a.example"), result(down_host(C.EGRESS_BLOCKED)), turn=False)
    assert change is not None
    assert (change.first, change.before, change.now) == (
        False,
        down_host(C.CONNECT_TIMEOUT).failure,
        down_host(C.EGRESS_BLOCKED).failure,
    )
    (record,) = store.records()
    assert _told(store) == ["a.example () 1 1"]
    assert (record.began, record.since > before.since) == (before.began, True)
    assert (len(record.history.recent), len(record.history.changes)) == (1, 2)
    assert store.failing([C.EGRESS_BLOCKED]) == 1


def test_the_first_result_is_that_of_a_turn_which_has_waited_for_its_hosts() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(up_host()), turn=False)
    (record,) = store.records()
    assert _told(store) == ["a.example () 1 0"]
    assert record.began == record.since != 0


def test_a_result_that_stays_as_it_is_is_not_rendered_again() -> None:
    store, rendered = _counted()
    before = len(rendered)
    assert store.record(domain("a.example"), result(up_host()), turn=False) is None
    assert len(rendered) == before


def test_all_rows_are_rendered_anew_where_other_series_are_switched_off() -> None:
    asked: list[TargetRecord | None] = []

    def render(record: TargetRecord, before: TargetRecord | None) -> Row:
        asked.append(before)
        return _render(record, before)

    targets = [domain("a.example"), domain("b.example")]
    store = TargetStore(render)
    at_once(store.replacing(targets))
    for target in targets:
        store.record(target, result(up_host()), turn=True)
    asked.clear()
    at_once(store.replacing(targets))
    assert asked == []
    at_once(store.replacing(targets, anew=True))
    assert asked == [None, None]


def test_a_result_that_came_in_between_is_seen_in_the_light_of_the_new_target() -> None:
    targets = [domain(f"d{number}.example") for number in range(300)]
    store = _store(*targets)
    steps = store.replacing([domain("d0.example", team="mail"), *targets[1:]])
    next(steps)
    store.record(targets[0], result(up_host()), turn=True)
    assert next(iter(_told(store))) == "d0.example () 1 0"
    at_once(steps)
    assert next(iter(_told(store))) == "d0.example (('team', 'mail'),) 1 0"


def test_results_may_come_in_while_the_targets_are_replaced() -> None:
    targets = [domain(f"d{number}.example") for number in range(1000)]
    store = _store(*targets)
    for number, _ in enumerate(store.replacing([*targets[500:], domain("new.example")])):
        store.record(targets[number], result(up_host()), turn=True)
        store.record(targets[-1 - number], result(up_host()), turn=True)
    assert len(store.records()) == 501
    assert {record.probes for record in store.records()[-4:-1]} == {1}


def test_targets_are_counted_by_verdict_whatever_happens_to_them() -> None:
    a, b, c = (domain(f"{name}.example") for name in "abc")
    store = _store(a, b, c)
    assert store.states() == ({}, 3)
    store.record(a, result(up_host()), turn=True)
    store.record(b, result(down_host(C.CONNECT_REFUSED)), turn=True)
    assert store.states() == ({None: 1, Verdict.DEAD: 1}, 1)
    store.record(b, result(down_host()), turn=False)
    states, waiting = store.states()
    assert ({state: count for state, count in states.items() if count}, waiting) == ({None: 1, Verdict.BLOCKED: 1}, 1)
    at_once(store.replacing([b, c]))
    assert store.states() == ({Verdict.BLOCKED: 1}, 1)
