"""Waiting for something, with what is waited for and how long on the last line of a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

from exporter.commands.terminal import Screen

# A shorter wait is none, and a hint would only flicker.
HINT_SECONDS: Final = 1.0
# Between two looks at what has happened.
LOOK_SECONDS: Final = 0.1

_T = TypeVar("_T")


async def watched(screen: Screen, task: asyncio.Future[_T], look: Callable[[], str]) -> _T:
    """The result of a task. `look` is called again and again meanwhile: it may print, and says what is waited for."""
    hint, began = Hint(screen), time.monotonic()
    try:
        while not task.done():
            hint.show(look(), began)
            await asyncio.wait((task,), timeout=LOOK_SECONDS)
        return task.result()
    finally:
        screen.hint("")


class Hint:
    """The last line of a terminal: what is waited for, and since when."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._text = ""
        self._since = time.monotonic()

    def show(self, text: str, since: float = 0.0) -> None:
        """Show what is waited for now, `since` by time.monotonic(); 0: since it was shown first."""
        if text != self._text:
            self._text, self._since = text, since or time.monotonic()
        waited = time.monotonic() - self._since
        dots = self._screen.ellipsis
        self._screen.hint(f"{text} {dots} {waited:.0f} s" if text and waited >= HINT_SECONDS else "")
