"""Background tasks of the server, whose errors are logged and counted at once, and which end with the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


class BackgroundTasks:
    """The tasks under way. Used by one event loop."""

    def __init__(self, on_internal_error: Callable[[], None]) -> None:
        """`on_internal_error` is called for each task that an exception ends, after the log line."""
        self._running: dict[asyncio.Task[None], str] = {}  # the task -> its name in the log
        self._on_internal_error = on_internal_error

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin `work`; the log calls it `name`."""
        task = asyncio.get_running_loop().create_task(work)
        self._running[task] = name
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        tasks = tuple(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        name = self._running.pop(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("internal error in a background task", exc_info=error, extra={"fields": {"task": name}})
            self._on_internal_error()
