"""Background tasks: an error is logged with its traceback and counted; the end waits for all."""

from __future__ import annotations

import asyncio
import logging

import pytest

from exporter.app.background_tasks import BackgroundTasks
from tests.support.waiting import until


async def test_an_error_of_a_task_is_logged_with_its_traceback_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[None] = []

    async def fails() -> None:
        raise RuntimeError("a bug")

    tasks = BackgroundTasks(lambda: errors.append(None))
    tasks.start("the task", fails())
    with caplog.at_level(logging.ERROR):
        await until(lambda: len(errors) == 1)
    (record,) = caplog.records
    assert record.__dict__["fields"] == {"task": "the task"}
    assert "RuntimeError: a bug" in caplog.text
    await tasks.stop()
    assert len(errors) == 1


async def test_the_end_cancels_all_and_waits_for_them_and_is_no_error() -> None:
    errors: list[None] = []
    ended: list[int] = []

    async def waits(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    tasks = BackgroundTasks(lambda: errors.append(None))
    for number in range(3):
        tasks.start("waits", waits(number))
    await asyncio.sleep(0)  # all have begun
    await tasks.stop()
    assert sorted(ended) == [0, 1, 2]
    assert not errors


async def test_a_task_that_is_done_is_no_error() -> None:
    errors: list[None] = []

    async def done() -> None:
        pass

    tasks = BackgroundTasks(lambda: errors.append(None))
    await tasks.start("done", done())
    await tasks.stop()
    assert not errors
