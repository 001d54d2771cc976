"""Sessions as senders have them: where STARTTLS comes to nothing and is not required, a second one in the clear.

The rules are those of exporter.probe.opportunistic_tls; here are the sessions and the time for them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import replace
from typing import Any, Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.concurrency.slots import ProbeSlots
from exporter.probe.opportunistic_tls import merged, named, plan_in_the_clear, question, takes_finite_field, untried
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import SessionRequest
from exporter.probe.session_runner import CostPauseError, PermittedSession, SessionRunner
from exporter.smtp.plan import Plan
from exporter.tls.handshake_failures import FINITE_FIELD_ALONE

# Between a session that was broken off and the next the host sees the first one end: some count their clients.
_FAREWELL_SECONDS: Final = 0.1
# A second session in less time shows nothing.
_LEAST_SECONDS: Final = 0.1
# The cause of a refused offer is asked for once in so long, of so many hosts; of more the oldest is forgotten.
_CAUSE_SECONDS: Final = 86400.0
_MAX_CAUSES: Final = 10_000


class TlsFallback:
    """Runs the session of a request and, where a sender would go on without TLS, the second one."""

    def __init__(self, runner: SessionRunner, slots: ProbeSlots) -> None:
        self.runner: Final = runner
        self._slots = slots
        # Until when it is known of a host that refused all else, and whether it takes finite-field Diffie-Hellman.
        self._finite_field: BoundedDict[Hashable, tuple[float, bool]] = BoundedDict(_MAX_CAUSES)

    def run(self, request: SessionRequest, on_begin: Callable[[], None]) -> Coroutine[Any, Any, SessionRecord]:
        """The record of all sessions of `request`. Raises CostPauseError where there was none at all.

        The caller holds a slot. `on_begin` is called before each session, as in :class:`SessionRunner`.
        """
        return self._with_second(self.runner.run(request, on_begin), request, on_begin)

    def go_on(
        self, request: SessionRequest, on_begin: Callable[[], None], begun: PermittedSession
    ) -> Coroutine[Any, Any, SessionRecord]:
        """The same, of which the first session has begun already."""
        return self._with_second(self.runner.record(begun, begun.session.record()), request, on_begin)

    def _with_second(
        self, first: Coroutine[Any, Any, SessionRecord], request: SessionRequest, on_begin: Callable[[], None]
    ) -> Coroutine[Any, Any, SessionRecord]:
        return first if request.plan.tls is None else self._with_tls(first, request, on_begin)

    async def _with_tls(
        self, session: Awaitable[SessionRecord], request: SessionRequest, on_begin: Callable[[], None]
    ) -> SessionRecord:
        first = await session
        plan = plan_in_the_clear(first)
        record = first if plan is None else await self._in_the_clear(request, on_begin, first, plan)
        ask = question(first)
        return record if ask is None else await self._with_cause(request, on_begin, record, ask)

    async def _in_the_clear(
        self, request: SessionRequest, on_begin: Callable[[], None], first: SessionRecord, plan: Plan
    ) -> SessionRecord:
        second = await self._further(request._replace(plan=plan), on_begin, first)
        if second is None:
            return untried(first, f"the timeout of {request.timeout:g} s left no time for such a session")
        if isinstance(second, CostPauseError):
            return untried(first, f"no such session was begun: {second}")
        return merged(first, second)

    async def _with_cause(
        self, request: SessionRequest, on_begin: Callable[[], None], record: SessionRecord, ask: Plan
    ) -> SessionRecord:
        """`record` with the cause of a handshake whose offer was refused, as far as that is known or can be asked."""
        key = (request.endpoint.address, request.endpoint.port, ask.tls)
        until, takes = self._finite_field.get(key, (0.0, False))
        if until < time.monotonic():
            answer = await self._further(request._replace(plan=ask), on_begin, record)
            if not isinstance(answer, SessionRecord):
                return record
            record = replace(record, cost=record.cost + answer.cost)
            seen = takes_finite_field(answer)
            if seen is None:
                return record
            takes = seen
            self._finite_field[key] = (time.monotonic() + _CAUSE_SECONDS, takes)
        return named(record, FINITE_FIELD_ALONE) if takes else record

    async def _further(
        self, request: SessionRequest, on_begin: Callable[[], None], before: SessionRecord
    ) -> SessionRecord | CostPauseError | None:
        """A session after that of `before`, in the rest of the timeout; None where that is too short."""
        left = request.timeout - before.took - _FAREWELL_SECONDS
        if left < _LEAST_SECONDS:
            return None
        async with self._slots.given_back():
            await asyncio.sleep(_FAREWELL_SECONDS)
        try:
            return await self.runner.run(request._replace(timeout=left), on_begin)
        except CostPauseError as error:
            return error
