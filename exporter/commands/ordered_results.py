"""Results in the order of their names, although they come in another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exporter.model.result import DomainResult
from exporter.model.target import Target

# Results that wait for a name before theirs, of some 10 KB each; of more, the first is told out of its turn.
MAX_WAITING: Final = 1000


class OrderedResults:
    """Tells each result when those of all names before it have been told."""

    def __init__(self, tell: Callable[[Target, DomainResult], None]) -> None:
        self._tell = tell
        self._waiting: dict[int, tuple[Target, DomainResult]] = {}
        self._next = 0

    def put(self, place: int, result: tuple[Target, DomainResult]) -> None:
        """Take in a result; `place` is that of its name, from 0."""
        self._waiting[place] = result
        while self._next in self._waiting or len(self._waiting) > MAX_WAITING:
            self._next = min(self._waiting)
            self._tell(*self._waiting.pop(self._next))
            self._next += 1

    def end(self) -> None:
        """Tell all that wait for names without a result."""
        for place in sorted(self._waiting):
            self._tell(*self._waiting.pop(place))
