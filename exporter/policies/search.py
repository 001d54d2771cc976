"""Searches for policies that run beside sessions and turns, and the last result of each.

Nobody waits long for a policy: the queries run at the same time, answers come from caches where they can, and a slow
server delays a result until :data:`PATIENCE_SECONDS` after the begin of the search at most. A policy that is not known
in time is reported as the last time, or as unknown; the search goes on for the next result.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Generic, TypeVar

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.concurrency.shared_tasks import SharedTasks

# From the begin of a search; a policy host far away takes a second.
PATIENCE_SECONDS: Final = 2.0
# Searches at once, of which each ends with the timeout of its target: 300 a second that all wait for 30 s.
MAX_SEARCHES: Final = 10_000
# Last results that are remembered; beyond it the oldest are forgotten.
MAX_REMEMBERED: Final = 50_000

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class PolicySearch(Generic[T]):
    """One search as one session or turn sees it: its result is settled once."""

    __slots__ = ("_due", "_is_settled", "_known", "_result", "_search")

    _result: T

    def __init__(self, search: asyncio.Task[T] | None, due: float, known: Callable[[], T]) -> None:
        """`due`: the loop's time up to which the result is waited for; then `known` gives that of before."""
        self._search = search
        self._due = due
        self._known = known
        self._is_settled = False

    async def wait(self, paused: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        """Wait, `paused`, until the search is done or due."""
        search = self._search
        left = self._due - asyncio.get_running_loop().time()
        if not self._is_settled and search is not None and not search.done() and left > 0:
            async with paused():
                await asyncio.wait((search,), timeout=None if left == math.inf else left)

    @property
    def found(self) -> T:
        """The result of the search, or that of before."""
        if not self._is_settled:
            search = self._search
            self._result = search.result() if search is not None and search.done() else self._known()
            self._is_settled = True
        return self._result


def _as_it_is(result: T) -> T | None:
    return result


class Searches(Generic[K, T]):
    """The searches under way, also those that nobody waits for any more, and the last result of each key."""

    def __init__(self, to_remember: Callable[[T], T | None] = _as_it_is) -> None:
        """`to_remember`: the part of a result that is kept, or None."""
        self._to_remember = to_remember
        self._running: SharedTasks[K, T] = SharedTasks(self._end)
        self._last: BoundedDict[K, T] = BoundedDict(MAX_REMEMBERED)

    def get_or_start(self, key: K, search: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T] | None:
        """The search of `key` that is under way, or begins now; None if there are too many."""
        task = self._running.get(key)
        if task is None and len(self._running) < MAX_SEARCHES:
            task = self._running.start(key, search())
        return task

    def last(self, key: K) -> T | None:
        """The result of the last search of `key`."""
        return self._last.get(key)

    async def close(self) -> None:
        """Cancel the searches under way."""
        await self._running.close()

    def _end(self, key: K, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:  # a bug of ours, and perhaps nobody waits for the search any more
            about = {"message": "a search for policies failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(about)
            return
        kept = self._to_remember(task.result())
        if kept is None:
            self._last.pop(key)
        else:
            self._last[key] = kept
