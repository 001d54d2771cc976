"""The schedule, on a virtual clock: no network, no waiting."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.schedule.moments import phase
from exporter.schedule.scheduled import Scheduled
from exporter.schedule.scheduler import Schedule
from tests.support.virtual_time import VirtualLoop, run_virtually

T = TypeVar("T")


@dataclass
class World:
    """Turns and their schedule; what happened stands in the fields."""

    started: list[tuple[float, str]] = field(default_factory=list)
    running: Counter[str] = field(default_factory=Counter)
    most_running: int = 0
    overlaps: int = 0
    lags: list[float] = field(default_factory=list)
    bugs: int = 0
    failed: list[tuple[str, Exception]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    slots: ProbeSlots = field(default_factory=lambda: ProbeSlots(1000))

    def schedule(self) -> Schedule:
        def bug() -> None:
            self.bugs += 1

        schedule = Schedule(self.slots, on_start=self.lags.append, on_internal_error=bug)
        self.schedules.append(schedule)
        return schedule

    def times(self, name: str) -> list[float]:
        return [at for at, started in self.started if started == name]

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run `main` in virtual time, and stop what it left running."""

        async def whole() -> T:
            try:
                return await main
            finally:
                for schedule in self.schedules:
                    await schedule.stop(0.0)

        return run_virtually(whole())


class Turn(Scheduled):
    """A turn that takes `takes` seconds; `at_once`: it is done without waiting, on those of its turns."""

    def __init__(self, world: World, name: str, interval: float = 60.0, takes: float = 0.0) -> None:
        super().__init__()
        self.world = world
        self.name = name
        self.seconds = interval
        self.takes = takes
        self.at_once: Callable[[], bool] = lambda: False
        self.all_shown = True
        self.bug: Exception | None = None

    @property
    def interval(self) -> float:
        return self.seconds

    @property
    def phase_key(self) -> str:
        return self.name

    def shows_all(self, now: float) -> bool:
        return self.all_shown

    def run_now(self) -> bool:
        if not self.at_once():
            return False
        self.world.started.append((asyncio.get_running_loop().time(), self.name))
        if self.bug is not None:
            raise self.bug
        return True

    async def run(self) -> None:
        world = self.world
        world.started.append((asyncio.get_running_loop().time(), self.name))
        world.overlaps += world.running[self.name] > 0
        world.running[self.name] += 1
        world.most_running = max(world.most_running, world.running.total())
        try:
            await asyncio.sleep(self.takes)
            if self.bug is not None:
                raise self.bug
        except asyncio.CancelledError:
            world.cancelled.append(self.name)
            raise
        finally:
            world.running[self.name] -= 1

    def failed(self, error: Exception) -> None:
        self.world.failed.append((self.name, error))


class OwnReport(Turn):
    """A turn that reports its start itself."""

    reports_start = False


def turns(world: World, count: int, interval: float = 60.0, takes: float = 0.0) -> list[Turn]:
    return [Turn(world, f"d{number}.example", interval, takes) for number in range(count)]


def at_once(turns: Iterable[Turn]) -> list[Turn]:
    some = list(turns)
    for turn in some:
        turn.at_once = lambda: True
    return some


async def observe(world: World, seconds: float, some: list[Turn]) -> Schedule:
    schedule = world.schedule()
    for turn in some:
        schedule.add(turn)
    await asyncio.sleep(seconds)
    return schedule


@pytest.mark.parametrize("now", [False, True])
def test_every_turn_comes_once_an_interval(now: bool) -> None:
    world = World()
    some = turns(world, 50, takes=1.0)
    world.run(observe(world, 600.0, at_once(some) if now else some))
    assert {len(world.times(turn.name)) for turn in some} == {10}


@pytest.mark.parametrize("now", [False, True])
def test_turns_do_not_drift_from_their_phase(now: bool) -> None:
    world = World()
    some = turns(world, 3, takes=7.0)
    world.run(observe(world, 36_000.0, at_once(some) if now else some))
    for turn in some:
        times = world.times(turn.name)
        for number, at in enumerate(times):
            assert at == pytest.approx(times[0] + 60.0 * number, abs=0.01)


def test_first_turns_are_spread_over_the_interval() -> None:
    world = World()
    world.run(observe(world, 60.0, turns(world, 600)))
    first = min(at for at, _ in world.started)
    by_second = Counter(int(at - first) for at, _ in world.started)
    assert max(by_second.values()) < 40


def test_the_phase_is_a_property_of_the_key() -> None:
    assert phase("example.org", 60.0) == phase("example.org", 60.0) != phase("example.net", 60.0)
    assert 0.0 <= phase("example.org", 60.0) < 60.0
    assert phase("example.org", 120.0) == pytest.approx(2 * phase("example.org", 60.0))


def test_intervals_are_each_turns_own() -> None:
    world = World()
    world.run(observe(world, 600.0, [Turn(world, "slow.example", 300.0), Turn(world, "fast.example", 10.0)]))
    assert (len(world.times("slow.example")), len(world.times("fast.example"))) == (2, 60)


def test_a_turn_never_overlaps_itself_and_keeps_its_phase() -> None:
    world = World()
    world.run(observe(world, 1200.0, turns(world, 5, takes=90.0)))
    assert world.overlaps == 0
    times = world.times("d0.example")
    assert len(times) == 10
    assert all((at - times[0] + 60.0) % 120.0 == pytest.approx(60.0, abs=0.01) for at in times)


def test_concurrency_is_a_limit_and_lateness_is_measured() -> None:
    world = World(slots=ProbeSlots(2))
    world.run(observe(world, 120.0, turns(world, 100, takes=1.0)))
    assert world.most_running == 2
    assert len(world.started) == pytest.approx(200, abs=8)
    assert len(world.lags) == len(world.started)
    assert max(world.lags) > 0.5
    assert min(world.lags) >= 0.0


def test_an_unloaded_schedule_is_on_time() -> None:
    world = World()
    world.run(observe(world, 120.0, [*turns(world, 50), *at_once(Turn(world, f"n{n}") for n in range(50))]))
    assert len(world.lags) == 200
    assert max(world.lags) < 0.01


def test_patient_turns_come_together_and_do_not_drift() -> None:
    class Short(Turn):
        is_patient = True

    world = World()
    some = at_once(Short(world, f"s{number}.example", 10.0) for number in range(1000))
    world.run(observe(world, 100.0, some))
    assert len(world.started) == pytest.approx(10_000, abs=100)
    assert len({at for at, _ in world.started}) < 1300
    assert max(world.lags) < 0.11
    for turn in some[:20]:
        times = world.times(turn.name)
        assert all(at - times[0] == pytest.approx(10.0 * number, abs=0.11) for number, at in enumerate(times))


def test_a_turn_that_reports_its_start_itself_is_not_reported() -> None:
    world = World()
    own = OwnReport(world, "own.example", takes=1.0)
    schedule = world.run(observe(world, 60.0, [own]))
    assert len(world.started) == 1
    assert world.lags == []
    assert own.was_due == pytest.approx(world.started[0][0], abs=0.01)
    assert schedule.probes_in_flight == 0


def test_turns_without_a_slot_wait_while_those_that_need_none_are_done() -> None:
    world = World(slots=ProbeSlots(1))
    held, waiting = Turn(world, "held", 60.0, takes=1000.0), Turn(world, "waiting", 60.0)
    quick = at_once(Turn(world, f"n{number}") for number in range(20))

    async def main() -> None:
        schedule = world.schedule()
        schedule.soon([held])
        await asyncio.sleep(0.1)
        for turn in (waiting, *quick):
            schedule.add(turn)
        await asyncio.sleep(121.0)
        assert all(len(world.times(turn.name)) >= 2 for turn in quick)
        assert world.times("waiting") == []
        schedule.drop(held)
        await asyncio.sleep(0.1)
        assert len(world.times("waiting")) == 1

    world.run(main())


@pytest.mark.parametrize("now", [False, True])
def test_a_bug_in_one_turn_is_counted_told_and_harms_no_other(caplog: pytest.LogCaptureFixture, now: bool) -> None:
    world = World()
    some = turns(world, 3)
    some[1].bug = RuntimeError("a bug")
    with caplog.at_level(logging.ERROR):
        world.run(observe(world, 180.0, at_once(some) if now else some))
    assert world.bugs == 3
    assert "RuntimeError: a bug" in caplog.text
    assert world.failed == [("d1.example", some[1].bug)] * 3
    assert {len(world.times(turn.name)) for turn in some} == {3}


def test_a_bug_in_the_record_of_a_bug_is_counted_and_the_schedule_goes_on() -> None:
    world = World()

    class Broken(Turn):
        def failed(self, error: Exception) -> None:
            raise ValueError("another")

    broken = Broken(world, "d.example")
    broken.bug = RuntimeError("a bug")
    schedule = world.run(observe(world, 180.0, [broken]))
    assert (world.bugs, len(world.started), schedule.probes_in_flight) == (6, 3, 0)


def test_a_new_interval_takes_effect_at_once() -> None:
    world = World()
    turn = Turn(world, "one.example", 3600.0)

    async def main() -> None:
        schedule = await observe(world, 3600.0, [turn])
        turn.seconds = 10.0
        schedule.moved(turn)
        await asyncio.sleep(100.0)

    world.run(main())
    assert len(world.times("one.example")) == 11


def test_a_suspended_turn_gets_no_more_moments_but_is_there_when_asked_for() -> None:
    world = World()
    turn = Turn(world, "one.example", takes=10.0)

    async def main() -> None:
        schedule = await observe(world, 60.0, [turn])
        while not world.running.total():  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(1.0)
        before = len(world.started)
        schedule.suspend(turn)
        await asyncio.sleep(300.0)
        assert (len(world.started), world.cancelled) == (before, [])
        schedule.soon([turn])
        await asyncio.sleep(20.0)
        assert len(world.started) == before + 1
        schedule.add(turn)
        await asyncio.sleep(120.0)
        assert len(world.started) == before + 3

    world.run(main())


def test_a_turn_that_is_dropped_is_given_up_in_the_middle() -> None:
    world = World()
    turn = Turn(world, "one.example", takes=50.0)

    async def main() -> None:
        schedule = await observe(world, 1.0, [turn])
        while not world.running.total():  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(1.0)
        schedule.drop(turn)
        schedule.soon([turn])
        await asyncio.sleep(300.0)
        assert schedule.probes_in_flight == 0

    world.run(main())
    assert (world.cancelled, len(world.started)) == (["one.example"], 1)


def test_a_turn_that_is_dropped_before_its_first_step_gives_its_slot_back() -> None:
    world = World()
    turn = Turn(world, "one.example", takes=7.0)

    async def main() -> None:
        schedule = world.schedule()
        schedule.soon([turn])
        asyncio.get_running_loop().call_soon(schedule.drop, turn)
        await asyncio.sleep(1.0)
        assert (schedule.probes_in_flight, turn.course) == (0, None)

    world.run(main())


def test_turns_beside_the_schedule_come_in_order_some_at_a_time_and_once() -> None:
    world = World()
    some = turns(world, 1000)

    async def main() -> None:
        schedule = world.schedule()
        began = asyncio.get_running_loop().time()
        schedule.soon(some)
        schedule.soon(reversed(some))
        await asyncio.sleep(10.0)
        assert [name for _, name in world.started] == [turn.name for turn in some]
        assert world.started[-1][0] - began == pytest.approx(2.0, abs=0.1)
        assert max(world.lags) == pytest.approx(2.0, abs=0.1)

    world.run(main())


def test_the_turn_that_a_client_waits_for_begins_at_once() -> None:
    world = World()
    wanted = Turn(world, "wanted.example", takes=1.0)

    async def main() -> None:
        schedule = world.schedule()
        schedule.soon([*turns(world, 1000), wanted])
        schedule.begin([wanted, wanted])
        schedule.begin([wanted])
        await asyncio.sleep(10.0)

    world.run(main())
    assert world.started[0][1] == "wanted.example"
    assert len(world.times("wanted.example")) == 1
    assert world.lags[0] == 0.0


def test_the_turn_that_a_client_waits_for_gets_the_next_slot() -> None:
    world = World(slots=ProbeSlots(1))
    held, wanted = Turn(world, "held.example", takes=5.0), Turn(world, "wanted.example")
    others = turns(world, 200)

    async def main() -> None:
        schedule = world.schedule()
        schedule.begin([held])
        for turn in others:
            schedule.add(turn)
        await asyncio.sleep(4.0)
        schedule.begin([wanted])
        await asyncio.sleep(5.0)

    world.run(main())
    assert [name for _, name in world.started[:2]] == ["held.example", "wanted.example"]


@pytest.mark.parametrize("now", [False, True])
def test_a_moment_that_is_near_is_left_out_for_the_turn_that_a_client_waits_for(now: bool) -> None:
    world = World()
    turn = Turn(world, "one.example")
    if now:
        turn.at_once = lambda: True

    async def main() -> None:
        schedule, loop = await observe(world, 1.0, [turn]), asyncio.get_running_loop()
        while not 9.0 < turn.due - loop.time() < 11.0:  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(1.0)
        world.started.clear()
        began, moment = loop.time(), turn.due
        schedule.begin([turn])
        await asyncio.sleep(75.0)
        assert [at for at, _ in world.started] == pytest.approx([began, moment + 60.0], abs=0.01)
        schedule.begin([turn])  # 55 s before the next one, or so
        await asyncio.sleep(60.0)
        assert [at for at, _ in world.started[2:]] == pytest.approx([began + 75.0, moment + 120.0], abs=0.01)

    world.run(main())


@pytest.mark.parametrize("way", ["begin", "soon"])
def test_a_turn_that_shows_less_leaves_no_moment_out(way: str) -> None:
    world = World()
    turn = Turn(world, "one.example")
    turn.all_shown = False

    async def main() -> None:
        schedule, loop = await observe(world, 1.0, [turn]), asyncio.get_running_loop()
        while not 9.0 < turn.due - loop.time() < 11.0:  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(1.0)
        world.started.clear()
        began, moment = loop.time(), turn.due
        getattr(schedule, way)([turn])
        await asyncio.sleep(75.0)
        assert [at for at, _ in world.started] == pytest.approx([began, moment, moment + 60.0], abs=0.01)

    world.run(main())


@pytest.mark.parametrize("now", [False, True])
@pytest.mark.parametrize("way", ["begin", "soon"])
def test_two_turns_of_one_target_are_half_an_interval_apart_whoever_wishes_for_one(way: str, now: bool) -> None:
    world = World()
    some = turns(world, 200)

    async def main() -> None:
        schedule = await observe(world, 130.0, at_once(some) if now else some)
        for turn in some:
            getattr(schedule, way)([turn])
        wished = asyncio.get_running_loop().time()
        await asyncio.sleep(300.0)
        for turn in some:
            times = [at for at in world.times(turn.name) if at >= wished]
            assert times[0] - wished < 1.0
            assert all(29.0 < later - earlier < 91.0 for earlier, later in pairwise(times))
            assert len(times) == pytest.approx(6, abs=1)

    world.run(main())


@pytest.mark.parametrize("way", ["begin", "soon"])
def test_a_turn_that_drops_itself_beside_the_schedule_stays_dropped(way: str) -> None:
    world = World()
    turn = Turn(world, "one.example")

    async def main() -> None:
        schedule, loop = await observe(world, 1.0, [turn]), asyncio.get_running_loop()
        while not 9.0 < turn.due - loop.time() < 11.0:  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(1.0)
        world.started.clear()

        def dropped() -> bool:
            schedule.drop(turn)
            return True

        turn.at_once = dropped
        getattr(schedule, way)([turn])
        await asyncio.sleep(300.0)

    world.run(main())
    assert len(world.started) == 1


def test_who_waits_for_a_slot_and_has_its_moment_meanwhile_is_begun_once() -> None:
    world = World(slots=ProbeSlots(1))
    held, turn = Turn(world, "held", takes=30.0), Turn(world, "one.example", takes=1.0)

    async def main() -> None:
        schedule, loop = await observe(world, 1.0, [turn]), asyncio.get_running_loop()
        while not 9.0 < turn.due - loop.time() < 11.0:  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(1.0)
        world.started.clear()
        schedule.begin([held])
        schedule.begin([turn])
        await asyncio.sleep(60.0)

    world.run(main())
    assert len(world.times("one.example")) == 1


def test_a_client_that_waits_for_what_is_dropped_or_under_way_begins_nothing() -> None:
    world = World()
    dropped, running = Turn(world, "dropped.example"), Turn(world, "running.example", takes=9.0)

    async def main() -> None:
        schedule = world.schedule()
        schedule.add(dropped)
        schedule.drop(dropped)
        schedule.begin([dropped, running])
        await asyncio.sleep(1.0)
        schedule.begin([running])
        await asyncio.sleep(100.0)

    world.run(main())
    assert [name for _, name in world.started] == ["running.example"]


def test_who_had_its_turn_since_it_was_asked_for_is_not_begun_again() -> None:
    world = World(slots=ProbeSlots(1))
    held, turn = Turn(world, "held", takes=100.0), Turn(world, "one.example", takes=1.0)

    async def main() -> None:
        schedule = world.schedule()
        schedule.soon([held])
        await asyncio.sleep(1.0)
        schedule.add(turn)
        schedule.soon([turn])  # there is no slot
        await asyncio.sleep(130.0)

    world.run(main())
    assert world.overlaps == 0
    assert len(world.times("one.example")) <= 2
    gaps = [later - earlier for earlier, later in pairwise(world.times("one.example"))]
    assert all(gap > 1.0 for gap in gaps)


def test_a_turn_under_way_is_not_begun_beside_its_schedule() -> None:
    world = World()
    turn = Turn(world, "one.example", takes=10.0)

    async def main() -> None:
        schedule = world.schedule()
        schedule.soon([turn])
        await asyncio.sleep(1.0)
        schedule.soon([turn])
        await asyncio.sleep(60.0)

    world.run(main())
    assert len(world.started) == 1


def test_after_a_standstill_what_was_missed_waits_for_its_next_turn(caplog: pytest.LogCaptureFixture) -> None:
    world = World()

    async def main() -> None:
        await observe(world, 60.0, turns(world, 600))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.jump(3600.0)
        before = len(world.started)
        await asyncio.sleep(0.1)
        assert len(world.started) - before < 60
        await asyncio.sleep(60.0)
        assert len(world.started) - before == pytest.approx(600, abs=60)

    world.run(main())
    assert "probes skipped after a stall" in caplog.text


@pytest.mark.parametrize(("now", "at_most"), [(False, 40), (True, 100)])
def test_where_many_are_due_at_once_those_under_way_have_their_turn_in_between(now: bool, at_most: int) -> None:
    world = World()
    some = turns(world, 6000, takes=1.0)

    async def main() -> Counter[int]:
        await observe(world, 60.0, at_once(some) if now else some)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.jump(4.0)  # 400 are due
        before = len(world.started)
        by_pass: Counter[int] = Counter()
        for number in range(200):
            await asyncio.sleep(0)
            by_pass[number] = len(world.started) - before - by_pass.total()
        return by_pass

    by_pass = world.run(main())
    assert by_pass.total() == pytest.approx(400, abs=100)
    assert max(by_pass.values()) < at_most


def test_stopping_gives_turns_a_moment_and_then_ends_them() -> None:
    async def main(world: World, grace: float) -> int:
        schedule = await observe(world, 60.0, turns(world, 60, takes=4.0))
        await schedule.stop(grace)
        left = len(world.cancelled)
        started = len(world.started)
        schedule.soon(turns(world, 3))
        await asyncio.sleep(120.0)
        assert (len(world.started), schedule.probes_in_flight, schedule.standstill) == (started, 0, 0.0)
        return left

    world = World()
    assert world.run(main(world, 5.0)) == 0
    world = World()
    assert world.run(main(world, 0.001)) > 0


def test_a_schedule_whose_alarm_does_not_come_stands_still() -> None:
    world = World()

    async def main() -> None:
        schedule = world.schedule()
        assert schedule.standstill == 0.0
        schedule.add(Turn(world, "one.example"))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.jump(100.0)
        assert schedule.standstill > 30.0

    world.run(main())


def test_turns_that_wait_for_a_slot_are_no_standstill_and_are_told_by_themselves() -> None:
    world = World(slots=ProbeSlots(10))

    async def main() -> None:
        # Those that are done at once go on, and are no sign of life.
        schedule = await observe(world, 120.0, [*turns(world, 30, takes=1e6), *at_once(turns(world, 30))])
        assert (schedule.probes_in_flight, schedule.standstill) == (10, 0.0)
        waited = schedule.slots_taken
        assert 0.0 < waited < 120.0
        await asyncio.sleep(100.0)
        assert schedule.slots_taken == pytest.approx(waited + 100.0)

    world.run(main())


def test_a_slow_turn_of_one_slot_ends_the_wait_of_the_others_for_a_while() -> None:
    world = World(slots=ProbeSlots(1))

    async def main() -> None:
        schedule = world.schedule()
        for turn in turns(world, 30, takes=50.0):
            schedule.add(turn)
        for _ in range(100):
            await asyncio.sleep(10.0)
            assert (schedule.standstill, schedule.slots_taken < 60.0) == (0.0, True)

    world.run(main())


def test_due_turns_that_are_not_begun_are_a_standstill(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    async def main() -> None:
        schedule = await observe(world, 60.0, turns(world, 5))
        monkeypatch.setattr(schedule, "_begin_due", lambda: None)
        await asyncio.sleep(200.0)
        assert schedule.standstill > 100.0

    world.run(main())


def test_each_moment_costs_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a real loop, whose clock counts milliseconds: none that is set again and again until the next one."""
    world, timers = World(), []
    loop = pytest.importorskip("uvloop").Loop()
    call_at = loop.call_at

    def counted(when: float, *callback: Any) -> Any:
        timers.append(when)
        return call_at(when, *callback)

    monkeypatch.setattr(loop, "call_at", counted)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        schedule = runner.run(observe(world, 0.1, at_once(turns(world, 5, interval=0.02))))
        runner.run(schedule.stop(0.0))
    assert len(world.started) >= 5
    assert len(timers) <= len(world.started) + 5
