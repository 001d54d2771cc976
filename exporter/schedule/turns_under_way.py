"""The turns under way, each by callbacks or by a task, and how they end.

A turn by callbacks needs no task as long as nothing but the events of its connection has to be waited for. At the end
of the exporter all turns become tasks: these can be waited for, and cancelled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from exporter.concurrency.slots import ProbeSlots
from exporter.schedule.scheduled import Scheduled

log = logging.getLogger(__name__)


class TurnsUnderWay:
    """Each has a slot: see :class:`exporter.schedule.scheduled.TurnEnds`. One event loop's."""

    def __init__(self, slots: ProbeSlots, on_internal_error: Callable[[], None]) -> None:
        """`on_internal_error` is called at a bug of ours, which is logged already."""
        self._slots = slots
        self._on_internal_error = on_internal_error
        self._loop = asyncio.get_running_loop()
        self._turns: set[Scheduled] = set()

    def begin(self, turn: Scheduled) -> None:
        """Begin a turn, whose slot has been taken."""
        self._turns.add(turn)
        try:
            turn.course = turn.begin(self)
        except Exception as error:
            self.failed(turn, error)
            return
        if turn.course is None:
            self.continued(turn, turn.run())

    async def end(self, grace: float) -> None:
        """Give all `grace` seconds, then cancel them."""
        for turn in tuple(self._turns):
            if turn.course is not None and not isinstance(turn.course, asyncio.Task):
                turn.course.go_on()
        tasks = [turn.course for turn in self._turns if isinstance(turn.course, asyncio.Task)]
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
            for turn in tuple(self._turns):
                self.cancel(turn)
            await asyncio.gather(*tasks, return_exceptions=True)

    def continued(self, turn: Scheduled, rest: Coroutine[Any, Any, None]) -> None:
        """See :class:`TurnEnds`."""
        turn.course = self._loop.create_task(self._run(turn, rest))

    async def _run(self, turn: Scheduled, rest: Coroutine[Any, Any, None]) -> None:
        try:
            await rest
        except Exception as error:
            self.tell_bug(turn, error)
        finally:
            self.ended(turn)

    def cancel(self, turn: Scheduled) -> None:
        """Cancel a turn under way. A task has its first step before that, or it would not see its own end."""
        course = turn.course
        if isinstance(course, asyncio.Task):
            self._loop.call_soon(course.cancel)
        elif course is not None:
            course.cancel()

    def failed(self, turn: Scheduled, error: Exception) -> None:
        """See :class:`TurnEnds`."""
        self.tell_bug(turn, error)
        self.ended(turn)

    def ended(self, turn: Scheduled) -> None:
        """See :class:`TurnEnds`."""
        self._turns.discard(turn)
        turn.course = None
        self._slots.free()

    def tell_bug(self, turn: Scheduled, error: Exception) -> None:
        """Tell a bug of ours in a turn, and the turn itself."""
        fields = {"target": turn.phase_key}
        log.error("internal error in a probe", exc_info=error, extra={"fields": fields})
        self._on_internal_error()
        try:
            turn.failed(error)
        except Exception:
            log.exception("internal error in the record of a result", extra={"fields": fields})
            self._on_internal_error()
