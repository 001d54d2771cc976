"""The schedule: the moment at which each target is probed, and how many are probed at once.

Each target has a phase, a hash of its name, so its probes fall on the same moments of every interval, before and after
a restart, and those of all targets spread evenly. The next moments wait in bins of two milliseconds, and a heap holds
the bins: one heap of 100,000 targets is slow to sift. A probe that is due and finds no free slot waits in a queue. A
moment that comes while the target's last probe still runs is left out: no target's probes overlap.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from exporter.concurrency.slots import ProbeSlots
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKey

log = logging.getLogger(__name__)

# Probes that are due within one bin are started together, at its end.
_BIN_SECONDS: Final = 0.002

# Probes started in one go, about a millisecond of work; then the loop handles those under way. A hundred at once would
# show in the times that the others measure.
_STARTS_AT_ONCE: Final = 16

# Probes beside the schedule that are started a second: all hosts behind a blocked egress are probed again when it
# opens, and neither our uplink nor other people's servers shall take that for an attack.
_EXTRA_A_SECOND: Final = 500
_EXTRA_SECONDS: Final = 0.02

# Targets taken in between two looks at the clock: a millisecond or two.
_STEP: Final = 500

# A healthy loop is milliseconds late. After a suspension or a stall longer than this, missed probes are left to their
# next moment: starting them all at once would be a burst at our uplink and at other people's servers.
STALL_SECONDS: Final = 5.0


class _ScheduledTarget:
    """The place of a target in the schedule."""

    __slots__ = ("due", "target", "task", "ticket")

    def __init__(self, target: Target) -> None:
        self.target = target
        self.due = 0.0
        self.ticket = 0  # a place in a bin with another ticket is out of date
        self.task: asyncio.Task[None] | None = None


class Scheduler:
    """Probes every target once an interval, until stopped."""

    def __init__(
        self,
        probe: Callable[[Target], Awaitable[ProbeResult]],
        concurrency: int,
        *,
        on_result: Callable[[Target, ProbeResult], None],
        on_start: Callable[[float], None] = lambda lag: None,
        on_internal_error: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_start` gets the seconds by which a probe starts late.

        `on_internal_error` is called at a bug of ours, which is logged already.
        """
        self.slots = ProbeSlots(concurrency, self._start_due)
        self._probe = probe
        self._on_result = on_result
        self._on_start = on_start
        self._on_internal_error = on_internal_error
        self._loop = asyncio.get_running_loop()
        self._entries: dict[TargetKey, _ScheduledTarget] = {}
        self._bins: dict[int, list[tuple[int, _ScheduledTarget]]] = {}
        self._heap: list[int] = []  # the numbers of the bins
        self._due: deque[tuple[int, _ScheduledTarget]] = deque()  # waiting for a slot
        self._extra: deque[_ScheduledTarget] = deque()  # to be probed beside their schedule
        self._starting_extra = False
        self._tickets = 0
        self._timer: asyncio.TimerHandle | None = None
        self._starting = False  # the loop comes back to start more
        self._stopped = False

    @property
    def probes_in_flight(self) -> int:
        """The number of probes under way."""
        return self.slots.used

    @property
    def overdue(self) -> float:
        """Seconds by which the earliest moment of the schedule is past; far more than 0 by a bug alone."""
        return self._loop.time() - self._heap[0] * _BIN_SECONDS if self._heap and not self._stopped else 0.0

    def replacing(self, targets: Iterable[Target]) -> Iterator[None]:
        """Schedule `targets`, in steps; those that stay keep their moments, those that are gone are probed no more.

        The schedule changes when all have been read.
        """
        before = dict(self._entries)
        entries: dict[TargetKey, _ScheduledTarget] = {}
        new: list[_ScheduledTarget] = []
        for number, target in enumerate(targets, 1):
            if number % _STEP == 0:
                yield
            entry = before.pop(target.key, None)
            if entry is None:
                entry = _ScheduledTarget(target)
                new.append(entry)
            else:
                moved = entry.target.settings.interval != target.settings.interval
                entry.target = target
                if moved:
                    self._place(entry)
            entries[target.key] = entry
        self._entries = entries
        for number, entry in enumerate(before.values(), 1):
            entry.ticket = -1
            if entry.task is not None:
                entry.task.cancel()
            if number % _STEP == 0:
                yield
        for number, entry in enumerate(new, 1):
            self._place(entry)
            if number % _STEP == 0:
                yield

    def probe_soon(self, keys: Iterable[TargetKey]) -> None:
        """Probe these beside their schedule, in this order and some at a time; their next moments stay.

        A probe that is under way already is not begun again.
        """
        self._extra.extend(entry for key in keys if (entry := self._entries.get(key)) is not None)
        if self._extra and not self._starting_extra:
            self._starting_extra = True
            self._loop.call_soon(self._start_extra)

    def _start_extra(self) -> None:
        left = int(_EXTRA_A_SECOND * _EXTRA_SECONDS)
        while self._extra and left and not self._stopped:
            entry = self._extra[0]
            gone = self._entries.get(entry.target.key) is not entry
            if not gone and entry.task is None:
                if not self.slots.take_nowait():
                    break
                left -= 1
                entry.task = self._loop.create_task(self._run(entry))
            self._extra.popleft()
        self._starting_extra = bool(self._extra) and not self._stopped
        if self._starting_extra:
            self._loop.call_later(_EXTRA_SECONDS, self._start_extra)

    async def stop(self, grace: float) -> None:
        """Start no more probes; give those under way `grace` seconds, then cancel them."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _place(self, entry: _ScheduledTarget) -> None:
        """Schedule the first moment from now on that has the target's phase."""
        interval = entry.target.settings.interval
        entry.due = self._loop.time() + (phase(entry.target.name, interval) - time.time()) % interval
        self._push(entry)

    def _push(self, entry: _ScheduledTarget) -> None:
        self._tickets += 1
        entry.ticket = self._tickets
        number = math.ceil(entry.due / _BIN_SECONDS)
        bin_ = self._bins.get(number)
        if bin_ is not None:
            bin_.append((entry.ticket, entry))
            return
        self._bins[number] = [(entry.ticket, entry)]
        heapq.heappush(self._heap, number)
        if self._heap[0] == number:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._stopped:
            self._timer = self._loop.call_at(self._heap[0] * _BIN_SECONDS, self._take_due)

    def _take_due(self) -> None:
        """Move the due targets from their bins to the queue."""
        now = self._loop.time()
        left_out = 0
        while self._heap and self._heap[0] * _BIN_SECONDS <= now:
            for ticket, entry in self._bins.pop(heapq.heappop(self._heap)):
                if ticket != entry.ticket:
                    continue
                if now - entry.due > STALL_SECONDS:
                    left_out += 1
                    self._advance(entry, now)
                elif entry.task is not None:
                    self._advance(entry, now)
                else:
                    self._due.append((ticket, entry))
        if left_out:
            # The clock jumped, or this process stood still.
            log.warning("probes skipped after a stall", extra={"fields": {"probes": left_out}})
        self._start_due()
        self._set_timer()

    def _advance(self, entry: _ScheduledTarget, now: float) -> None:
        """Schedule the next moment of the same phase: whole intervals, so no target drifts."""
        interval = entry.target.settings.interval
        entry.due += interval * max(1, int((now - entry.due) // interval) + 1)
        self._push(entry)

    def _start_more(self) -> None:
        self._starting = False
        self._start_due()

    def _start_due(self) -> None:
        """Start due probes while slots are free, some at once."""
        if self._starting:
            return
        started = 0
        while self._due and not self._stopped:
            ticket, entry = self._due[0]
            if ticket != entry.ticket:
                self._due.popleft()
                continue
            if started == _STARTS_AT_ONCE:
                self._starting = True
                self._loop.call_soon(self._start_more)
                return
            if not self.slots.take_nowait():
                return
            started += 1
            self._due.popleft()
            now = self._loop.time()
            self._on_start(now - entry.due)
            self._advance(entry, now)
            entry.task = self._loop.create_task(self._run(entry))

    async def _run(self, entry: _ScheduledTarget) -> None:
        target = entry.target
        try:
            result = await self._probe(target)
        except Exception as error:
            log.exception("internal error in a probe", extra={"fields": {"target": target.name}})
            self._on_internal_error()
            result = _failed(error)
        finally:
            entry.task = None
            self.slots.free()
        try:
            self._on_result(target, result)
        except Exception:
            log.exception("internal error in the record of a result", extra={"fields": {"target": target.name}})
            self._on_internal_error()


def phase(name: str, interval: float) -> float:
    """The place of a target's probe within each interval, in seconds; the same in every process."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * interval


def _failed(error: Exception) -> ProbeResult:
    failure = Failure(Stage.CONNECT, FailureClass.INTERNAL, f"a bug of the exporter: {type(error).__name__}")
    return ProbeResult(at=time.time(), duration=0.0, lookup=None, hosts=(), addresses=0, failure=failure)
