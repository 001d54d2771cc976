"""Work that hangs takes neither the loop nor the end of the process along."""

from __future__ import annotations

import asyncio
import threading

import pytest

from exporter.concurrency.worker_thread import StuckError, WorkerThread
from tests.support.waiting import until


async def test_what_the_work_returns_or_raises_comes_back() -> None:
    aside = WorkerThread("files")
    assert await aside.run(lambda: 1, 10.0) == 1
    with pytest.raises(KeyError):
        await aside.run(lambda: {"here": 1}["gone"], 10.0)
    assert await aside.run(lambda: 2, 10.0) == 2


async def test_work_that_hangs_is_left_behind_and_not_begun_twice() -> None:
    aside, ends = WorkerThread("files"), threading.Event()
    with pytest.raises(StuckError):
        await aside.run(lambda: ends.wait(30.0), 0.01)
    begun: list[int] = []
    for _ in range(3):
        with pytest.raises(StuckError):
            await aside.run(lambda: begun.append(1), 10.0)
    assert begun == []
    ends.set()
    done: list[int] = []

    async def again() -> None:
        try:
            done.append(await aside.run(lambda: 3, 10.0))
        except StuckError:
            pass

    await until(lambda: not any(thread.name == "files" for thread in threading.enumerate()))
    await again()
    assert done == [3]


async def test_a_cancellation_that_comes_just_as_the_work_ends_is_not_forgotten() -> None:
    """Or a periodic task would go on, and the end of the process wait for it."""
    aside, ends = WorkerThread("files"), threading.Event()
    task = asyncio.create_task(aside.run(lambda: ends.wait(30.0), 10.0))
    await until(lambda: any(thread.name == "files" for thread in threading.enumerate()))
    ends.set()
    for thread in threading.enumerate():
        if thread.name == "files":
            thread.join(30.0)
    # The result lies in the queue of the loop now, and the cancellation behind it.
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
