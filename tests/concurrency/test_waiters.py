"""Tasks that wait for a grant: in their order, and none is lost with a task that is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from exporter.concurrency.waiters import Waiters, granted
from tests.support.virtual_time import run_virtually


def test_tasks_are_served_in_the_order_of_asking() -> None:
    async def main() -> None:
        waiters: Waiters[str] = Waiters(lambda value: pytest.fail("nothing to give back"))
        tasks = [asyncio.create_task(waiters.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        assert len(waiters.queue) == 3
        assert all(waiters.serve(value) for value in "abc")
        assert await asyncio.gather(*tasks) == ["a", "b", "c"]
        assert not waiters.serve("d")

    run_virtually(main())


def test_the_place_in_the_queue_is_that_of_the_call() -> None:
    async def main() -> None:
        waiters: Waiters[str] = Waiters(lambda value: None)
        first, second = waiters.wait(), waiters.wait()
        assert waiters.serve("a")
        assert waiters.serve("b")
        assert (await second, await first) == ("b", "a")

    run_virtually(main())


def test_a_cancelled_task_is_skipped() -> None:
    async def main() -> None:
        waiters: Waiters[str] = Waiters(lambda value: pytest.fail("nothing to give back"))
        first, second = (asyncio.create_task(waiters.wait()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert waiters.serve("a")
        assert not waiters.serve("b")
        assert await second == "a"
        assert first.cancelled()

    run_virtually(main())


def test_the_grant_of_a_task_that_is_cancelled_before_it_runs_is_given_back() -> None:
    async def main() -> None:
        returned: list[str] = []
        waiters = Waiters(returned.append)
        task = asyncio.create_task(waiters.wait())
        await asyncio.sleep(0)
        assert waiters.serve("a")
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()
        assert returned == ["a"]

    run_virtually(main())


def test_a_refusal_of_a_task_that_is_cancelled_before_it_runs_is_no_grant() -> None:
    async def main() -> None:
        grant: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(granted(grant, lambda value: pytest.fail("nothing to give back")))
        await asyncio.sleep(0)
        grant.set_exception(RuntimeError("too many"))
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()

    run_virtually(main())
