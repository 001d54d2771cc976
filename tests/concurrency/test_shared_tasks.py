"""Tasks by key, which several may await and none ends by giving up."""

from __future__ import annotations

import asyncio

import pytest

from exporter.concurrency.shared_tasks import SharedTasks
from tests.support.virtual_time import run_virtually


async def _work(result: int) -> int:
    await asyncio.sleep(1.0)
    return result


def test_a_task_is_found_while_it_is_under_way() -> None:
    async def main() -> None:
        tasks: SharedTasks[str, int] = SharedTasks()
        started = tasks.start("a", _work(1))
        assert tasks.get("a") is started
        assert (tasks.get("b"), len(tasks)) == (None, 1)
        giving_up = asyncio.create_task(asyncio.wait_for(asyncio.shield(started), 0.5))
        with pytest.raises(TimeoutError):
            await giving_up
        assert await asyncio.shield(started) == 1
        await asyncio.sleep(0)
        assert (tasks.get("a"), len(tasks)) == (None, 0)

    run_virtually(main())


def test_every_task_that_has_ended_is_reported_with_its_key() -> None:
    async def main() -> None:
        ended: list[tuple[str, str]] = []

        async def fail() -> int:
            raise RuntimeError("a bug")

        def on_done(key: str, task: asyncio.Task[int]) -> None:
            ended.append((key, "cancelled" if task.cancelled() else str(task.exception() or task.result())))

        tasks: SharedTasks[str, int] = SharedTasks(on_done)
        tasks.start("result", _work(1))
        tasks.start("bug", fail())
        await asyncio.sleep(2.0)
        tasks.start("late", _work(2))
        await tasks.close()
        assert sorted(ended) == [("bug", "a bug"), ("late", "cancelled"), ("result", "1")]
        assert len(tasks) == 0

    run_virtually(main())
