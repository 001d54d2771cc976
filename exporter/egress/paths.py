"""The paths of hosts that do not answer, or refuse: traced on request and joined with the hosts' evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from exporter.diagnosis.connect_errors import outcome_of
from exporter.egress.settings import source_of
from exporter.egress.traces import PathTraces
from exporter.model.configuration import Egress
from exporter.model.evidence import ConnectOutcome
from exporter.model.path_trace import PathTrace
from exporter.model.result import HostResult, ProbeResult
from exporter.model.target import Settings, Target, TargetKey

# Without a witness port, a trace is compared with the port that is open most often.
_USUAL_PORT: Final = 443
# The outcomes whose path is worth a trace: it shows where packets are lost, and if a reset is the host's own.
_TRACED: Final = frozenset({ConnectOutcome.NO_ANSWER, ConnectOutcome.RESET})


class HostPaths:
    """The paths of hosts, as far as they are traced."""

    def __init__(self, settings: Egress, on_found: Callable[[str, PathTrace, frozenset[TargetKey]], None]) -> None:
        """`on_found` gets the address of each new path and the targets that it was requested for."""
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

    def with_paths(self, target: Target, result: ProbeResult, *, request: bool) -> ProbeResult:
        """`result` with the paths that are known; `request`: have the others traced."""
        if not any(map(self._is_wanted, result.hosts)):
            return result
        return replace(result, hosts=tuple(self._with_path(target, host, request=request) for host in result.hosts))

    async def trace_all(self, target: Target, result: ProbeResult) -> None:
        """Trace now the path of every host of a result that wants one."""
        wanted = [host.address for host in result.hosts if self._is_wanted(host)]
        await asyncio.gather(*(self.find(address, target.settings) for address in wanted))

    async def find(self, address: str, settings: Settings) -> PathTrace:
        """The path to an address, traced lately or now."""
        port = settings.port
        return await self._traces.find(address, port, self._against(port), source_of(settings, address))

    async def close(self) -> None:
        """Trace no more."""
        await self._traces.close()

    def _is_wanted(self, host: HostResult) -> bool:
        evidence = host.evidence
        if not self.settings.trace or evidence is None or evidence.connect is None:
            return False
        return outcome_of(evidence.connect) in _TRACED and not evidence.connect.unsent

    def _with_path(self, target: Target, host: HostResult, *, request: bool) -> HostResult:
        if host.evidence is None or not self._is_wanted(host):
            return host
        port = host.evidence.port
        path = self._traces.known(host.address, port)
        if request:
            source = source_of(target.settings, host.address)
            self._traces.request(host.address, port, self._against(port), source, target.key)
        if path == host.evidence.path:
            return host
        return replace(host, evidence=replace(host.evidence, path=path))

    def _against(self, port: int) -> int | None:
        return next((other for other in (*self.settings.witness_ports, _USUAL_PORT) if other != port), None)
