"""Other ports of an address whose SMTP port does not answer: a connect to each, and no bytes sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from exporter.diagnosis.connect_errors import outcome_of
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Witness
from exporter.net.connection import TcpConnection
from exporter.probe.session_request import Endpoint

# A host that answers does so within a SYN's first repetition; more time shows nothing more.
WITNESS_SECONDS: Final = 3.0


class WitnessCheck:
    """The witness ports of one session, asked once while its own port does not answer, and at its end at the latest."""

    __slots__ = ("_endpoint", "_ends", "_ports", "_task")

    def __init__(self, ports: Sequence[int], endpoint: Endpoint, timeout: float) -> None:
        """The session with `endpoint` begins now; the checks end with its `timeout`. Its own port is no witness."""
        self._ports = [port for port in ports if port != endpoint.port]
        self._endpoint = endpoint
        self._ends = time.perf_counter() + timeout
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
        self._task = asyncio.get_running_loop().create_task(self._ask())
        return self._task

    async def _ask(self) -> tuple[Witness, ...]:
        """The outcomes of the ports, side by side."""
        address, _, source = self._endpoint
        seconds = min(WITNESS_SECONDS, max(0.0, self._ends - time.perf_counter()))
        outcomes = await asyncio.gather(*(_connect(address, port, source, seconds) for port in self._ports))
        return tuple(Witness(port, outcome) for port, outcome in zip(self._ports, outcomes, strict=True))


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
