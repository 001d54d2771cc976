"""How many requests of one kind may be under way; beyond it a client is told to come again, at once."""

from __future__ import annotations

from typing import Final

# What goes with a refusal.
BUSY: Final = {"Retry-After": "1"}


class RequestLimit:
    """How many may be under way. Used in one event loop."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def __enter__(self) -> None:
        self._left -= 1

    def __exit__(self, *_: object) -> None:
        self._left += 1

    @property
    def reached(self) -> bool:
        """One more is too many."""
        return self._left <= 0
