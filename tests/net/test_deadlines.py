"""Deadlines are reported when they have passed, and not while what the peer said lies unread."""

from __future__ import annotations

import asyncio
import math
import time

from exporter.net.deadlines import Deadlines, deadlines_of
from exporter.net.poller import Ready
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.waiting import until


class _Poller:
    """Has unread events until `empty`."""

    def __init__(self, *, empty: bool = True) -> None:
        self.empty = empty
        self.dispatched = 0

    def watch(self, descriptor: int, ready: Ready) -> None:
        raise AssertionError

    def forget(self, descriptor: int) -> None:
        raise AssertionError

    def want_to_write(self, descriptor: int) -> None:
        raise AssertionError

    def dispatch(self) -> bool:
        self.dispatched += 1
        return self.empty


class _Wait:
    def __init__(self, seconds: float) -> None:
        self.due = time.perf_counter() + seconds
        self.passed: list[float] = []

    def deadline_passed(self, now: float) -> None:
        self.passed.append(now)
        self.due = math.inf


@on_every_loop
def test_a_deadline_is_reported_once_it_has_passed_and_no_other(loop_factory: LoopFactory) -> None:
    async def main() -> tuple[_Wait, _Wait, _Wait]:
        deadlines = Deadlines(_Poller())
        early, late, removed = _Wait(0.0), _Wait(3600.0), _Wait(0.0)
        for wait in (early, late, removed):
            deadlines.add(wait)
        deadlines.remove(removed)
        await until(lambda: early.passed)
        return early, late, removed

    early, late, removed = run_on(loop_factory, main())
    assert len(early.passed) == 1
    assert late.passed == removed.passed == []


def test_no_deadline_has_passed_while_events_lie_unread() -> None:
    async def main() -> None:
        poller = _Poller(empty=False)
        deadlines, wait = Deadlines(poller), _Wait(0.0)
        deadlines.add(wait)
        await until(lambda: poller.dispatched >= 2)
        assert wait.passed == []
        poller.empty = True
        await until(lambda: wait.passed)

    asyncio.run(main())


def test_a_loop_has_its_deadlines_once() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert deadlines_of(loop) is deadlines_of(loop)

    asyncio.run(main())
