"""Single sessions: each begins when the limits per address and per MX name allow, and asks witness ports if needed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from exporter.concurrency.session_limiter import SessionLimiter, SessionPermit
from exporter.model.evidence import ConnectOutcome
from exporter.net.helo_name import own_address
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.module_plan import canary_message
from exporter.probe.session import Session
from exporter.probe.session_outcome import connect_outcome
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint, SessionOptions, SessionRequest, TimeBudget
from exporter.probe.witness_ports import WitnessCheck, WitnessPorts
from exporter.smtp.plan import State

# Outcomes that leave open whether the host is dead or we are blocked.
_UNDECIDED: Final = frozenset(
    {ConnectOutcome.NO_ANSWER, ConnectOutcome.PROHIBITED, ConnectOutcome.NO_GREETING, ConnectOutcome.HUNG_UP}
)
# A session that got its permit at the last moment still has so long.
LEAST_SECONDS: Final = 0.1
_NO_PERMIT: Final = (
    "our own limits (per_address, one session at a time with an MX name) left no free session in the time given"
)


class NoPermitError(Exception):
    """Our own limits left no permit in the time given; its text says which."""


class CostPauseError(NoPermitError):
    """The address is left alone for its cost, and no earlier record answers the request."""

    def __init__(self, pause: float) -> None:
        """`pause`: seconds of it that are left."""
        super().__init__(
            "its last session took far more of this exporter's CPU than others do;"
            f" it is left alone for another {pause:.0f} s"
        )


class SessionRunner:
    """Runs one session for each request, within the limits that all probes share."""

    def __init__(self, limiter: SessionLimiter, costs: CpuCosts[SessionRecord], witnesses: WitnessPorts) -> None:
        self._limiter = limiter
        self._costs = costs
        self._witnesses = witnesses

    async def run(self, request: SessionRequest, budget: TimeBudget) -> SessionRecord:
        """The record of one session. Raises NoPermitError."""
        address, name = request.address, request.name
        permit = self._limiter.acquire_nowait(address, name)
        try:
            if permit is None:
                async with budget.paused():
                    permit = await self._permit(address, name, budget)
            # A session that had the permit before may have been expensive.
            if (pause := self._costs.pause(address)) > 0:
                raise CostPauseError(pause)
            if (left := budget.left) is not None:
                request = request._replace(timeout=min(request.timeout, max(LEAST_SECONDS, left)))
            return await self._session(request, permit)
        finally:
            if permit is not None:
                permit.release()

    async def _permit(self, address: str, name: str, budget: TimeBudget) -> SessionPermit:
        try:
            async with budget.timeout():
                return await self._limiter.acquire(address, name)
        except TimeoutError:
            raise NoPermitError(_NO_PERMIT) from None

    async def _session(self, request: SessionRequest, permit: SessionPermit) -> SessionRecord:
        """A session; where it draws no word or a prohibition, with the outcomes of other ports of the address."""
        check = WitnessCheck(self._witnesses, request) if self._witnesses.ports else None
        session = Session(
            request.plan,
            Endpoint(request.address, request.port, request.source),
            request.timeout,
            SessionOptions(request.transcript, _message(request), self._costs.limit),
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
    if request.canary is None or State.DATA not in request.plan.steps:
        return b""
    return canary_message(request.canary, request.plan, time.time(), own_address(request.address, request.source))
