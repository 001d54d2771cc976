"""The moments to come of all turns, in bins, and one timer for the first that somebody has to be woken for.

Heaps hold the bins: one heap of 100,000 turns is slow to sift. A bin holds nothing but turns, for there is one entry
for each of them at all times; a turn knows the bin in which its entry counts.

An alarm costs more than a short turn: a timer, two waits of the loop (libuv waits once more, without time, to close
the timer), cold caches. So the turns that are patient come with the next alarm of another, or a little late.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import math
import time
from collections.abc import Callable, Iterator
from typing import Final

from exporter.schedule.scheduled import Scheduled

# Turns that are due within one bin are begun together, at its end.
BIN_SECONDS: Final = 0.002
PATIENT_BIN_SECONDS: Final = 0.02
# So long after its end a bin of patient turns has an alarm of its own.
PATIENCE_SECONDS: Final = 0.06

# uvloop's clock counts whole milliseconds, as the bins do, but the two floats for one moment may differ in their last
# digit. A bin that seemed a hair too early would have the loop turn round and round until the next millisecond.
_TICK_ERROR: Final = 1e-6


class Moments:
    """The turns by their next moments. One event loop's."""

    def __init__(self, on_due: Callable[[], None]) -> None:
        """`on_due` is called when the first bin is over, to take its turns."""
        self._on_due = on_due
        self._loop = asyncio.get_running_loop()
        self._prompt = _Bins(BIN_SECONDS)
        self._patient = _Bins(PATIENT_BIN_SECONDS)
        self._alarm = math.inf  # the time of the timer
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    @property
    def overdue(self) -> float:
        """Seconds by which the first alarm is past; negative before it, 0 without any."""
        alarm = self._next_alarm()
        return self._loop.time() - alarm if alarm < math.inf and not self._stopped else 0.0

    def put(self, turn: Scheduled) -> None:
        """Have a turn wait for its moment `due`, and nowhere else."""
        is_first = (self._patient if turn.is_patient else self._prompt).put(turn)
        if is_first and self._next_alarm() < self._alarm:
            self.set_alarm()

    def take(self, now: float) -> Iterator[Scheduled]:
        """Take the turns whose bins are over; one that is not put anew has no moment any more."""
        yield from self._prompt.take(now)
        yield from self._patient.take(now)

    def set_alarm(self) -> None:
        """Have the end of the first bin told, and of no other."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._alarm = math.inf if self._stopped else self._next_alarm()
        if self._alarm < math.inf:
            self._timer = self._loop.call_at(self._alarm, self._on_due)

    def stop(self) -> None:
        """Tell of no moment any more."""
        self._stopped = True
        self.set_alarm()

    def _next_alarm(self) -> float:
        return min(self._prompt.first, self._patient.first + PATIENCE_SECONDS)


class _Bins:
    """Turns in bins of one length."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._bins: dict[int, list[Scheduled]] = {}
        self._heap: list[int] = []  # the numbers of the bins

    @property
    def first(self) -> float:
        """The end of the first bin."""
        return self._heap[0] * self._seconds if self._heap else math.inf

    def put(self, turn: Scheduled) -> bool:
        """Put a turn into its bin; True if that is the first now, and new."""
        number = math.ceil(turn.due / self._seconds)
        bin_ = self._bins.get(number)
        if bin_ is not None:
            bin_.append(turn)
            turn.place = bin_
            return False
        turn.place = self._bins[number] = [turn]
        heapq.heappush(self._heap, number)
        return self._heap[0] == number

    def take(self, now: float) -> Iterator[Scheduled]:
        """Take the turns of all bins that are over."""
        last = (now + _TICK_ERROR) / self._seconds
        while self._heap and self._heap[0] <= last:
            bin_ = self._bins.pop(heapq.heappop(self._heap))
            for turn in bin_:
                if turn.place is bin_:
                    turn.place = None
                    yield turn


def until_phase(key: str, interval: float) -> float:
    """Seconds from now to the next moment of a turn: its phase in the intervals since 1970."""
    return (phase(key, interval) - time.time()) % interval


def phase(key: str, interval: float) -> float:
    """The place of a turn within each interval, in seconds; the same in every process."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * interval
