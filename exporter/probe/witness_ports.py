"""Other ports of an address whose SMTP port does not answer: do they answer? A connect each, and no word said."""

from __future__ import annotations

import asyncio
from typing import Final

from exporter.concurrency.shared_results import SharedResults
from exporter.diagnosis.connect_errors import outcome_of
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Witness
from exporter.net.connection import TcpConnection

# A host that answers does so within a SYN's first repetition; more says nothing more.
WITNESS_SECONDS: Final = 3.0


class WitnessPorts:
    """Asks `ports`, each address at most once an interval."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        self.ports = ports
        self._shared: SharedResults[tuple[Witness, ...]] = SharedResults()

    async def ask(
        self, address: str, port: int, source: str, *, interval: float, seconds: float
    ) -> tuple[Witness, ...]:
        """What the ports other than `port` did within `seconds` (at most WITNESS_SECONDS), side by side."""
        ports = [other for other in self.ports if other != port]
        if not ports:
            return ()

        async def ask_all() -> tuple[Witness, ...]:
            ways = await asyncio.gather(
                *(_connect(address, other, source, min(seconds, WITNESS_SECONDS)) for other in ports)
            )
            return tuple(Witness(other, way) for other, way in zip(ports, ways, strict=True))

        return await self._shared.get((address, port, source), interval, ask_all)


async def _connect(address: str, port: int, source: str, seconds: float) -> ConnectOutcome:
    attempt = _WitnessConnect()
    connection = TcpConnection(attempt.loop, attempt)
    try:
        connection.open(address, port, source)
        await asyncio.wait((attempt.way,), timeout=seconds)
        return attempt.way.result() if attempt.way.done() else outcome_of(connection.timed_out())
    finally:
        connection.close()


class _WitnessConnect:
    """Told by its connection what became of it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.way: asyncio.Future[ConnectOutcome] = self.loop.create_future()

    def connected(self, now: float) -> None:
        self._settle(ConnectOutcome.ANSWERED)

    def connect_failed(self, evidence: ConnectEvidence) -> None:
        self._settle(outcome_of(evidence))

    def data_received(self, data: bytes, now: float) -> None:
        """It is not listened to."""

    def eof_received(self, now: float) -> None:
        """Nor is its silence."""

    def internal_error(self, error: Exception) -> None:
        if not self.way.done():
            self.way.set_exception(error)

    def _settle(self, way: ConnectOutcome) -> None:
        if not self.way.done():
            self.way.set_result(way)
