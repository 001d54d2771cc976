"""The paths of hosts that do not answer, or refuse: traced on request and joined with the hosts' evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from exporter.diagnosis.connect_errors import outcome_of
from exporter.egress.traces import PathTraces
from exporter.model.configuration import Egress
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.path_trace import PathTrace
from exporter.model.result import HostIdentity, HostResult

# Without a witness port, a trace is compared with the port that is open most often.
_USUAL_PORT: Final = 443
# The outcomes whose path is worth a trace: it shows where packets are lost, and if a reset is the host's own.
_TRACED: Final = frozenset({ConnectOutcome.NO_ANSWER, ConnectOutcome.RESET})


class HostPaths:
    """The paths of hosts, as far as they are traced."""

    def __init__(self, settings: Egress, on_found: Callable[[str, PathTrace, frozenset[HostIdentity]], None]) -> None:
        """`on_found` gets the address of each new path and the hosts that it was requested for."""
        self.settings = settings
        self._traces = PathTraces(on_found)

    def known(self, address: str, port: int) -> PathTrace | None:
        """The path as it was found last."""
        return self._traces.known(address, port)

    def forget(self, address: str, port: int) -> None:
        """Forget the path of an address that answers now."""
        self._traces.forget(address, port)

    def forget_all(self) -> None:
        """Forget every path: the egress, which all have in common, has changed."""
        self._traces.forget_all()

    def with_path(self, host: HostResult, source: str, *, request: bool) -> HostResult:
        """`host` with its path, if that is known; `request`: have it traced from the address `source` if need be."""
        evidence = host.evidence
        if evidence is None or not self._is_wanted(evidence):
            return host
        path = self._traces.known(host.address, evidence.port)
        if request:
            self._traces.request(host.address, evidence.port, self._against(evidence.port), source, host.identity)
        return host if path == evidence.path else replace(host, evidence=replace(evidence, path=path))

    def wanted(self, hosts: Iterable[HostResult]) -> list[tuple[str, int]]:
        """The addresses and ports of these to which the path is worth a trace."""
        return [(each.address, each.identity.port) for each in hosts if self._is_wanted(each.evidence)]

    async def trace_all(self, hosts: Iterable[HostResult], source: Callable[[str], str]) -> None:
        """Trace now the path of each of these that wants one. `source`: the address to connect from to an address."""
        await asyncio.gather(*(self.find(address, port, source(address)) for address, port in self.wanted(hosts)))

    async def find(self, address: str, port: int, source: str) -> PathTrace:
        """The path to an address, traced lately or now."""
        return await self._traces.find(address, port, self._against(port), source)

    async def close(self) -> None:
        """Trace no more."""
        await self._traces.close()

    def _is_wanted(self, evidence: Evidence | None) -> bool:
        if not self.settings.trace or evidence is None or evidence.connect is None:
            return False
        return outcome_of(evidence.connect) in _TRACED and not evidence.connect.unsent

    def _against(self, port: int) -> int | None:
        return next((other for other in (*self.settings.witness_ports, _USUAL_PORT) if other != port), None)
