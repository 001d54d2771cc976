"""Work that is shared by all that ask for it within an interval, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from exporter.concurrency import shared_results
from exporter.concurrency.shared_results import SharedResults
from tests.support.virtual_time import run_virtually


class Sessions:
    """Counts what was really begun."""

    def __init__(self, takes: float = 1.0) -> None:
        self.takes = takes
        self.begun = 0
        self.ended = 0

    async def begin(self) -> int:
        self.begun += 1
        try:
            await asyncio.sleep(self.takes)
        finally:
            self.ended += 1
        return self.begun


def test_all_who_ask_for_one_address_share_one_session() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[int](), Sessions()
        records = await asyncio.gather(*(shared.get("a", 60.0, sessions.begin) for _ in range(5)))
        await asyncio.sleep(30.0)
        records.append(await shared.get("a", 60.0, sessions.begin))
        assert sessions.begun == 1
        assert set(records) == {1}
        await shared.get("b", 60.0, sessions.begin)
        assert sessions.begun == 2

    run_virtually(main())


def test_a_session_is_shared_for_one_interval() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[int](), Sessions()
        for turn in range(1, 4):
            record = await shared.get("a", 60.0, sessions.begin)
            assert record == turn
            await asyncio.sleep(59.0)

    run_virtually(main())


def test_where_one_gives_up_the_others_share_the_session_that_the_next_begins() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[int](), Sessions()
        first, *others = (asyncio.create_task(shared.get("a", 60.0, sessions.begin)) for _ in range(4))
        await asyncio.sleep(0.5)
        first.cancel()
        assert [await other for other in others] == [2.0, 2.0, 2.0]
        assert (sessions.begun, sessions.ended) == (2, 2)

    run_virtually(main())


def test_one_that_gives_up_waiting_does_not_end_the_session_of_another() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[int](), Sessions()
        first, second, third = (asyncio.create_task(shared.get("a", 60.0, sessions.begin)) for _ in range(3))
        await asyncio.sleep(0.5)
        second.cancel()
        assert [await first, await third] == [1.0, 1.0]

    run_virtually(main())


def test_a_session_that_crashed_is_not_shared_further() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[int](), Sessions()

        async def crash() -> int:
            raise RuntimeError("a bug")

        with pytest.raises(RuntimeError):
            await shared.get("a", 60.0, crash)
        assert await shared.get("a", 60.0, sessions.begin) == 1.0

    run_virtually(main())


def test_what_nobody_else_asked_for_is_not_kept_until_somebody_does() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[int](), Sessions(takes=0.0)

        async def ask() -> float:
            return await shared.get("a", 60.0, sessions.begin)

        # Alone, a target has a session of its own each interval; at first somebody may still come.
        seen = [await ask(), await ask()]
        for pause in (60.0, 60.0):
            await asyncio.sleep(pause)
            seen.append(await ask())
        # Another one, whom nobody expected: from now on what is shown is kept for both.
        for pause in (30.0, 30.0, 30.0, 30.0):
            await asyncio.sleep(pause)
            seen.append(await ask())
        assert seen == [1, 1, 2, 3, 4, 4, 5, 5]

    run_virtually(main())


def test_of_addresses_that_were_shared_once_no_more_is_kept_than_twice_what_counts() -> None:
    async def main() -> None:
        shared: SharedResults[int] = SharedResults()

        async def work() -> int:
            return 1

        most = 0
        for number in range(5000):
            await shared.get(number, 10.0, work)
            await asyncio.sleep(0.1)  # 100 count at a time
            most = max(most, len(shared))
        assert most <= 250

    run_virtually(main())


def test_however_long_an_interval_is_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_results, "MAX_ENTRIES", 100)

    async def main() -> None:
        shared: SharedResults[int] = SharedResults()

        async def work() -> int:
            return 1

        for number in range(1000):
            await shared.get(number, 1e9, work)
        assert len(shared) <= 101

    run_virtually(main())
