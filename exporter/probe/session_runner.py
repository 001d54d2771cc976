"""Single sessions: each begins when the limits per address and per MX name allow, and asks witness ports if needed.

The caller holds a slot, which is free for others while a permit is awaited: who waits for a permit holds no slot, and
who has a permit may wait for a slot, which every holder gives back in the end. So none waits for the other for good.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from exporter.concurrency.session_limiter import SessionLimiter, SessionPermit
from exporter.concurrency.slots import ProbeSlots
from exporter.model.evidence import ConnectOutcome
from exporter.net.helo_name import own_address
from exporter.probe.cpu_cost import CpuCosts
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

    async def run(self, request: SessionRequest, on_begin: Callable[[], None]) -> SessionRecord:
        """The record of one session. The caller holds a slot. Raises CostPauseError.

        `on_begin` is called when nothing stands between the session and its begin. It may raise.
        """
        address = request.endpoint.address
        permit = self._limiter.acquire_nowait(address, request.name)
        try:
            if permit is None:
                async with self._slots.given_back():
                    permit = await self._limiter.acquire(address, request.name)
            # A session that had the permit before may have been expensive.
            if (pause := self._costs.pause(address)) > 0:
                raise CostPauseError(pause)
            on_begin()
            return await self._session(request, permit)
        finally:
            if permit is not None:
                permit.release()

    async def _session(self, request: SessionRequest, permit: SessionPermit) -> SessionRecord:
        """A session; where it draws no word or a prohibition, with the outcomes of other ports of the address."""
        endpoint = request.endpoint
        check = WitnessCheck(self._witness_ports, endpoint, request.timeout) if self._witness_ports else None
        session = Session(
            request.plan,
            endpoint,
            request.timeout,
            SessionOptions(True, _message(request), self._costs.limit),
            on_no_answer=None if check is None else check.start,
            permit=permit,
        )
        if check is None:
            return await session.run()
        try:
            record = await session.run()
            if connect_outcome(record) not in _UNDECIDED:
                return record
            return replace(record, witnesses=await check.result())
        finally:
            check.cancel()


def _message(request: SessionRequest) -> bytes:
    """The message of DATA; empty where the plan has no such step."""
    if _DATA not in request.plan.steps:
        return b""
    endpoint = request.endpoint
    return canary_message(request.canary, request.plan, time.time(), own_address(endpoint.address, endpoint.source))
