"""Work that hangs takes neither the loop nor the end of the process along."""

from __future__ import annotations

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
