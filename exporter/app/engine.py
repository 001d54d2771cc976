"""The engine: resolver, prober and egress watch, joined. The server and the one-shot commands have the same.

It probes a target and judges the result by the state of the egress and the resolver. The owner decides the time of each
probe and the use of its result.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Final

from exporter.concurrency.slots import ProbeSlots
from exporter.egress.listener import EgressListener
from exporter.egress.settings import WatchSettings
from exporter.egress.watch import EgressWatch
from exporter.model.configuration import Limits, ResolverSettings
from exporter.model.egress import EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKey
from exporter.policies.lookup import PATIENCE_SECONDS, Policies, Searches
from exporter.policies.mtasts.cache import PolicyCache
from exporter.probe.probe_options import SCHEDULED, ProbeOptions
from exporter.probe.prober import Prober
from exporter.resolver.client import Resolver

# After a reload has changed the resolver, probes under way still ask the old one for at most about this long.
_RETIRE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The settings of the engine, from the configuration and the flags."""

    resolver: ResolverSettings
    limits: Limits
    watch: WatchSettings
    helo: str  # said where a target has no name of its own; empty: the address
    # Every target is probed once: no next result reports a policy that comes late, and sessions stay shared to the end.
    once: bool = False


class Engine:
    """Probes and judges, and keeps the state that all probes share. Create it in the event loop it lives in."""

    def __init__(self, settings: EngineSettings, slots: ProbeSlots, listener: EgressListener) -> None:
        """`slots`: the probes that may be under way; `listener`: the owner of the results."""
        self._settings = settings
        self._slots = slots
        self._listener = listener
        self._policy_cache = PolicyCache()
        self._policy_searches = Searches()
        self._retired: dict[Resolver, asyncio.TimerHandle] = {}
        self.resolver = Resolver(settings.resolver)
        self.watch: Final = EgressWatch(settings.watch, self)
        self._prober = self._new_prober()

    def configure(self, settings: EngineSettings) -> None:
        """Follow other settings from now on; the memory of names, hosts and the egress stays where it can."""
        before, self._settings = self._settings, settings
        if settings.resolver != before.resolver:
            self._retire(self.resolver)
            self.resolver = Resolver(settings.resolver)
        if (settings.resolver, settings.limits, settings.watch.egress) != (
            before.resolver,
            before.limits,
            before.watch.egress,
        ):
            self._prober = self._new_prober()
            self._slots.limit = settings.limits.concurrency
        self.watch.configure(settings.watch)

    async def probe(self, target: Target, options: ProbeOptions = SCHEDULED) -> ProbeResult:
        """The result of one probe, for :meth:`judge`. The caller holds a slot."""
        return await self._prober.probe(target, options)

    def judge(self, target: Target, result: ProbeResult) -> ProbeResult:
        """A new result, recorded and judged by the state of the egress and the resolver."""
        return self.watch.take_in(target, result)

    def tick(self) -> None:
        """Once a second, or before a result is judged: forget old evidence, see which nameservers answer."""
        self.watch.tick(self.resolver.answered())

    async def close(self) -> None:
        """Cancel all tasks under way."""
        await self.watch.close()
        await self._policy_searches.close()
        await self._policy_cache.close()
        for resolver in (self.resolver, *self._retired):
            resolver.close()
        for timer in self._retired.values():
            timer.cancel()

    def egress_changed(self, states: EgressByFamily) -> None:
        """See :class:`EgressListener`."""
        self._share_afresh(routes_changed=True)
        self._listener.egress_changed(states)

    def resolver_changed(self, view: ResolverView) -> None:
        """See :class:`EgressListener`."""
        if view.before is not None and not view.fails and not self._settings.once:
            self.resolver.forget_failures()
        self._share_afresh(routes_changed=True)
        self._listener.resolver_changed(view)

    def evidence_found(self, keys: frozenset[TargetKey]) -> None:
        """See :class:`EgressListener`."""
        self._listener.evidence_found(keys)

    def references_wanted(self) -> None:
        """See :class:`EgressListener`."""
        self._share_afresh()
        self._listener.references_wanted()

    def result_outdated(self, key: TargetKey) -> None:
        """See :class:`EgressListener`."""
        self._listener.result_outdated(key)

    def _share_afresh(self, *, routes_changed: bool = False) -> None:
        if not self._settings.once:
            self._prober.share_afresh(routes_changed=routes_changed)

    def _new_prober(self) -> Prober:
        settings = self._settings
        patience = math.inf if settings.once else PATIENCE_SECONDS
        policies = Policies(self.resolver, self._policy_cache, patience=patience, searches=self._policy_searches)
        witness_ports = settings.watch.egress.witness_ports
        return Prober(self.resolver, settings.limits, settings.helo, self._slots, witness_ports, policies)

    def _retire(self, resolver: Resolver) -> None:
        self._retired[resolver] = asyncio.get_running_loop().call_later(_RETIRE_SECONDS, self._close_retired, resolver)

    def _close_retired(self, resolver: Resolver) -> None:
        del self._retired[resolver]
        resolver.close()
