"""Restored states are told with their age, replaced by the first result, and are evidence for nothing."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from exporter.app.restored import RestoredState, max_age
from exporter.app.results import Results
from exporter.concurrency import steady_clock
from exporter.metrics.exposition import exposition, negotiate
from exporter.model.failure import FailureClass
from exporter.model.target import Target
from tests.results import changed, down_host, lookup_failed, result, up_host
from tests.storage.states import DOWN, REFERENCE, TARGETS, WELL, clock, probed, read, text_of, told
from tests.support.steps import at_once

ALL = (*TARGETS, REFERENCE)


class World:
    """The results of a process that has just started, and what it restores."""

    def __init__(self, age: float = 20.0, targets: tuple[Target, ...] = TARGETS, *, ended: bool = True) -> None:
        self.before = probed(time.time() - age)
        self.results = Results()
        at_once(self.results.replacing(targets, [REFERENCE]))
        self.now = steady_clock.now()
        self.restored = RestoredState(self.results, lambda: self.now)
        saved = read(text_of(self.before), ended=ended)
        at_once(self.restored.restoring(saved, (*targets, REFERENCE)))


def text(results: Results) -> str:
    return b"".join(exposition(results.rows(), None, negotiate(""))).decode()


def lines(results: Results) -> set[str]:
    return {line for line in text(results).splitlines() if not line.startswith("#")}


def test_all_series_are_those_of_before_with_their_old_times() -> None:
    world = World()
    assert lines(world.results) == lines(world.before)
    assert len(world.restored) == len(ALL)
    record = world.results.get(*DOWN.key)
    assert record is not None
    assert record.is_restored
    assert clock().moment - record.since == pytest.approx(20.0, abs=2.0)


def test_the_first_result_replaces_what_was_restored_and_all_goes_on() -> None:
    world = World()
    down = changed(down_host(name="mx.down.example"), at=time.time())
    before = world.results.get(*DOWN.key)
    told(world.results, DOWN, result(down, name="down.example")._replace(at=time.time()), down)
    world.restored.told(DOWN, result(down, name="down.example"))
    record = world.results.get(*DOWN.key)
    assert before is not None
    assert record is not None
    assert not record.is_restored
    assert (record.probes, record.probe_failures, record.since) == (4, 4, before.since)
    assert len(record.history.recent) == 4
    assert len(record.history.changes) == 1
    host = world.results.hosts.get(down.identity)
    assert host is not None
    assert not host.is_restored
    assert host.failures == {FailureClass.REPUTATION_BLOCKED: 4}
    assert len(world.restored) == len(ALL) - 1


def test_a_host_that_the_target_has_no_more_goes_with_the_first_result() -> None:
    world = World()
    other = changed(up_host("mx2.well.example", "192.0.2.9"), at=time.time())
    found = result(other, name="well.example")._replace(at=time.time())
    told(world.results, WELL, found, other)
    world.restored.told(WELL, found)
    assert {record.identity.mx for record in world.results.hosts.records()} == {
        "mx2.well.example",
        "mx.down.example",
        "mx.secure.example",
    }


@pytest.mark.parametrize(
    ("failure_class", "stays"),
    [(FailureClass.DNS_TIMEOUT, True), (FailureClass.DNS_SERVFAIL, True), (FailureClass.DNS_NXDOMAIN, False)],
)
def test_a_lookup_that_says_nothing_leaves_the_hosts(failure_class: FailureClass, stays: bool) -> None:
    world = World()
    found = lookup_failed(failure_class, "well.example")._replace(at=time.time())
    told(world.results, WELL, found)
    world.restored.told(WELL, found)
    assert any(record.identity.mx == "mx.well.example" for record in world.results.hosts.records()) is stays


def test_hosts_that_are_not_seen_again_go_when_they_are_too_old() -> None:
    world = World()
    world.restored.expire()
    assert world.results.hosts.records()
    world.now += 600.0
    world.restored.expire()
    assert not world.results.hosts.records()
    assert len(world.restored) == 0


def test_targets_that_a_reload_removes_take_their_hosts_along() -> None:
    world = World()
    world.restored.keep(lambda key: key != WELL.key)
    assert all(record.identity.mx != "mx.well.example" for record in world.results.hosts.records())


@pytest.mark.parametrize(
    ("interval", "age", "is_told"), [(60.0, 590.0, True), (60.0, 610.0, False), (900.0, 2600.0, True)]
)
def test_what_is_too_old_is_not_told_as_the_present(interval: float, age: float, is_told: bool) -> None:
    slow = replace(DOWN, settings=replace(DOWN.settings, interval=interval))
    world = World(age, (slow,))
    record = world.results.get(*slow.key)
    assert record is not None
    assert (record.result is not None) is is_told
    assert (record.probes, record.probe_failures, len(record.history.changes)) == (3, 3, 1)
    assert record.is_restored is is_told
    assert bool(world.results.hosts.records()) is is_told
    # The state of before is remembered all the same: that it goes on is no change.
    down = changed(down_host(name="mx.down.example"), at=time.time())
    assert world.results.targets.record(slow, result(down, name="down.example"), turn=True) is None


def test_it_may_be_as_old_as_three_intervals_and_ten_minutes_at_least() -> None:
    assert (max_age(5.0), max_age(60.0), max_age(3600.0)) == (600.0, 600.0, 10800.0)


def test_counters_of_a_process_that_was_killed_begin_anew() -> None:
    """A counter that goes back by a little looks as if it had come almost as far from 0 once more."""
    world = World(ended=False)
    record = world.results.get(*DOWN.key)
    assert record is not None
    assert (record.probes, record.probe_failures) == (0, 0)
    assert record.result is not None
    assert "mx_host_failures_total" not in text(world.results)


def test_mx_hosts_are_compared_with_those_that_are_expected_now() -> None:
    """The configuration may have changed together with the restart."""
    for expected, warnings in (("mx.other.example", 2), ("mx.well.example", 0)):
        target = replace(WELL, settings=replace(WELL.settings, expect_mx=(expected,)))
        assert text(World(targets=(target,)).results).count("mx_domain_warning{") == warnings


def test_series_of_hosts_follow_the_configuration_of_now() -> None:
    targets = tuple(replace(each, settings=replace(each.settings, host_series="none")) for each in TARGETS)
    assert "mx_host_up" not in text(World(targets=targets).results)
    assert 'mx="mx.well.example"' not in text(World(targets=(DOWN,)).results)


def test_the_day_of_the_fleet_goes_on() -> None:
    world = World()
    world.results.count_verdicts()
    assert len(world.results.verdict_counts()) == 1 + 1 + 1
