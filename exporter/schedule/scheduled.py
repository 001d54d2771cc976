"""The things that have a place in the schedule: turns of targets, and sessions with hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, ClassVar, Final, Protocol

# The work of beginning a turn: of one that is done at once it is a quarter of that of a session.
SESSION_WORK: Final = 4
DONE_WORK: Final = 1


class TurnSteps(Protocol):
    """A turn under way without a task: callbacks take it from one event to the next. Nothing here raises."""

    def cancel(self) -> None:
        """Break it off; that it has ended is told a moment later."""

    def go_on(self) -> None:
        """Have a task do the rest, which somebody can wait for."""


class TurnEnds(Protocol):
    """The schedule, as it is told how a turn by callbacks ends. The slot is the schedule's."""

    def ended(self, turn: Scheduled) -> None:
        """The turn is over."""

    def failed(self, turn: Scheduled, error: Exception) -> None:
        """The turn is over by a bug of the exporter."""

    def continued(self, turn: Scheduled, rest: Coroutine[Any, Any, None]) -> None:
        """The turn needs a task after all: `rest` is what is left of it."""


class Scheduled:
    """One turn an interval. A subclass says how it is run; the schedule alone writes the fields here."""

    __slots__ = ("course", "due", "place", "was_due")

    # The schedule tells when a turn begins; False: the turn itself does, when it has all that it waits for.
    reports_start: ClassVar[bool] = True
    # It is never done at once: :meth:`run_now` need not be asked.
    needs_slot: ClassVar[bool] = False
    # It may come some hundredths of a second late: to wake for each of many short turns would cost more than they do.
    is_patient: ClassVar[bool] = False

    def __init__(self) -> None:
        self.due = 0.0  # the next moment, by the loop's clock
        self.was_due = 0.0  # the moment of the turn that was begun last
        # The bin or the queue that it waits in: an entry in another one is out of date. None: it has no moment.
        self.place: Collection[Scheduled] | None = None
        self.course: asyncio.Task[None] | TurnSteps | None = None  # the turn under way

    @property
    def interval(self) -> float:
        """Seconds from one turn to the next."""
        raise NotImplementedError

    @property
    def phase_key(self) -> str:
        """The text whose hash places the turn within each interval; equal in every process."""
        raise NotImplementedError

    def shows_all(self, now: float) -> bool:
        """Tell of a turn beside the schedule that it would show all that one of the schedule does: one is enough."""
        return True

    def run_now(self) -> bool:
        """Do the whole turn at once, if nothing has to be waited for; False: :meth:`run` is needed, with a slot."""
        return False

    def begin(self, ends: TurnEnds) -> TurnSteps | None:
        """Begin the turn by callbacks, if it may be done by these alone, in the slot that the schedule holds for it.

        None: :meth:`run` is needed. `ends` is told of the end, never before this has returned.
        """
        return None

    async def run(self) -> None:
        """Do the turn. The schedule holds a slot for it; a turn that waits for others may give it back meanwhile."""
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        """Take in that the turn ended by a bug of the exporter, which is logged and counted already."""
        raise NotImplementedError
