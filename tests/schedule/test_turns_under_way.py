"""Turns under way by callbacks and by tasks, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from exporter.schedule.scheduled import TurnEnds, TurnSteps
from tests.schedule.test_scheduler import Turn, World, observe


class ByCallbacks(Turn):
    """A turn that takes its time by callbacks. `surprise`: seconds after which it needs a task."""

    surprise: float | None = None
    ends: TurnEnds

    def begin(self, ends: TurnEnds) -> TurnSteps | None:
        loop = asyncio.get_running_loop()
        self.world.started.append((loop.time(), self.name))
        if self.bug is not None and self.surprise is None:
            raise self.bug
        self.ends = ends
        goes_on = self.surprise is not None
        self.timer = loop.call_later(self.surprise or self.takes, self.go_on if goes_on else self.over)
        return self

    def over(self) -> None:
        self.ends.ended(self)

    def cancel(self) -> None:
        self.timer.cancel()
        self.world.cancelled.append(f"{self.name} by callbacks")
        asyncio.get_running_loop().call_soon(self.over)

    def go_on(self) -> None:
        self.timer.cancel()
        self.ends.continued(self, self.run())


def test_a_turn_by_callbacks_holds_its_slot_until_its_end_and_comes_once_an_interval() -> None:
    world = World()
    turn = ByCallbacks(world, "one.example", takes=7.0)

    async def main() -> None:
        schedule = await observe(world, 60.5, [turn])
        (began,) = world.times("one.example")
        await asyncio.sleep(began + 66.0 - asyncio.get_running_loop().time())
        assert (schedule.probes_in_flight, turn.course) == (1, turn)
        await asyncio.sleep(2.0)
        assert (schedule.probes_in_flight, turn.course) == (0, None)
        await asyncio.sleep(425.0)

    world.run(main())
    assert len(world.times("one.example")) == 9
    assert (world.cancelled, world.bugs) == ([], 0)


def test_a_turn_by_callbacks_that_is_dropped_is_broken_off() -> None:
    world = World()
    turn = ByCallbacks(world, "one.example", takes=7.0)

    async def main() -> None:
        schedule = world.schedule()
        schedule.begin([turn])
        schedule.drop(turn)
        await asyncio.sleep(0.01)
        assert (schedule.probes_in_flight, turn.course) == (0, None)

    world.run(main())
    assert world.cancelled == ["one.example by callbacks"]


@pytest.mark.parametrize(("grace", "cancelled"), [(10.0, []), (2.0, ["one.example"]), (0.0, ["one.example"])])
def test_at_the_end_a_turn_by_callbacks_has_its_grace_in_a_task(grace: float, cancelled: list[str]) -> None:
    world = World()
    turn = ByCallbacks(world, "one.example", takes=7.0)

    async def main() -> None:
        schedule = world.schedule()
        schedule.begin([turn])
        await schedule.stop(grace)
        assert (schedule.probes_in_flight, turn.course) == (0, None)

    world.run(main())
    assert world.cancelled == cancelled


@pytest.mark.parametrize("dropped", [False, True])
def test_a_turn_by_callbacks_goes_on_as_a_task_in_the_same_slot(dropped: bool) -> None:
    world = World()
    turn = ByCallbacks(world, "one.example", takes=7.0)
    turn.surprise, turn.bug = 1.0, None if dropped else ValueError("x")

    async def main() -> None:
        schedule = world.schedule()
        schedule.begin([turn])
        if dropped:  # before the first step of the task
            asyncio.get_running_loop().call_later(1.0, schedule.drop, turn)
        await asyncio.sleep(1.5)
        assert schedule.probes_in_flight == (0 if dropped else 1)
        await asyncio.sleep(7.0)
        assert (schedule.probes_in_flight, turn.course) == (0, None)

    world.run(main())
    assert world.cancelled == (["one.example"] if dropped else [])
    assert [str(error) for _, error in world.failed] == ([] if dropped else ["x"])


def test_a_bug_at_the_begin_of_a_turn_by_callbacks_is_told(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    turn = ByCallbacks(world, "one.example")
    turn.bug = ValueError("x")

    async def main() -> None:
        schedule = world.schedule()
        schedule.begin([turn])
        assert (schedule.probes_in_flight, turn.course) == (0, None)

    world.run(main())
    assert (world.bugs, len(world.failed)) == (1, 1)
    assert "internal error in a probe" in caplog.text
