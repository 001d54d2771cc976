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
from exporter.model.result import MxHost, MxLookup
from exporter.model.target import Target
from exporter.store.targets import REMEMBERED_SECONDS
from tests.results import changed, down_host, lookup_failed, result, up_host
from tests.storage.states import DOWN, REFERENCE, TARGETS, WELL, clock, probed, read, text_of, told
from tests.support.steps import at_once

ALL = (*TARGETS, REFERENCE)


class World:
    """The results of a process that has just started, and what it restores."""

    def __init__(
        self,
        age: float = 20.0,
        targets: tuple[Target, ...] = TARGETS,
        *,
        ended: bool = True,
        results: Results | None = None,
    ) -> None:
        self.before = probed(time.time() - age) if results is None else results
        self.results = Results()
        at_once(self.results.replacing(targets, [REFERENCE]))
        self.now = steady_clock.now()
        self.restored = RestoredState(self.results, lambda: self.now)
        saved = read(text_of(self.before), ended=ended)
        at_once(self.restored.restoring(saved, (*targets, REFERENCE)))


def moved_to(world: World, mx: str, address: str) -> None:
    """Another host takes the mail of a domain that was well."""
    host = changed(up_host(mx, address), at=time.time())
    told(world.results, WELL, result(host, name="well.example")._replace(at=time.time()), host)


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


def test_changes_are_there_and_counted_on() -> None:
    world = World()
    assert 'mx_domain_changes_total{domain="well.example",team="mail",what="mx"} 1.0' in text(world.results)
    assert 'what="starttls_lost"} 1.0' in text(world.results)
    moved_to(world, "mx2.well.example", "198.51.100.9")
    assert 'what="mx"} 2.0' in text(world.results)
    assert [each.now for each in world.results.domain_journals.of(WELL.key).entries][-2:-1] == ["mx2.well.example"]


def test_a_value_of_the_week_before_the_start_is_no_change() -> None:
    world = World()
    moved_to(world, "mx0.well.example", "192.0.2.1")
    assert 'what="mx"} 1.0' in text(world.results)


def test_changes_are_told_without_their_numbers_after_a_process_was_killed() -> None:
    world = World(ended=False)
    assert "_changes_total{" not in text(world.results)
    assert len(world.results.domain_journals.of(WELL.key).entries) == 1
    moved_to(world, "mx2.well.example", "192.0.2.1")
    assert 'what="mx"} 1.0' in text(world.results)


@pytest.mark.parametrize("age", [20.0, 7200.0])
def test_the_first_result_is_compared_with_the_last_one_however_old_it_is(age: float) -> None:
    world = World(age)
    host = up_host("mx.well.example")
    moved_to(world, "mx2.well.example", "192.0.2.1")
    world.results.host_told(host.identity, changed(host, extensions=("STARTTLS",)), session=True)
    assert world.results.domain_journals.of(WELL.key).entries[-1].now == "mx2.well.example"
    assert world.results.host_journals.of(host.identity).entries[-1].what == "starttls_back"


def test_what_was_known_and_not_shown_any_more_is_compared_with_the_first_result() -> None:
    """The last result before the start came to nothing."""
    results = probed(time.time() - 20.0)
    told(results, WELL, lookup_failed(FailureClass.DNS_SERVFAIL, "well.example")._replace(at=time.time()))
    assert results.domain_journals.of(WELL.key).known is not None
    world = World(results=results)
    moved_to(world, "mx2.well.example", "192.0.2.1")
    assert world.results.domain_journals.of(WELL.key).entries[-1].now == "mx2.well.example"


def test_a_restart_after_each_result_changes_no_journal() -> None:
    """A pool of MX hosts and of certificates in turns, states that go to and fro, and lookups that fail."""
    hosts = [changed(up_host("mx.well.example"), at=time.time(), extensions=each) for each in ((), ("STARTTLS",))]
    going_on, restarted = probed(time.time()), probed(time.time())
    for step in range(12):
        host = changed(hosts[step % 2], software=f"v{step % 3}", size_limit=None if step % 4 == 3 else step)
        found = result(host, name="well.example")._replace(at=time.time())
        names = tuple(MxHost(f"mx{(step + each) % 5}.well.example", 10, ("192.0.2.1",)) for each in (0, 1))
        failed = lookup_failed(FailureClass.DNS_SERVFAIL, "well.example")._replace(at=time.time())
        told_now = failed if step % 5 == 4 else found._replace(lookup=MxLookup("well.example", names, mx_records=2))
        for results in (going_on, restarted):
            told(results, WELL, told_now, host)
        if step % 5 != 4:
            restarted = World(results=restarted).results
        for journals in ("domain_journals", "host_journals"):
            key = WELL.key if journals == "domain_journals" else host.identity
            whole, back = (getattr(each, journals).of(key) for each in (going_on, restarted))
            # In any order, for all of it is done within a millisecond.
            assert {each[1:] for each in back.entries} == {each[1:] for each in whole.entries}
            assert (back.counts, {each[:2] for each in back.seen}) == (whole.counts, {each[:2] for each in whole.seen})
    assert len(going_on.domain_journals.of(WELL.key).entries) > 2


def test_a_resolver_that_failed_at_the_restart_costs_no_host_its_journal() -> None:
    """A host is held through it though no result has it, and is compared with what it showed before."""
    results = probed(time.time() - 20.0)
    told(results, WELL, lookup_failed(FailureClass.DNS_TIMEOUT, "well.example")._replace(at=time.time()))
    world = World(results=results)
    host = up_host("mx.well.example")
    assert [each.what for each in world.results.host_journals.of(host.identity).entries] == ["starttls_lost"]
    assert world.results.hosts.get(host.identity) is None, "no target has it"
    world.results.host_told(host.identity, changed(host, extensions=("STARTTLS",)), session=True)
    assert [each.what for each in world.results.host_journals.of(host.identity).entries] == [
        "starttls_lost",
        "starttls_back",
    ]


def test_journals_of_hosts_that_do_not_come_back_go() -> None:
    for age in (20.0, 7200.0):
        world = World(age)
        assert len(world.results.host_journals)
        world.now += 601.0
        world.restored.expire()
        later = world.now + REMEMBERED_SECONDS
        world.results._clock = lambda: later  # noqa: B023 - called before the next round
        world.results.forget()
        assert len(world.results.host_journals) == 0


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
