"""One task for each key, shared by all that want its result; it goes on though they give up.

Unlike exporter.concurrency.single_flight, where the first that asks does the work itself and no task is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SharedTasks(Generic[K, T]):
    """The tasks under way. Used by one event loop. Await them shielded: a task cancelled by one is lost for all."""

    __slots__ = ("_on_done", "_running")

    def __init__(self, on_done: Callable[[K, asyncio.Task[T]], None] | None = None) -> None:
        """`on_done` gets every task that has ended, with its key."""
        self._running: dict[K, asyncio.Task[T]] = {}
        self._on_done = on_done

    def __len__(self) -> int:
        return len(self._running)

    def get(self, key: K) -> asyncio.Task[T] | None:
        """The task of `key` that is under way."""
        return self._running.get(key)

    def start(self, key: K, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin `work` for `key`, of which none is under way."""
        task = self._running[key] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda done: self._done(key, done))
        return task

    async def close(self) -> None:
        """Cancel all, and wait until they have ended."""
        tasks = tuple(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, key: K, task: asyncio.Task[T]) -> None:
        del self._running[key]
        if self._on_done is not None:
            self._on_done(key, task)
