"""Searches beside sessions and turns: one for all that ask at once, and its result remembered."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from exporter.policies.search import PolicySearch, Searches


async def test_those_that_ask_at_once_share_a_search_and_its_result_is_remembered() -> None:
    searches: Searches[str, str] = Searches(str.strip)
    gate = asyncio.Event()

    async def search() -> str:
        await gate.wait()
        return " found "

    task = searches.get_or_start("a", search)
    assert task is not None
    assert searches.get_or_start("a", search) is task
    assert searches.last("a") is None
    gate.set()
    assert await task == " found "
    await asyncio.sleep(0)
    assert searches.last("a") == "found"
    assert searches.get_or_start("a", search) is not task
    await searches.close()


async def test_a_result_of_which_nothing_is_kept_replaces_the_one_before() -> None:
    searches: Searches[str, int | None] = Searches(lambda found: found)
    for result in (1, None):

        async def search(result: int | None = result) -> int | None:
            return result

        task = searches.get_or_start("a", search)
        assert task is not None
        await task
        await asyncio.sleep(0)
        assert searches.last("a") == result


async def test_a_result_is_settled_once() -> None:
    gate = asyncio.Event()

    async def search() -> str:
        await gate.wait()
        return "new"

    task = asyncio.create_task(search())
    late = PolicySearch(task, 0.0, lambda: "old")
    await late.wait(nullcontext)
    assert late.found == "old"
    gate.set()
    await task
    assert late.found == "old"
    assert PolicySearch(task, 0.0, lambda: "old").found == "new"


async def test_who_waits_is_paused_until_the_search_is_done_or_due() -> None:
    gate, paused = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def pausing() -> AsyncIterator[None]:
        paused.set()
        yield

    task: asyncio.Task[bool] = asyncio.create_task(_opened(gate))
    waiting = asyncio.create_task(PolicySearch(task, math.inf, lambda: False).wait(pausing))
    await paused.wait()
    assert not waiting.done()
    gate.set()
    await waiting
    paused.clear()
    await PolicySearch(task, math.inf, lambda: False).wait(pausing)
    assert not paused.is_set()  # it is done already


async def _opened(gate: asyncio.Event) -> bool:
    return await gate.wait()
