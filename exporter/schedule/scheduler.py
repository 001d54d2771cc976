"""The schedule: the moment of each turn, and how many are under way at once.

Each turn has a phase, a hash of its key, so it falls on the same moments of every interval, before and after a restart,
and all turns spread evenly. A turn that is due and needs a slot waits in line for it; one that has nothing to wait for
is done at once, without a slot. A moment that comes while the last turn is still under way is left out: the turns of
one target do not overlap.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from exporter.concurrency.slots import ProbeSlots
from exporter.schedule.extra_turns import ExtraTurns
from exporter.schedule.moments import Moments, until_phase
from exporter.schedule.scheduled import DONE_WORK, SESSION_WORK, Scheduled
from exporter.schedule.turns_under_way import TurnsUnderWay

log = logging.getLogger(__name__)

# Work begun in one go, about a millisecond of it; then the loop serves what is under way. A hundred sessions at once
# would show in the times that the others measure.
_WORK_AT_ONCE: Final = 64

# A moment that comes within this part of the interval after a turn beside the schedule is left out.
_NEAR_SHARE: Final = 0.5

# A healthy loop is milliseconds late. After a suspension or a stall longer than this, missed turns are left to their
# next moment: starting them all at once would be a burst at our uplink and at other people's servers.
STALL_SECONDS: Final = 5.0

# The place of a turn that was given up.
_DROPPED: Final = ()


class Schedule:
    """Begins every turn once an interval, until stopped. One event loop's."""

    def __init__(
        self, slots: ProbeSlots, *, on_start: Callable[[float], None], on_internal_error: Callable[[], None]
    ) -> None:
        """`on_start` gets the seconds by which a turn begins late.

        `on_internal_error` is called at a bug of ours, which is logged already.
        """
        self._slots = slots
        slots.on_free = self._begin_due
        self._on_start = on_start
        self._loop = asyncio.get_running_loop()
        self._moments = Moments(self._take_due)
        self._due: deque[Scheduled] = deque()
        self._in_line: deque[Scheduled] = deque()  # due, and waiting for a slot
        # Somebody waits for these, since the moments. In a plain dictionary the first is found past all that have gone.
        self._asked: OrderedDict[Scheduled, float] = OrderedDict()
        self._extra = ExtraTurns(self._begin_beside)
        self._under_way = TurnsUnderWay(slots, on_internal_error)
        self._beginning = False  # turns are being begun, or the loop comes back to begin more
        self._taken_at = 0.0  # the last turn that was due
        self._begun_at = 0.0  # the last one in a slot
        self._stopped = False

    @property
    def probes_in_flight(self) -> int:
        """The number of turns under way, without those that wait for others."""
        return self._slots.used

    @property
    def standstill(self) -> float:
        """Seconds for which no turn has begun though one could; far more than 0 by a bug alone."""
        without_slot = self.slots_taken if self._slots.has_free else 0.0
        return max(self._moments.overdue, self._waited(self._due, self._taken_at), without_slot)

    @property
    def slots_taken(self) -> float:
        """Seconds for which no turn has begun because none of those under way ends."""
        return self._waited(self._in_line, self._begun_at)

    def _waited(self, queue: Sequence[Scheduled], since: float) -> float:
        return 0.0 if not queue or self._stopped else self._loop.time() - max(since, queue[0].due)

    def add(self, turn: Scheduled) -> None:
        """Schedule a turn at the first moment from now on that has its phase."""
        turn.due = self._loop.time() + until_phase(turn.phase_key, turn.interval)
        self._moments.put(turn)

    def moved(self, turn: Scheduled) -> None:
        """Have a scheduled turn follow its new interval. One under way goes on."""
        self.add(turn)

    def suspend(self, turn: Scheduled) -> None:
        """Give a turn no more moments; one under way goes on, and it may still be asked for."""
        turn.place = None

    def drop(self, turn: Scheduled) -> None:
        """Give a turn up, in the middle if it is under way."""
        turn.place = _DROPPED
        self._under_way.cancel(turn)

    def begin(self, turns: Iterable[Scheduled]) -> None:
        """Begin these now, or as soon as there is a slot: somebody waits for them. They need no place in the schedule.

        One that is under way is not begun again, nor one that has begun at a moment of its own since.
        """
        now = self._loop.time()
        for turn in turns:
            if turn.course is None and turn.place is not _DROPPED:
                self._asked.setdefault(turn, now)
        self._begin_due()

    def soon(self, turns: Iterable[Scheduled]) -> None:
        """Begin these beside the schedule, in their order and some at a time; else as :meth:`begin`."""
        self._extra.add(turns)

    async def stop(self, grace: float) -> None:
        """Begin no more turns; give those under way `grace` seconds, then cancel them."""
        self._stopped = True
        self._moments.stop()
        self._extra.stop()
        await self._under_way.end(grace)

    def _take_due(self) -> None:
        """Move the turns whose moment has come to the queue."""
        now, due = self._loop.time(), self._due
        left_out = 0
        for turn in self._moments.take(now):
            if (is_missed := now - turn.due > STALL_SECONDS) or turn.course is not None:
                left_out += is_missed
                self._advance(turn, now)
            else:
                turn.place = due
                due.append(turn)
        if left_out:  # the clock jumped, or this process stood still
            log.warning("probes skipped after a stall", extra={"fields": {"probes": left_out}})
        self._moments.set_alarm()
        self._begin_due()

    def _advance(self, turn: Scheduled, now: float) -> None:
        """Schedule the next moment of the same phase: whole intervals, so no turn drifts."""
        interval = turn.interval
        due = turn.due + interval
        if due <= now:
            due += interval * ((now - due) // interval + 1.0)
        turn.due = due
        self._moments.put(turn)

    def _begin_more(self) -> None:
        self._beginning = False
        self._begin_due()

    def _begin_due(self) -> None:
        """Begin due turns, some at once: first those that wait for a slot, as far as there are any."""
        if self._beginning:
            return
        self._beginning = True  # a turn that is done at once may free a slot, which calls this again
        left = _WORK_AT_ONCE
        while left > 0 and not self._stopped:
            if self._asked and (work := self._begin_asked()) is not None:
                left -= work
            elif self._in_line and self._slots.take_nowait():
                left -= self._begin_in_line()
            elif self._due:
                left -= self._begin_next()
            else:
                break
        self._beginning = left <= 0 and not self._stopped
        if self._beginning:
            self._loop.call_soon(self._begin_more)

    def _begin_asked(self) -> int | None:
        """Begin the turn that was asked for first; the work that it was, None without a slot."""
        turn, asked = next(iter(self._asked.items()))
        # One that began in this millisecond may be over: somebody else has asked since.
        work = 0 if turn.was_due > asked else self._begin_beside(asked, turn)
        if work is not None:
            del self._asked[turn]
        return work

    def _begin_next(self) -> int:
        """Begin the next due turn, or have it wait for a slot; the work that it was."""
        turn = self._due.popleft()
        if turn.place is not self._due:
            return 0
        self._taken_at = now = self._loop.time()
        if turn.course is not None:  # asked for since, beside the schedule
            self._advance(turn, now)
            return 0
        turn.was_due = turn.due
        if turn.needs_slot or not self._is_done_now(turn):
            if not self._in_line and self._slots.take_nowait():
                self._advance(turn, now)
                self._begin(turn, now)
                return SESSION_WORK
            turn.place = self._in_line
            self._in_line.append(turn)
            return DONE_WORK
        if turn.reports_start:
            self._on_start(now - turn.was_due)
        if turn.place is self._due:
            self._advance(turn, now)
        return DONE_WORK

    def _begin_in_line(self) -> int:
        """Begin the turn that waits longest, in the slot just taken; the work that it was."""
        while self._in_line:
            turn = self._in_line.popleft()
            if turn.place is not self._in_line:
                continue
            turn.was_due = turn.due
            now = self._loop.time()
            self._advance(turn, now)
            if turn.course is None:
                self._begin(turn, now)
                return SESSION_WORK
        self._slots.free()
        return 0

    def _begin_beside(self, wished: float, turn: Scheduled) -> int | None:
        """Begin a turn beside the schedule, if that is still to be done; the work that it was, None without a slot."""
        if turn.course is not None or turn.place is _DROPPED:
            return 0
        before, turn.was_due = turn.was_due, wished
        now = self._loop.time()
        is_done = self._is_done_now(turn)
        if not is_done and not self._slots.take_nowait():
            turn.was_due = before
            return None
        # Two turns shortly after each other would show no more than one, and be a burden on other people's servers.
        is_scheduled = turn.place is not None and turn.place is not _DROPPED
        if is_scheduled and turn.due - now < turn.interval * _NEAR_SHARE and turn.shows_all(now):
            turn.due += turn.interval
            self._moments.put(turn)
        if not is_done:
            self._begin(turn, now)
            return SESSION_WORK
        if turn.reports_start:
            self._on_start(now - wished)
        return DONE_WORK

    def _begin(self, turn: Scheduled, now: float) -> None:
        if turn.reports_start:
            self._on_start(now - turn.was_due)
        self._begun_at = now
        self._under_way.begin(turn)

    def _is_done_now(self, turn: Scheduled) -> bool:
        try:
            return turn.run_now()
        except Exception as error:
            self._under_way.tell_bug(turn, error)
            return True
