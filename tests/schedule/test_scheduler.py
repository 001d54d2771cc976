"""The schedule, on a virtual clock: no network, no waiting."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from exporter.model.failure import FailureClass
from exporter.model.result import ProbeResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.schedule.scheduler import Scheduler, phase
from tests.support.virtual_time import VirtualLoop, run_virtually

T = TypeVar("T")
RESULT = ProbeResult(at=0.0, duration=0.0, lookup=None, hosts=(), addresses=0, failure=None)


def target(name: str, interval: float = 60.0) -> Target:
    return Target(TargetKind.DOMAIN, name, name, Settings(interval=interval))


def targets(count: int, interval: float = 60.0) -> list[Target]:
    return [target(f"d{number}.example", interval) for number in range(count)]


@dataclass
class Probes:
    """Stands in for the prober: every probe takes `takes` seconds; a name in `bugs` raises."""

    takes: float = 0.0
    bugs: frozenset[str] = frozenset()
    started: list[tuple[float, str]] = field(default_factory=list)
    running: Counter[str] = field(default_factory=Counter)
    most_running: int = 0
    overlaps: int = 0
    results: list[tuple[str, ProbeResult]] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    crashes: int = 0
    cancelled: list[str] = field(default_factory=list)

    async def __call__(self, target: Target) -> ProbeResult:
        self.started.append((asyncio.get_running_loop().time(), target.name))
        self.overlaps += self.running[target.name] > 0
        self.running[target.name] += 1
        self.most_running = max(self.most_running, self.running.total())
        try:
            await asyncio.sleep(self.takes)
            if target.name in self.bugs:
                raise RuntimeError("a bug")
        except asyncio.CancelledError:
            self.cancelled.append(target.name)
            raise
        finally:
            self.running[target.name] -= 1
        return RESULT

    schedulers: list[Scheduler] = field(default_factory=list)

    def scheduler(self, concurrency: int = 1000) -> Scheduler:
        def crash() -> None:
            self.crashes += 1

        scheduler = Scheduler(
            self,
            concurrency,
            on_result=lambda target, result: self.results.append((target.name, result)),
            on_start=self.lags.append,
            on_crash=crash,
        )
        self.schedulers.append(scheduler)
        return scheduler

    def times(self, name: str) -> list[float]:
        return [at for at, started in self.started if started == name]


def run(probes: Probes, main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in virtual time, and stop what it left running: a probe in line would begin while the loop ends."""

    async def whole() -> T:
        try:
            return await main
        finally:
            for scheduler in probes.schedulers:
                await scheduler.stop(0.0)

    return run_virtually(whole())


async def observe(probes: Probes, seconds: float, some: list[Target], concurrency: int = 1000) -> Scheduler:
    scheduler = probes.scheduler(concurrency)
    scheduler.replace_targets(some)
    await asyncio.sleep(seconds)
    return scheduler


def test_every_target_is_probed_once_an_interval() -> None:
    probes = Probes(takes=1.0)
    run(probes, observe(probes, 600.0, targets(50)))
    assert {len(probes.times(f"d{number}.example")) for number in range(50)} == {10}


def test_probes_do_not_drift_from_their_phase() -> None:
    probes = Probes(takes=7.0)
    run(probes, observe(probes, 36_000.0, targets(3)))
    for number in range(3):
        times = probes.times(f"d{number}.example")
        for turn, at in enumerate(times):
            assert at == pytest.approx(times[0] + 60.0 * turn, abs=0.01)


def test_first_probes_are_spread_over_the_interval() -> None:
    probes = Probes()
    run(probes, observe(probes, 60.0, targets(600)))
    tenths = Counter(int((at - 1000.0) / 6.0) for at, _ in probes.started)
    assert len(probes.started) == 600
    assert min(tenths[tenth] for tenth in range(10)) > 30


def test_the_phase_is_a_property_of_the_name() -> None:
    assert phase("example.org", 60.0) == phase("example.org", 60.0) != phase("example.net", 60.0)
    assert 0.0 <= phase("example.org", 60.0) < 60.0
    assert phase("example.org", 120.0) == pytest.approx(2 * phase("example.org", 60.0))


def test_intervals_are_each_targets_own() -> None:
    probes = Probes()
    run(probes, observe(probes, 600.0, [target("slow.example", 300.0), target("fast.example", 10.0)]))
    assert len(probes.times("slow.example")) == 2
    assert len(probes.times("fast.example")) == 60


def test_a_target_never_overlaps_itself_and_keeps_its_phase() -> None:
    probes = Probes(takes=90.0)
    run(probes, observe(probes, 1200.0, targets(5)))
    assert probes.overlaps == 0
    times = probes.times("d0.example")
    assert len(times) == 10
    assert all((at - times[0] + 60.0) % 120.0 == pytest.approx(60.0, abs=0.01) for at in times)


def test_concurrency_is_a_limit_and_lateness_is_measured() -> None:
    probes = Probes(takes=1.0)
    run(probes, observe(probes, 120.0, targets(100), concurrency=2))
    assert probes.most_running == 2
    assert len(probes.started) == pytest.approx(200, abs=8)
    assert len(probes.lags) == len(probes.started)
    assert max(probes.lags) > 0.5
    assert min(probes.lags) >= 0.0


def test_an_unloaded_schedule_is_on_time() -> None:
    probes = Probes()
    run(probes, observe(probes, 120.0, targets(100)))
    assert max(probes.lags) < 0.01


def test_a_bug_in_one_probe_is_counted_told_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    probes = Probes(bugs=frozenset({"d1.example"}))
    with caplog.at_level(logging.ERROR):
        run(probes, observe(probes, 180.0, targets(3)))
    assert probes.crashes == 3
    assert "RuntimeError: a bug" in caplog.text
    failures = {name: result.failure for name, result in probes.results}
    assert failures["d0.example"] is None
    assert failures["d2.example"] is None
    crashed = failures["d1.example"]
    assert crashed is not None
    assert crashed.failure_class is FailureClass.INTERNAL
    assert len(probes.times("d1.example")) == 3


def test_a_bug_with_a_result_is_counted_and_the_schedule_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    crashes: list[int] = []

    async def main() -> None:
        def fail(target: Target, result: ProbeResult) -> None:
            raise RuntimeError("a bug")

        scheduler = Scheduler(Probes(), 10, on_result=fail, on_crash=lambda: crashes.append(1))
        scheduler.replace_targets(targets(1))
        await asyncio.sleep(180.0)
        assert scheduler.probes_in_flight == 0

    run_virtually(main())
    assert len(crashes) == 3


def test_targets_that_stay_keep_their_schedule_over_a_reload() -> None:
    probes = Probes()

    async def main() -> None:
        scheduler = await observe(probes, 90.0, targets(20))
        changed = [replace(one, labels=(("team", "mail"),)) for one in targets(20)]
        scheduler.replace_targets([*changed[:10], target("new.example")])
        await asyncio.sleep(90.0)

    run(probes, main())
    for number in range(10):
        times = probes.times(f"d{number}.example")
        assert len(times) == 3
        assert times[2] - times[1] == pytest.approx(60.0, abs=0.01)
    assert all(len(probes.times(f"d{number}.example")) <= 2 for number in range(10, 20))
    assert probes.times("new.example")


def test_a_new_interval_takes_effect_at_the_reload() -> None:
    probes = Probes()

    async def main() -> None:
        scheduler = await observe(probes, 3600.0, [target("one.example", 3600.0)])
        scheduler.replace_targets([target("one.example", 10.0)])
        await asyncio.sleep(100.0)

    run(probes, main())
    assert len(probes.times("one.example")) == 11


def test_a_target_that_is_gone_is_given_up_in_the_middle_of_its_probe() -> None:
    probes = Probes(takes=50.0)

    async def main() -> None:
        scheduler = await observe(probes, 61.0, targets(1))
        while not probes.running.total():  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(1.0)
        scheduler.replace_targets([])
        await asyncio.sleep(300.0)
        assert scheduler.probes_in_flight == 0

    run(probes, main())
    assert probes.cancelled == ["d0.example"]
    assert len(probes.started) <= 2


def test_after_a_standstill_what_was_missed_waits_for_its_next_turn(caplog: pytest.LogCaptureFixture) -> None:
    probes = Probes()

    async def main() -> None:
        await observe(probes, 60.0, targets(600))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.jump(3600.0)
        before = len(probes.started)
        await asyncio.sleep(0.1)
        assert len(probes.started) - before < 60
        await asyncio.sleep(60.0)
        assert len(probes.started) - before == pytest.approx(600, abs=60)

    run(probes, main())
    assert "probes skipped after a stall" in caplog.text


def test_where_many_are_due_at_once_those_under_way_have_their_turn_in_between() -> None:
    probes = Probes(takes=1.0)

    async def main() -> Counter[int]:
        await observe(probes, 60.0, targets(6000))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.jump(4.0)  # 400 are due
        before = len(probes.started)
        by_turn: Counter[int] = Counter()
        for turn in range(200):
            await asyncio.sleep(0)
            by_turn[turn] = len(probes.started) - before - by_turn.total()
        return by_turn

    by_turn = run(probes, main())
    assert by_turn.total() == pytest.approx(400, abs=100)
    assert max(by_turn.values()) < 40


def test_stopping_gives_probes_a_moment_and_then_ends_them() -> None:
    probes = Probes(takes=4.0)

    async def main(grace: float) -> int:
        scheduler = await observe(probes, 60.0, targets(60))
        await scheduler.stop(grace)
        left = len(probes.cancelled)
        started = len(probes.started)
        await asyncio.sleep(120.0)
        assert len(probes.started) == started
        assert scheduler.probes_in_flight == 0
        return left

    assert run(probes, main(5.0)) == 0
    probes = Probes(takes=4.0)
    assert run(probes, main(0.001)) > 0
