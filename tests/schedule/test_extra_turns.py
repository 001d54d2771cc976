"""Turns beside the schedule, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from exporter.schedule.extra_turns import ExtraTurns
from exporter.schedule.scheduled import SESSION_WORK, Scheduled
from tests.support.virtual_time import run_virtually


def test_each_is_begun_once_in_the_order_of_the_wishes_and_some_at_a_time() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        begun: list[tuple[float, Scheduled]] = []

        def begin(wished: float, turn: Scheduled) -> int:
            assert wished == start
            begun.append((loop.time(), turn))
            return SESSION_WORK

        turns, extra, start = [Scheduled() for _ in range(500)], ExtraTurns(begin), loop.time()
        extra.add(turns)
        extra.add(turns[:7])
        await asyncio.sleep(0.5)
        assert 200 < len(begun) < 300
        await asyncio.sleep(1.0)
        assert [turn for _, turn in begun] == turns

    run_virtually(main())


@pytest.mark.parametrize("stopped", [False, True])
def test_without_a_slot_the_first_is_tried_again_until_the_end(stopped: bool) -> None:
    async def main() -> None:
        slots = [None, None, SESSION_WORK, SESSION_WORK]
        tried: list[Scheduled] = []

        def begin(wished: float, turn: Scheduled) -> int | None:
            tried.append(turn)
            return slots.pop(0)

        first, second = Scheduled(), Scheduled()
        extra = ExtraTurns(begin)
        extra.add([first, second])
        await asyncio.sleep(0.01)
        if stopped:
            extra.stop()
        await asyncio.sleep(1.0)
        assert tried == ([first] if stopped else [first, first, first, second])

    run_virtually(main())


def test_one_that_began_since_the_wish_is_left_out() -> None:
    async def main() -> None:
        turn = Scheduled()
        extra = ExtraTurns(lambda wished, turn: pytest.fail("it has begun"))
        extra.add([turn])
        turn.was_due = asyncio.get_running_loop().time() + 0.001
        await asyncio.sleep(0.1)

    run_virtually(main())
