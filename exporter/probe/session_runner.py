"""Single sessions: each begins when the limits per address and per MX name allow, and asks witness ports if needed.

The caller holds a slot, which is free for others while a permit is awaited: who waits for a permit holds no slot, and
who has a permit may wait for a slot, which every holder gives back in the end. So none waits for the other for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, NamedTuple

from exporter.concurrency.session_limiter import SessionLimiter, SessionPermit
from exporter.concurrency.slots import ProbeSlots
from exporter.model.evidence import ConnectOutcome
from exporter.net.deadlines import deadlines_of
from exporter.net.helo_name import own_address
from exporter.net.poller import poller_of
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


class PermittedSession(NamedTuple):
    """A session that holds its permit."""

    session: Session
    permit: SessionPermit
    check: WitnessCheck | None  # of other ports of the address, if the session may need one


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
        # To ask for the running loop is a system call in Python 3.11.
        self.loop: Final = asyncio.get_running_loop()
        self.poller: Final = poller_of(self.loop)
        self.deadlines: Final = deadlines_of(self.loop)

    def permit(self, address: str, name: str) -> SessionPermit | None:
        """A permit, if there is one now."""
        return self._limiter.acquire_nowait(address, name)

    async def run(self, request: SessionRequest, on_begin: Callable[[], None]) -> SessionRecord:
        """The record of one session; where it draws no word or a prohibition, with the outcomes of witness ports.

        The caller holds a slot. Raises CostPauseError.

        `on_begin` is called when nothing stands between the session and its begin. It may raise.
        """
        address = request.endpoint.address
        permit = self.permit(address, request.name)
        try:
            if permit is None:
                async with self._slots.given_back():
                    permit = await self._limiter.acquire(address, request.name)
            self._may_begin(address)
            on_begin()
            permitted = self.session(request, permit, time.perf_counter())
        except BaseException:
            if permit is not None:
                permit.release()
            raise
        return await self.record(permitted, permitted.session.run())

    def _may_begin(self, address: str) -> None:
        """Raise CostPauseError after a session that had the permit before, and was expensive."""
        if (pause := self._costs.pause(address)) > 0:
            raise CostPauseError(pause)

    async def record(self, permitted: PermittedSession, running: Awaitable[SessionRecord]) -> SessionRecord:
        """The record of a session, from its begin or from where it has got to."""
        _, permit, check = permitted
        try:
            record = await running
            if check is None or connect_outcome(record) not in _UNDECIDED:
                return record
            return replace(record, witnesses=await check.result())
        finally:
            if check is not None:
                check.cancel()
            permit.release()

    def session(self, request: SessionRequest, permit: SessionPermit, began: float) -> PermittedSession:
        """A session that reads all that it hears; `began`: the time of the connect, which counts for the check, too."""
        endpoint, check = request.endpoint, None
        if self._witness_ports:
            left = request.timeout - (time.perf_counter() - began)
            check = WitnessCheck(self._witness_ports, endpoint, left)
        session = Session(
            request.plan,
            endpoint,
            request.timeout,
            SessionOptions(True, _message(request), self._costs.limit, request.recorder),
            on_no_answer=None if check is None else check.start,
            permit=permit,
        )
        return PermittedSession(session, permit, check)


def _message(request: SessionRequest) -> bytes:
    """The message of DATA; empty where the plan has no such step."""
    if _DATA not in request.plan.steps:
        return b""
    endpoint = request.endpoint
    own = own_address(endpoint.address, endpoint.source)
    return canary_message(request.canary, request.plan, time.time(), own, request.canary_id)
