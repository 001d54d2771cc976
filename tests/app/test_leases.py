"""Targets that clients ask for: shared, bounded, and let go when nobody asks any more."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from exporter.app import leases
from exporter.app.leases import Leases
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.domain_turn import DomainTurn
from tests.probe.turning import Turns
from tests.support.virtual_time import run_virtually


def target(name: str, **settings: object) -> Target:
    return Target(TargetKind.DOMAIN, name, name, replace(Settings(), **settings))  # type: ignore[arg-type]


class World:
    """Leases over turns that never run."""

    def __init__(self, *, forever: bool = False) -> None:
        self.turns = Turns()
        self.ended: list[DomainTurn] = []
        self.errors = 0
        self.leases = Leases(self._begin, self.ended.append, forever=forever, on_internal_error=self._error)

    def _begin(self, target: Target, timeout: float) -> DomainTurn:
        return self.turns.turn(target, is_lease=True, seconds=timeout)

    def _error(self) -> None:
        self.errors += 1

    async def after(self, seconds: float) -> list[str]:
        """The leases that have ended when so much time has passed."""
        await asyncio.sleep(seconds)
        self.leases.end_expired()
        await asyncio.sleep(0.01)
        return [turn.target.name for turn in self.ended]


async def test_equal_settings_and_timeouts_are_one_lease() -> None:
    world = World()
    turn = world.leases.of(target("a.example"), 9.5)
    assert turn.is_lease
    assert turn.demand.timeout == 9.5
    assert world.leases.of(target("a.example"), 9.5) is turn
    others = [
        world.leases.of(target("a.example"), 4.5),
        world.leases.of(target("a.example", helo="me.example"), 9.5),
        world.leases.of(target("a.example", port=587), 9.5),
        world.leases.of(target("b.example"), 9.5),
        world.leases.of(replace(target("a.example"), kind=TargetKind.HOST), 9.5),
    ]
    assert len({id(each) for each in (turn, *others)}) == 6
    assert len(world.leases) == 6


def test_a_lease_ends_an_interval_after_it_was_asked_for_last_whatever_others_do() -> None:
    async def main() -> None:
        world = World()
        world.leases.of(target("long.example", interval=3600.0), 5.0)
        world.leases.of(target("short.example", interval=60.0), 5.0)
        world.leases.of(target("asked.example", interval=60.0), 5.0)
        assert await world.after(59.0) == []
        world.leases.of(target("asked.example", interval=60.0), 5.0)
        assert await world.after(2.0) == ["short.example"]
        assert await world.after(100.0) == ["short.example", "asked.example"]
        assert len(world.leases) == 1

    run_virtually(main())


def test_a_lease_that_is_waited_for_does_not_end() -> None:
    async def main() -> None:
        world = World()
        with world.leases.used(target("a.example", interval=1.0), 5.0) as one:
            with world.leases.used(target("a.example", interval=1.0), 5.0) as two:
                assert two is one
            assert await world.after(10.0) == []
        assert await world.after(0.5) == []
        assert await world.after(1.0) == ["a.example"]

    run_virtually(main())


def test_one_that_is_asked_for_while_its_end_is_prepared_stays() -> None:
    async def main() -> None:
        world = World()
        for number in range(3):
            world.leases.of(target(f"d{number}.example", interval=1.0), 5.0)
        await asyncio.sleep(2.0)
        world.leases.end_expired()
        world.leases.of(target("d1.example", interval=1.0), 5.0)
        await asyncio.sleep(0.01)
        assert [turn.target.name for turn in world.ended] == ["d0.example", "d2.example"]

    run_virtually(main())


async def test_of_too_many_the_one_that_was_not_asked_for_longest_goes_but_none_that_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "MAX_LEASES", 3)
    world = World()
    with world.leases.used(target("waited.example"), 5.0):
        for name in ("a.example", "b.example", "a.example", "c.example", "d.example"):
            world.leases.of(target(name), 5.0)
        assert [turn.target.name for turn in world.ended] == ["b.example", "a.example"]
        assert len(world.leases) == 3


async def test_where_all_are_waited_for_there_may_be_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "MAX_LEASES", 1)
    world = World()
    with world.leases.used(target("a.example"), 5.0), world.leases.used(target("b.example"), 5.0):
        assert (len(world.leases), world.ended) == (2, [])
    world.leases.of(target("c.example"), 5.0)
    assert [turn.target.name for turn in world.ended] == ["a.example"]


def test_those_of_a_command_last_as_long_as_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "MAX_LEASES", 2)

    async def main() -> None:
        world = World(forever=True)
        for number in range(5):
            world.leases.of(target(f"d{number}.example"), 5.0)
        with world.leases.used(target("d0.example"), 5.0):
            pass
        assert await world.after(100_000.0) == []
        assert len(world.leases) == 5

    run_virtually(main())


def test_a_bug_in_the_end_of_one_is_counted_and_the_others_end() -> None:
    async def main() -> None:
        world = World()
        ended = world.ended

        def end(turn: DomainTurn) -> None:
            if turn.target.name == "a.example":
                raise RuntimeError("a bug")
            ended.append(turn)

        world.leases._give_up = end
        for name in ("a.example", "b.example"):
            world.leases.of(target(name, interval=1.0), 5.0)
        assert await world.after(2.0) == ["b.example"]
        assert (world.errors, len(world.leases)) == (1, 0)
        world.leases.close()

    run_virtually(main())
