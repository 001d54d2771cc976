"""One piece of work at a time, for all tasks that want it: the first does it, the others wait for its result.

No task is made for the work, for each probe and each question would need one. If the task that does it is cancelled,
the next one begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """The work under way, if any. Used by one event loop."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        # Those that wait: each gets the result, or None where it has to begin anew. None: no work is under way.
        self._waiting: list[asyncio.Future[tuple[T] | None]] | None = None

    @property
    def under_way(self) -> bool:
        """:meth:`run` would wait for work that another task has begun."""
        return self._waiting is not None

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of the work that is under way, or is begun now. An exception of it is raised to all."""
        while self._waiting is not None:
            outcome: asyncio.Future[tuple[T] | None] = asyncio.get_running_loop().create_future()
            self._waiting.append(outcome)
            done = await outcome
            if done is not None:
                return done[0]
        self._waiting = []
        try:
            result = await work()
        except asyncio.CancelledError:
            self._settle(lambda outcome: outcome.set_result(None))
            raise
        except Exception as error:
            bug = error
            self._settle(lambda outcome: outcome.set_exception(bug))
            raise
        self._settle(lambda outcome: outcome.set_result((result,)))
        return result

    def _settle(self, settle: Callable[[asyncio.Future[tuple[T] | None]], None]) -> None:
        waiting, self._waiting = self._waiting, None
        for outcome in waiting or ():
            if not outcome.done():
                settle(outcome)
