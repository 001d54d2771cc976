"""Policy searches that run beside the sessions of a probe, and the last result of each target."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.concurrency.shared_tasks import SharedTasks
from exporter.model.address import Family
from exporter.model.target import PolicyKind, Target, TargetKind
from exporter.policies.target_policies import TargetPolicies

# Searches at once, of which each ends with the timeout of its target: 300 probes a second that all wait for 30 s.
MAX_SEARCHES: Final = 10_000
# Targets whose last result is remembered; beyond it the oldest are forgotten.
MAX_REMEMBERED: Final = 50_000

SearchKey = tuple[TargetKind, str, int, tuple[Family, ...], tuple[PolicyKind, ...]]


def key_of(target: Target) -> SearchKey:
    """The key of a target's searches: everything that their result depends on."""
    settings = target.settings
    return (target.kind, target.host, settings.port, settings.families, settings.module.policies)


class PolicySearch:
    """One search as a probe sees it. Its result is settled once, for all sessions of the probe."""

    __slots__ = ("_due", "_found", "_known", "_search", "waited_since")

    def __init__(
        self, search: asyncio.Task[TargetPolicies] | None, due: float, known: Callable[[], TargetPolicies]
    ) -> None:
        """`due`: the loop's time up to which the probe waits; then `known` gives the result of before."""
        self._search = search
        self._due = due
        self._known = known
        self._found: TargetPolicies | None = None
        self.waited_since = 0.0  # time.perf_counter() at the end of the last session

    async def wait(self, paused: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        """Wait, `paused`, until the search is done or due."""
        self.waited_since = time.perf_counter()
        search = self._search
        left = self._due - asyncio.get_running_loop().time()
        if self._found is None and search is not None and not search.done() and left > 0:
            async with paused():
                await asyncio.wait((search,), timeout=None if left == math.inf else left)

    @property
    def found(self) -> TargetPolicies:
        """The result of the search, or that of before."""
        if self._found is None:
            done = self._search is not None and self._search.done()
            self._found = self._search.result() if self._search is not None and done else self._known()
        return self._found


class Searches:
    """The searches under way, also those that no probe waits for any more, and the last result of each target."""

    def __init__(self) -> None:
        self._running: SharedTasks[SearchKey, TargetPolicies] = SharedTasks(self._end)
        self._last: BoundedDict[SearchKey, TargetPolicies] = BoundedDict(MAX_REMEMBERED)

    def get_or_start(
        self, key: SearchKey, search: Callable[[], Coroutine[Any, Any, TargetPolicies]]
    ) -> asyncio.Task[TargetPolicies] | None:
        """The search of `key` that is under way, or begins now; None if there are too many."""
        task = self._running.get(key)
        if task is None and len(self._running) < MAX_SEARCHES:
            task = self._running.start(key, search())
        return task

    def last(self, key: SearchKey) -> TargetPolicies | None:
        """The result of the last search of `key`."""
        return self._last.get(key)

    async def close(self) -> None:
        """Cancel the searches under way."""
        await self._running.close()

    def _end(self, key: SearchKey, task: asyncio.Task[TargetPolicies]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:  # a bug of ours, and perhaps no probe waits for the search any more
            about = {"message": "a search for policies failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(about)
            return
        self._last[key] = task.result().without_large_records()
