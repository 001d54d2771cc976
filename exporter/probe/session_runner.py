"""Single sessions: each begins when the limits per address and per MX name allow, and asks witness ports if needed.

The caller holds a slot, which is free for others while a permit is awaited: who waits for a permit holds no slot, and
who has a permit may wait for a slot, which every holder gives back in the end. So none waits for the other for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from exporter.concurrency.session_limiter import SessionLimiter, SessionPermit
from exporter.concurrency.slots import ProbeSlots
from exporter.model.evidence import ConnectOutcome
from exporter.net.deadlines import deadlines_of
from exporter.net.helo_name import own_address
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.express import ExpressSession, Unchanged
from exporter.probe.module_plan import canary_message
from exporter.probe.session import Session
from exporter.probe.session_outcome import connect_outcome
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import SessionOptions, SessionRequest
from exporter.probe.witness_ports import WitnessCheck
from exporter.smtp.plan import State

# Outcomes that leave open whether the host is dead or we are blocked.
_UNDECIDED: Final = frozenset(
    {ConnectOutcome.NO_ANSWER, ConnectOutcome.PROHIBITED, ConnectOutcome.NO_GREETING, ConnectOutcome.HUNG_UP}
)

# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_DATA: Final = State.DATA


class CostPauseError(Exception):
    """The address is left alone for its cost."""

    def __init__(self, pause: float) -> None:
        """`pause`: seconds of it that are left."""
        super().__init__(
            "its last session took far more of this exporter's CPU than others do;"
            f" it is left alone for another {pause:.0f} s"
        )


class SessionRunner:
    """Runs one session for each request, within the limits that all have in common."""

    def __init__(
        self, limiter: SessionLimiter, costs: CpuCosts, slots: ProbeSlots, witness_ports: tuple[int, ...] = ()
    ) -> None:
        """`witness_ports` are asked on an address whose own port is silent or prohibited."""
        self._limiter = limiter
        self._costs = costs
        self._slots = slots
        self._witness_ports = witness_ports
        self._loop = asyncio.get_running_loop()
        self._deadlines = deadlines_of(self._loop)

    async def run(self, request: SessionRequest, on_begin: Callable[[], None]) -> SessionRecord | Unchanged:
        """The record of one session; where it draws no word or a prohibition, with the outcomes of witness ports.

        The caller holds a slot. Raises CostPauseError.

        `on_begin` is called when nothing stands between the session and its begin. It may raise.
        """
        address = request.endpoint.address
        checks: list[WitnessCheck] = []
        permit = self._limiter.acquire_nowait(address, request.name)
        try:
            if permit is None:
                async with self._slots.given_back():
                    permit = await self._limiter.acquire(address, request.name)
            # A session that had the permit before may have been expensive.
            if (pause := self._costs.pause(address)) > 0:
                raise CostPauseError(pause)
            on_begin()
            record = await self._session(request, permit, checks).run()
            if isinstance(record, Unchanged) or not checks or connect_outcome(record) not in _UNDECIDED:
                return record
            return replace(record, witnesses=await checks[0].result())
        finally:
            for check in checks:
                check.cancel()
            if permit is not None:
                permit.release()

    def _session(
        self, request: SessionRequest, permit: SessionPermit, checks: list[WitnessCheck]
    ) -> Session | ExpressSession:
        """A session; its check of other ports of the address comes to `checks`, if it may need one."""
        full = partial(self._full_session, request, permit, checks, time.perf_counter())
        familiar, expected = request.familiar, request.expected
        if familiar is None or expected is None:
            return full()
        return ExpressSession(request, familiar, expected, self._deadlines, self._loop, full)

    def _full_session(
        self, request: SessionRequest, permit: SessionPermit, checks: list[WitnessCheck], began: float
    ) -> Session:
        """A session that reads all that it hears; `began`: the time of the connect, which counts for the check, too."""
        endpoint = request.endpoint
        if self._witness_ports:
            left = request.timeout - (time.perf_counter() - began)
            checks.append(WitnessCheck(self._witness_ports, endpoint, left))
        return Session(
            request.plan,
            endpoint,
            request.timeout,
            SessionOptions(True, _message(request), self._costs.limit, request.recorder),
            on_no_answer=checks[0].start if checks else None,
            permit=permit,
        )


def _message(request: SessionRequest) -> bytes:
    """The message of DATA; empty where the plan has no such step."""
    if _DATA not in request.plan.steps:
        return b""
    endpoint = request.endpoint
    return canary_message(request.canary, request.plan, time.time(), own_address(endpoint.address, endpoint.source))
