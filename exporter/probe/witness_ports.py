"""Other ports of an address whose SMTP port does not answer: a connect to each, and no bytes sent."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from exporter.concurrency.shared_results import SharedResults
from exporter.diagnosis.connect_errors import outcome_of
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Witness
from exporter.net.connection import TcpConnection
from exporter.probe.session_request import SessionRequest

# A host that answers does so within a SYN's first repetition; more time shows nothing more.
WITNESS_SECONDS: Final = 3.0


class WitnessPorts:
    """Connects to `ports`, each address at most once an interval."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        self.ports = ports
        self._shared: SharedResults[tuple[Witness, ...]] = SharedResults()

    async def ask(
        self, address: str, port: int, source: str, *, interval: float, seconds: float
    ) -> tuple[Witness, ...]:
        """The outcomes of the ports other than `port` within `seconds` (at most WITNESS_SECONDS), side by side."""
        ports = [other for other in self.ports if other != port]
        if not ports:
            return ()

        async def ask_all() -> tuple[Witness, ...]:
            outcomes = await asyncio.gather(
                *(_connect(address, other, source, min(seconds, WITNESS_SECONDS)) for other in ports)
            )
            return tuple(Witness(other, outcome) for other, outcome in zip(ports, outcomes, strict=True))

        return await self._shared.get((address, port, source), interval, ask_all)


class WitnessCheck:
    """The witness ports of one session, asked once while its own port does not answer, and at its end at the latest."""

    __slots__ = ("_ends", "_ports", "_request", "_task")

    def __init__(self, ports: WitnessPorts, request: SessionRequest) -> None:
        """The session of `request` begins now."""
        self._ports = ports
        self._request = request
        self._ends = time.perf_counter() + request.timeout
        self._task: asyncio.Task[tuple[Witness, ...]] | None = None

    def start(self) -> None:
        """Ask, for as long as the session lasts."""
        self._begin()

    async def result(self) -> tuple[Witness, ...]:
        """The outcomes; asked for now, if they were not before."""
        return await (self._task or self._begin())

    def cancel(self) -> None:
        """End the check, if it is under way."""
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> asyncio.Task[tuple[Witness, ...]]:
        request = self._request
        seconds = min(WITNESS_SECONDS, max(0.0, self._ends - time.perf_counter()))
        work = self._ports.ask(
            request.address, request.port, request.source, interval=request.interval, seconds=seconds
        )
        self._task = asyncio.get_running_loop().create_task(work)
        return self._task


async def _connect(address: str, port: int, source: str, seconds: float) -> ConnectOutcome:
    attempt = _WitnessConnect()
    connection = TcpConnection(attempt.loop, attempt)
    try:
        connection.open(address, port, source)
        await asyncio.wait((attempt.outcome,), timeout=seconds)
        return attempt.outcome.result() if attempt.outcome.done() else outcome_of(connection.timed_out())
    finally:
        connection.close()


class _WitnessConnect:
    """The receiver of one connection: its outcome, without the bytes of the peer."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[ConnectOutcome] = self.loop.create_future()

    def connected(self, now: float) -> None:
        self._settle(ConnectOutcome.ANSWERED)

    def connect_failed(self, evidence: ConnectEvidence) -> None:
        self._settle(outcome_of(evidence))

    def data_received(self, data: bytes, now: float) -> None:
        """Ignore bytes of the peer."""

    def eof_received(self, now: float) -> None:
        """Ignore the end."""

    def internal_error(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def _settle(self, outcome: ConnectOutcome) -> None:
        if not self.outcome.done():
            self.outcome.set_result(outcome)
