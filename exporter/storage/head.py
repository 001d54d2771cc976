"""The head of a saved state: the layout of its rows, and the clock of the process that wrote it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from exporter.storage.rows import SECONDS, Layout, UnsoundError, loads
from exporter.storage.writing import FORMAT, VERSION
from exporter.store.history import MAX_AGE_SECONDS, PLACES

# Between two readings of the same clock; a file from further ahead has no age that could be told.
AHEAD_SECONDS: Final = 5.0
# Of one enumeration, or fields of one class.
_MAX_WORDS: Final = 255


class StateError(ValueError):
    """The text is no state that this version reads; the message says why."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The present moment by both clocks: Unix time, and that of exporter.concurrency.steady_clock."""

    unix: float
    moment: float


class Head(NamedTuple):
    """The first line of a file."""

    written: float  # Unix time
    moment: float  # the same on the clock of the process that wrote
    layout: Layout
    places: Sequence[Sequence[str]]  # as exporter.store.history.PLACES there


class MovedClock:
    """The moments of another process on this clock: as long ago as they were, and as long as the file is old."""

    def __init__(self, head: Head, now: Clock) -> None:
        if head.written > now.unix + AHEAD_SECONDS:
            raise StateError("it is from the future: this clock or that of then is wrong")
        self.now: Final = now
        self.shift: Final = now.moment - max(0.0, now.unix - head.written) - head.moment

    def moved(self, then: float) -> float:
        """A moment on this clock; 0: there is none. Raises UnsoundError."""
        if not then:
            return 0.0
        moment = min(then + self.shift, self.now.moment)
        if moment < self.now.moment - MAX_AGE_SECONDS:
            raise UnsoundError("a moment of centuries ago")
        return moment

    def has_come(self, at: float) -> bool:
        """A Unix time is none that is still to come."""
        return at <= self.now.unix + AHEAD_SECONDS


def read_head(text: Iterator[str]) -> Head:
    """Read the first line. Raises StateError."""
    try:
        head = loads(next(text, ""))
    except UnsoundError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise StateError("it is no state of this exporter")
    if type(head.get("version")) is not int or head["version"] > VERSION:
        raise StateError("a newer version of the exporter wrote it")
    layout, places = head.get("layout"), head.get("places")
    times = [head.get("written"), head.get("moment")]
    if head["version"] != VERSION or not all(map(_is_time, times)):
        raise StateError("its head is broken")
    if not isinstance(layout, dict) or not all(map(_is_words, layout.values())):
        raise StateError("its layout is broken")
    if not isinstance(places, list) or len(places) != len(PLACES) or not all(map(_is_words, places)):
        raise StateError("its layout is broken")
    return Head(head["written"], head["moment"], layout, places)


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and SECONDS[0] <= value <= SECONDS[1]


def _is_words(names: Any) -> bool:
    return isinstance(names, list) and len(names) <= _MAX_WORDS and all(isinstance(name, str) for name in names)
