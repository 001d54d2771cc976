"""A queue of tasks that wait for a grant: a slot, a permit, a place. Served in the order of asking.

A task that is cancelled waits no more and is skipped. The difficult case is a task that is cancelled after its grant
came and before it ran: then the grant is given back, or it would be lost for good.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")


async def granted(grant: asyncio.Future[T], give_back: Callable[[T], None]) -> T:
    """The result of `grant`, which only this task awaits. Cancelled when it is there, give it back."""
    try:
        return await grant
    except asyncio.CancelledError:
        if grant.done() and not grant.cancelled() and grant.exception() is None:
            give_back(grant.result())
        raise


class Waiters(Generic[T]):
    """The queue. Used by one event loop."""

    __slots__ = ("_give_back", "queue")

    def __init__(self, give_back: Callable[[T], None]) -> None:
        """`give_back` gets the grant of a task that was cancelled before it could use it."""
        self._give_back = give_back
        self.queue: Final[deque[asyncio.Future[T]]] = deque()  # true while any task may wait

    def wait(self) -> Coroutine[Any, Any, T]:
        """A grant to be awaited; from this call on it is in the queue, behind all that wait already."""
        grant: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.queue.append(grant)
        return granted(grant, self._give_back)

    def serve(self, value: T) -> bool:
        """Grant `value` to the first task that still waits; False: there is none."""
        while self.queue:
            grant = self.queue.popleft()
            if not grant.done():
                grant.set_result(value)
                return True
        return False
