"""The records of hosts: results kept and counted, whoever shares them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.concurrency import steady_clock
from exporter.model.failure import FailureClass
from exporter.model.result import HostIdentity, HostResult
from exporter.store.hosts import HostRecord, HostStore
from exporter.store.row import NO_ROW, Row
from tests.results import AT, changed, down_host, up_host
from tests.support.steps import at_once

C = FailureClass
UP = up_host()
HOST = UP.identity


def _render(record: HostRecord, before: HostRecord | None) -> Row:
    state = "" if record.result is None else str(record.result.failure)
    return Row(NO_ROW.shape, (record.series, record.domains, state), (str(sum(record.failures.values())),))


def down(failure_class: FailureClass = C.BANNER_REJECTED) -> HostResult:
    return down_host(failure_class, HOST.mx, HOST.address)


def store_of(*results: HostResult) -> HostStore:
    store = HostStore(_render)
    for each in results:
        store.record(HOST, each, session=True)
    return store


def kept(store: HostStore, host: HostIdentity = HOST) -> HostRecord:
    record = store.get(host)
    assert record is not None
    return record


def test_sessions_that_fail_are_counted_by_class() -> None:
    store = store_of(down(), down(), UP, down(C.TIMEOUT), UP)
    assert kept(store).failures == {C.BANNER_REJECTED: 2, C.TIMEOUT: 1}
    assert kept(store).row.numbers == ("3",)


def test_a_reader_keeps_what_it_holds() -> None:
    store = store_of(down())
    held = kept(store)
    store.record(HOST, down(), session=True)
    assert held.failures == {C.BANNER_REJECTED: 1}
    assert kept(store).failures == {C.BANNER_REJECTED: 2}


def test_a_judgement_counts_no_session() -> None:
    store = store_of(down(C.CONNECT_TIMEOUT))
    before = kept(store)
    store.record(HOST, down(C.EGRESS_BLOCKED), session=False)
    after = kept(store)
    assert after.result == down(C.EGRESS_BLOCKED)
    assert (after.failures, after.began) == (before.failures, before.began)
    assert after.since > before.since


def test_a_state_lasts_from_the_session_that_showed_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady_clock, "moment", lambda at: at - AT)
    store = HostStore(_render)
    for number, each in enumerate((UP, down(), down(), replace(down(), facts=UP.facts), UP), 1):
        store.record(HOST, changed(each, at=AT + number), session=True)
        assert kept(store).began == number
        assert kept(store).since == {1: 1, 2: 2, 3: 2, 4: 2, 5: 5}[number]


def test_sessions_follow_one_another_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady_clock, "moment", lambda at: at - AT)
    store = HostStore(_render)
    store.record(HOST, changed(UP, at=AT + 100), session=True)
    store.record(HOST, changed(UP, at=AT + 1), session=True)
    assert kept(store).began == 100


def test_a_session_of_before_the_boot_by_a_clock_that_was_wrong_has_a_moment_all_the_same() -> None:
    """A machine without a clock of its own begins in the past, and jumps while its first sessions are under way."""
    seen: list[float] = []
    store = HostStore(_render, lambda *told: seen.append(told[-1]))
    store.record(HOST, changed(up_host(), at=1.0), session=True)
    assert kept(store).began < 0
    assert seen == [kept(store).began]


def test_the_targets_of_a_host_may_be_known_before_its_first_result_and_change_after_it() -> None:
    store = HostStore(_render)
    store.described(HOST, "failing", 3)
    assert (kept(store).series, kept(store).domains, kept(store).row) == ("failing", 3, NO_ROW)
    store.record(HOST, UP, session=True)
    assert kept(store).row.keys[:2] == ("failing", 3)
    store.described(HOST, "all", 4)
    assert kept(store).row.keys[:2] == ("all", 4)


def test_a_description_that_changes_nothing_renders_nothing() -> None:
    rendered: list[HostRecord] = []

    def render(record: HostRecord, before: HostRecord | None) -> Row:
        rendered.append(record)
        return NO_ROW

    store = HostStore(render)
    store.record(HOST, UP, session=True)
    store.described(HOST, "all", 0)
    assert len(rendered) == 1


def test_a_host_that_is_gone_takes_its_counters_along() -> None:
    store = store_of(down())
    assert len(store) == 1
    store.gone(HOST)
    store.gone(HOST)
    assert (len(store), store.get(HOST), list(store.records())) == (0, None, [])
    store.record(HOST, UP, session=True)
    assert kept(store).failures == {}


def test_hosts_are_told_apart_by_every_label() -> None:
    store = HostStore(_render)
    others = [
        HOST,
        HOST._replace(mx="mx9.example"),
        HOST._replace(address="192.0.2.9"),
        HOST._replace(port=26),
        HOST._replace(module="full"),
        HOST._replace(domain="a.example"),
    ]
    for each in others:
        store.record(each, down(), session=True)
    assert [kept(store, each).failures for each in others] == [{C.BANNER_REJECTED: 1}] * 6


def test_all_are_rendered_anew_in_steps_while_hosts_come_and_go() -> None:
    asked: list[HostRecord | None] = []

    def render(record: HostRecord, before: HostRecord | None) -> Row:
        asked.append(before)
        return _render(record, before)

    store = HostStore(render)
    hosts = [HOST._replace(address=f"192.0.2.{number}") for number in range(250)]
    for each in hosts:
        store.record(each, UP, session=True)
    asked.clear()
    steps = store.rendering()
    next(steps)
    store.gone(hosts[-1])
    store.record(HOST._replace(mx="new.example"), UP, session=True)
    at_once(steps)
    assert asked.count(None) == 249
    assert len(store) == 250
