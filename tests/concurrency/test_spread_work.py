"""Work on many things goes on in pieces, beside everything else."""

from __future__ import annotations

import asyncio
import logging

import pytest

from exporter.concurrency import spread_work
from exporter.concurrency.spread_work import SpreadWork
from tests.support.virtual_time import run_virtually


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, one piece is enough."""
    monkeypatch.setattr(spread_work, "_AT_ONCE", 60.0)


class Done:
    """The things that were worked on, with the passes of the loop in between as None."""

    def __init__(self) -> None:
        self.things: list[int | None] = []
        self.errors = 0
        self.work = SpreadWork[int]("counting", self._do, self._error)

    def _do(self, thing: int) -> None:
        if thing < 0:
            raise RuntimeError("a bug")
        self.things.append(thing)

    def _error(self) -> None:
        self.errors += 1

    async def passes(self, seconds: float = 0.1) -> list[int | None]:
        """Everything done by the end, with a None wherever something else had its turn."""
        while self.work and seconds > 0.0:
            await asyncio.sleep(0.001)
            seconds -= 0.001
            if self.things and self.things[-1] is not None:
                self.things.append(None)
        return self.things


def test_pieces_leave_time_for_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread_work, "_AT_ONCE", 0.0)

    async def main() -> None:
        done = Done()
        done.work.add(range(3))
        assert done.things == []
        assert await done.passes() == [0, None, 1, None, 2, None]

    run_virtually(main())


def test_what_takes_little_time_is_done_in_one_piece() -> None:
    async def main() -> None:
        done = Done()
        done.work.add(range(5))
        done.work.add((9, 3))
        assert len(done.work) == 6
        assert await done.passes() == [0, 1, 2, 3, 4, 9, None]
        done.work.add((1,))
        assert await done.passes() == [0, 1, 2, 3, 4, 9, None, 1, None]

    run_virtually(main())


def test_a_thing_is_done_before_its_turn_or_never_if_that_is_asked_for() -> None:
    async def main() -> None:
        done = Done()
        done.work.add(range(5))
        done.work.drop(2)
        done.work.do_now(3)
        done.work.do_now(7)  # it does not wait
        assert await done.passes() == [3, 0, 1, 4, None]
        done.work.add((5, 6))
        done.work.do_all_now()
        assert done.things[-2:] == [5, 6]
        done.work.add((8,))
        done.work.close()
        assert len(done.work) == 0
        done.work.add((9,))  # too late
        await asyncio.sleep(1.0)
        assert done.things[-1] == 6

    run_virtually(main())


def test_work_may_ask_for_more_work() -> None:
    async def main() -> None:
        seen: list[int] = []

        def countdown(number: int) -> None:
            seen.append(number)
            if number:
                work.add((number - 1,))

        work = SpreadWork[int]("countdown", countdown, lambda: None)
        work.add((3,))
        await asyncio.sleep(1.0)
        assert seen == [3, 2, 1, 0]

    run_virtually(main())


def test_an_exception_costs_one_thing_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        done = Done()
        done.work.add((1, -1, 2))
        await done.passes()
        assert (done.things, done.errors) == ([1, 2, None], 1)

    with caplog.at_level(logging.ERROR):
        run_virtually(main())
    (record,) = caplog.records
    assert vars(record)["fields"] == {"work": "counting"}
    assert "RuntimeError: a bug" in caplog.text
