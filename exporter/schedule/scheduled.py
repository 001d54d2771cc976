"""The things that have a place in the schedule: turns of targets, and sessions with hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import ClassVar


class Scheduled:
    """One turn an interval. A subclass says how it is run; the schedule alone writes the fields here."""

    __slots__ = ("due", "place", "task", "was_due")

    # The schedule tells when a turn begins; False: the turn itself does, when it has all that it waits for.
    reports_start: ClassVar[bool] = True
    # It may come some hundredths of a second late: to wake for each of many short turns would cost more than they do.
    is_patient: ClassVar[bool] = False

    def __init__(self) -> None:
        self.due = 0.0  # the next moment, by the loop's clock
        self.was_due = 0.0  # the moment of the turn that was begun last
        # The bin or the queue that it waits in: an entry in another one is out of date. None: it has no moment.
        self.place: Collection[Scheduled] | None = None
        self.task: asyncio.Task[None] | None = None  # the turn under way

    @property
    def interval(self) -> float:
        """Seconds from one turn to the next."""
        raise NotImplementedError

    @property
    def phase_key(self) -> str:
        """The text whose hash places the turn within each interval; equal in every process."""
        raise NotImplementedError

    def run_now(self) -> bool:
        """Do the whole turn at once, if nothing has to be waited for; False: :meth:`run` is needed, with a slot."""
        return False

    async def run(self) -> None:
        """Do the turn. The schedule holds a slot for it; a turn that waits for others may give it back meanwhile."""
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        """Take in that the turn ended by a bug of the exporter, which is logged and counted already."""
        raise NotImplementedError
