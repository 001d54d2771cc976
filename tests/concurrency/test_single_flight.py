"""The first caller does the work; the others have its result, or its bug, or do it themselves."""

from __future__ import annotations

import asyncio

import pytest

from exporter.concurrency.single_flight import SingleFlight
from tests.support.virtual_time import run_virtually


class Work:
    def __init__(self, *, fails: bool = False) -> None:
        self.begun = 0
        self._fails = fails

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        await asyncio.sleep(1.0)
        if self._fails:
            raise RuntimeError("a bug")
        return number


def test_all_who_ask_meanwhile_have_one_result() -> None:
    async def main() -> None:
        flight, work = SingleFlight[int](), Work()
        assert await asyncio.gather(*(flight.run(work) for _ in range(3))) == [1, 1, 1]
        assert not flight.under_way
        assert await flight.run(work) == 2

    run_virtually(main())


def test_a_bug_is_told_to_all_and_is_over_with_them() -> None:
    async def main() -> None:
        flight, work = SingleFlight[int](), Work(fails=True)
        told = await asyncio.gather(*(flight.run(work) for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in told] == ["a bug"] * 3
        assert (work.begun, flight.under_way) == (1, False)
        with pytest.raises(RuntimeError):
            await flight.run(work)

    run_virtually(main())


def test_where_who_works_is_given_up_one_of_the_others_begins_anew() -> None:
    async def main() -> None:
        flight, work = SingleFlight[int](), Work()
        worker, *others = (asyncio.create_task(flight.run(work)) for _ in range(4))
        await asyncio.sleep(0.5)
        worker.cancel()
        assert [await other for other in others] == [2, 2, 2]
        assert work.begun == 2

    run_virtually(main())


def test_who_gives_up_waiting_is_not_missed() -> None:
    async def main() -> None:
        flight, work = SingleFlight[int](), Work()
        worker, other = (asyncio.create_task(flight.run(work)) for _ in range(2))
        await asyncio.sleep(0.5)
        other.cancel()
        assert await worker == 1

    run_virtually(main())
