"""The number of targets by verdict, a count a minute for the last 24 hours, in little memory whatever the fleet does.

A count is packed in 44 bytes, and there are at most 1440 of them. Times are moments of the steady clock, so the past
moves with a clock that is set.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from exporter.concurrency import steady_clock
from exporter.model.failure import Verdict

MINUTE: Final = 60.0
MAX_COUNTS: Final = 24 * 60
_STATES: Final = (None, *Verdict)
# The moment, the targets up and of each verdict, and those not probed yet.
_COUNT: Final = struct.Struct(f"<d{len(_STATES) + 1}I")


class VerdictCount(NamedTuple):
    """The targets by verdict at a moment of steady_clock."""

    at: float
    states: Mapping[Verdict | None, int]  # None: up
    waiting: int  # not probed yet


class VerdictCounts:
    """The last counts. Added to by the probes' event loop; :meth:`all` may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = steady_clock.now) -> None:
        self._clock = clock
        self._packed: deque[bytes] = deque(maxlen=MAX_COUNTS)

    def add(self, states: Mapping[Verdict | None, int], waiting: int) -> None:
        """Keep a count of this moment."""
        self._packed.append(_COUNT.pack(self._clock(), *_numbers(states), waiting))

    def restore(self, counts: Iterable[VerdictCount]) -> None:
        """Put the counts of before the start before all others."""
        ours = list(self._packed)
        self._packed.clear()
        self._packed.extend(_COUNT.pack(at, *_numbers(states), waiting) for at, states, waiting in counts)
        self._packed.extend(ours)

    def all(self) -> tuple[VerdictCount, ...]:
        """All counts, the oldest first."""
        # A copy at one moment: no Python code runs in between.
        return tuple(map(_count, list(self._packed)))


def _numbers(states: Mapping[Verdict | None, int]) -> list[int]:
    return [states.get(state, 0) for state in _STATES]


def _count(packed: bytes) -> VerdictCount:
    at, *states, waiting = _COUNT.unpack(packed)
    return VerdictCount(at, dict(zip(_STATES, states, strict=True)), waiting)
