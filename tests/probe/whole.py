"""Whole probes of targets: the turn of a target, and the sessions with its hosts that it begins."""

from __future__ import annotations

import asyncio

from exporter.model.configuration import Limits
from exporter.model.resolver import RESOLVER_UNKNOWN
from exporter.model.result import DomainResult, HostResult
from exporter.model.target import Target
from exporter.policies.domain_policies import DomainPolicies
from exporter.policies.host_policies import TlsaSearches
from exporter.probe.domain_turn import DomainTurn
from exporter.probe.hosts import Host
from exporter.probe.turn_tools import TurnResolver, TurnTools
from tests.probe.hosting import HostWorld


class WholeProbes:
    """Each probe holds its hosts for as long as it takes."""

    def __init__(
        self,
        resolver: TurnResolver,
        *,
        policies: DomainPolicies | None = None,
        tlsa: TlsaSearches | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._world = HostWorld(resolver, limits=limits, tlsa=tlsa)
        self.tools = TurnTools(
            resolver=resolver,
            table=self._world.table,
            dialogues=self._world.dialogues,
            slots=self._world.slots,
            policies=policies,
            resolver_view=lambda: RESOLVER_UNKNOWN,
            on_turn=lambda turn, asked: None,
            on_dirty=lambda turn: None,
            on_settled=_settle,
        )

    async def __aenter__(self) -> WholeProbes:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._world.__aexit__()

    async def probe(self, target: Target) -> DomainResult:
        """The result of a target, when all its hosts have been seen."""
        turn = DomainTurn(target, self.tools, is_lease=True)
        await self._world.slots.take()
        try:
            if not turn.run_now():
                await turn.run()
        finally:
            self._world.slots.free()
        try:
            await asyncio.gather(*(self._world.first_results(host) for host in turn.unseen()))
            result = turn.join(RESOLVER_UNKNOWN)
            assert result is not None
            return result
        finally:
            turn.release()


def _settle(host: Host, result: HostResult) -> None:
    if host.conversation is None:
        host.result = result
