"""The reader of our output: `head` goes when it has seen enough, and then nothing is left to work for."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Coroutine
from typing import Any, Final, TextIO, TypeVar

# Between two looks.
_LOOK_SECONDS: Final = 0.2

_T = TypeVar("_T")


async def while_read(work: Coroutine[Any, Any, _T], out: TextIO) -> _T:
    """The result of `work`. Where nobody reads `out` any more, it is cancelled; raises BrokenPipeError then."""
    task = asyncio.create_task(work)
    try:
        await _end_of(task, out)
    except BaseException:
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error from None
        raise
    return task.result()


async def _end_of(task: asyncio.Task[_T], out: TextIO) -> None:
    while not (await asyncio.wait((task,), timeout=_LOOK_SECONDS))[0]:
        if is_gone(out):
            raise BrokenPipeError


def is_gone(out: TextIO) -> bool:
    """True where `out` is a pipe that nobody reads."""
    try:
        number = out.fileno()
    except OSError:  # no file at all
        return False
    watched = select.poll()
    watched.register(number, 0)
    return any(events & select.POLLERR for _, events in watched.poll(0))
