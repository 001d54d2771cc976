"""The store: results kept, counted and forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from exporter.model.failure import FailureClass, Verdict
from exporter.model.result import ProbeResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.store.record import Samples, TargetRecord
from exporter.store.targets import TargetStore
from tests.results import domain, down_host, lookup_failed, result, up_host
from tests.support.steps import at_once

C = FailureClass


def _render(record: TargetRecord, before: ProbeResult | None) -> Samples:
    return (f"{record.target.name} {record.target.labels} {record.probes} {record.probe_failures}".encode(),)


def _store(*targets: Target) -> TargetStore:
    store = TargetStore(_render)
    at_once(store.replacing(targets))
    return store


def _samples(store: TargetStore) -> Iterable[bytes]:
    return [record.samples[0] for record in store.records()]


def test_a_target_has_samples_before_its_first_probe() -> None:
    assert _samples(_store(domain("a.example"))) == [b"a.example () 0 0"]


def test_a_result_is_counted_and_rendered_once() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(up_host()))
    store.record(domain("a.example"), result(down_host()))
    assert _samples(store) == [b"a.example () 2 1"]


def test_the_first_result_is_a_change() -> None:
    change = _store(domain("a.example")).record(domain("a.example"), result(up_host()))
    assert change is not None
    assert (change.first, change.before, change.now) == (True, None, None)


def test_the_same_state_again_is_none() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(down_host()))
    since = store.records()[0].since
    assert store.record(domain("a.example"), result(down_host())) is None
    assert store.records()[0].since == since


def test_another_class_is_a_change() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(down_host(C.BANNER_REJECTED)))
    change = store.record(domain("a.example"), result(down_host(C.REPUTATION_BLOCKED)))
    assert change is not None
    assert change.before is not None
    assert change.now is not None
    assert (change.before.failure_class, change.now.failure_class) == (C.BANNER_REJECTED, C.REPUTATION_BLOCKED)


def test_failures_of_an_address_are_counted_by_class() -> None:
    store = _store(domain("a.example"))
    for failure_class in (C.BANNER_REJECTED, C.BANNER_REJECTED, C.REPUTATION_BLOCKED):
        store.record(domain("a.example"), result(down_host(failure_class)))
    store.record(domain("a.example"), result(up_host("mx2.healthy.example", "2001:db8::2")))
    record = store.get(TargetKind.DOMAIN, "a.example")
    assert record is not None
    counts = record.host_failures["mx2.healthy.example", "2001:db8::2"]
    assert counts == {C.BANNER_REJECTED: 2, C.REPUTATION_BLOCKED: 1}


def test_an_address_that_is_gone_takes_its_counters_along() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(down_host()))
    store.record(domain("a.example"), lookup_failed(C.DNS_NXDOMAIN))
    record = store.get(TargetKind.DOMAIN, "a.example")
    assert record is not None
    assert record.host_failures == {}


def test_a_reload_keeps_the_counters_of_what_stays_and_forgets_the_rest() -> None:
    store = _store(domain("a.example"), domain("b.example"))
    for name in ("a.example", "b.example"):
        store.record(domain(name), result(up_host()))
    at_once(store.replacing([domain("b.example", team="mail"), domain("c.example")]))
    assert _samples(store) == [b"b.example (('team', 'mail'),) 1 0", b"c.example () 0 0"]


def test_a_result_for_a_target_that_is_gone_changes_nothing() -> None:
    store = _store(domain("a.example"))
    at_once(store.replacing([]))
    assert store.record(domain("a.example"), result(up_host())) is None
    assert list(store.records()) == []


def test_a_domain_and_a_host_of_the_same_name_are_two_targets() -> None:
    host = Target(TargetKind.HOST, "a.example", "a.example", domain().settings)
    store = _store(domain("a.example"), host)
    store.record(host, result(up_host()))
    assert _samples(store) == [b"a.example () 0 0", b"a.example () 1 0"]


def test_a_result_that_is_judged_again_is_not_counted_again() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(down_host(C.CONNECT_TIMEOUT)))
    (record,) = store.records()
    counted = {address: dict(classes) for address, classes in record.host_failures.items()}
    change = store.revise(record.target.key, lambda target, before: result(down_host(C.EGRESS_BLOCKED)))
    assert change is not None
    assert (change.first, change.before, change.now) == (
        False,
        down_host(C.CONNECT_TIMEOUT).failure,
        down_host(C.EGRESS_BLOCKED).failure,
    )
    assert _samples(store) == [b"a.example () 1 1"]
    assert store.records()[0].host_failures == counted


def test_a_result_that_stays_as_it_is_is_not_rendered_again() -> None:
    rendered: list[str] = []

    def render(record: TargetRecord, before: ProbeResult | None) -> Samples:
        rendered.append(record.target.name)
        return _render(record, before)

    store = TargetStore(render)
    at_once(store.replacing([domain("a.example"), domain("b.example")]))
    store.record(domain("a.example"), result(up_host()))
    before = len(rendered)
    assert [store.revise(record.target.key, lambda target, before: before) for record in store.records()] == [
        None,
        None,
    ]
    assert len(rendered) == before


def test_a_reload_that_changes_no_sample_renders_nothing_and_keeps_the_new_targets() -> None:
    rendered: list[str] = []

    def render(record: TargetRecord, before: ProbeResult | None) -> Samples:
        rendered.append(record.target.name)
        return _render(record, before)

    store = TargetStore(render)
    at_once(store.replacing([domain("a.example")]))
    store.record(domain("a.example"), result(up_host()))
    before = len(rendered)
    now = replace(domain("a.example"), settings=Settings(timeout=7.0))
    at_once(store.replacing([now]))
    assert len(rendered) == before
    assert store.records()[0].target is now
    at_once(store.replacing([replace(now, settings=Settings(interval=7.0))]))
    assert len(rendered) == before + 1


def test_a_record_keeps_its_recent_results_and_the_changes_among_them() -> None:
    store = TargetStore(lambda record, before: ())
    target = domain()
    at_once(store.replacing([target]))
    for host in (up_host(), up_host(), down_host(), up_host()):
        store.record(target, result(host))
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
        store.record(target, result(host))
    (before,) = store.records()
    history, counted, since = before.history, dict(before.host_failures), before.since
    at_once(store.replacing([]))
    assert list(_samples(store)) == []
    assert store.failing([C.BANNER_REJECTED]) == 0
    clock.now += 3000
    assert store.forget() == []
    assert store.remembered() == [target]
    at_once(store.replacing([target]))
    (record,) = store.records()
    assert _samples(store) == [b"a.example () 3 2"]
    assert (record.result, record.history, record.host_failures, record.since) == (None, history, counted, since)
    # What it was before is no news, and what it has become is.
    assert store.record(target, result(down_host(C.BANNER_REJECTED))) is None
    assert store.records()[0].since == since
    change = store.record(target, result(up_host()))
    assert change is not None
    assert change.before is not None
    assert (change.first, change.before.failure_class) == (False, C.BANNER_REJECTED)
    assert _samples(store) == [b"a.example () 5 3"]
    assert store.failing([C.BANNER_REJECTED]) == 0


def test_a_target_that_was_up_and_comes_back_up_is_no_news() -> None:
    store = _store(domain("a.example"))
    store.record(domain("a.example"), result(up_host()))
    at_once(store.replacing([]))
    at_once(store.replacing([domain("a.example")]))
    assert store.record(domain("a.example"), result(up_host())) is None


def test_what_went_an_hour_ago_is_forgotten_and_so_is_what_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    store = TargetStore(_render, clock)
    targets = [domain(f"d{number}.example") for number in range(10)]
    at_once(store.replacing(targets))
    for target in targets:
        store.record(target, result(up_host()))
    monkeypatch.setattr("exporter.store.targets.MAX_REMEMBERED", 4)
    at_once(store.replacing([]))
    assert store.remembered() == targets[6:]
    clock.now += 3601
    assert store.forget() == targets[6:]
    at_once(store.replacing(targets))
    assert {record.probes for record in store.records()} == {0}


def test_hosts_that_failed_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's domain has as many hosts as it likes, and a list that is generated other domains each time."""
    targets = [domain(f"d{number}.example") for number in range(10)]
    store = _store(*targets)
    for target in targets:
        store.record(target, result(*(down_host(name=f"mx{number}.example") for number in range(80))))
    monkeypatch.setattr("exporter.store.targets.MAX_REMEMBERED_HOSTS", 250)
    at_once(store.replacing([]))
    assert store.remembered() == targets[7:]
    at_once(store.replacing(targets[8:]))
    assert {record.probes for record in store.records()} == {1}
    at_once(store.replacing([]))
    assert store.remembered() == targets[7:]


def test_a_result_that_came_in_between_is_seen_in_the_light_of_the_new_target() -> None:
    targets = [domain(f"d{number}.example") for number in range(300)]
    store = _store(*targets)
    steps = store.replacing([domain("d0.example", team="mail"), *targets[1:]])
    next(steps)
    store.record(targets[0], result(up_host()))
    assert next(iter(_samples(store))) == b"d0.example () 1 0"
    at_once(steps)
    assert next(iter(_samples(store))) == b"d0.example (('team', 'mail'),) 1 0"


def test_results_may_come_in_while_the_targets_are_replaced() -> None:
    targets = [domain(f"d{number}.example") for number in range(1000)]
    store = _store(*targets)
    for number, _ in enumerate(store.replacing([*targets[500:], domain("new.example")])):
        store.record(targets[number], result(up_host()))
        store.record(targets[-1 - number], result(up_host()))
    assert len(store.records()) == 501
    assert {record.probes for record in store.records()[-4:-1]} == {1}
