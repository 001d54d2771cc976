"""Work that may hang for good, because a file system does not answer.

It runs beside the event loop, and beside the loop's executor, which is waited for at the end of the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class StuckError(Exception):
    """The work did not end in its time, or an earlier piece has not ended yet."""


class WorkerThread:
    """One piece of work at a time, each in a thread that is not waited for at the end of the process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._busy = False

    async def run(self, work: Callable[[], _T], seconds: float) -> _T:
        """Run `work` and return or raise as it does. Raises StuckError after so many seconds."""
        if self._busy:
            raise StuckError
        self._busy = True
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()

        def settle(result: _T | None, error: BaseException | None) -> None:
            if done.done():
                return  # too late, or not awaited any more
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]

        def body() -> None:
            result, failure = None, None
            try:
                result = work()
            except Exception as error:
                failure = error
            self._busy = False
            try:
                loop.call_soon_threadsafe(settle, result, failure)
            except RuntimeError:  # the loop has ended meanwhile
                pass

        threading.Thread(target=body, name=self._name, daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                return await done
        except TimeoutError:
            raise StuckError from None
