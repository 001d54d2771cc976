"""The parts of the engine that its settings decide on, the tools made of them, and the changes that a reload brings."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from exporter.app.engine_owner import Audience, EngineOwner
from exporter.concurrency.session_limiter import SessionLimiter
from exporter.concurrency.slots import ProbeSlots
from exporter.egress.settings import WatchSettings
from exporter.model.configuration import Limits, ResolverSettings
from exporter.model.resolver import ResolverView
from exporter.model.result import HostResult
from exporter.model.target import Module, Settings
from exporter.policies.domain_judgement import FoundPolicies
from exporter.policies.domain_policies import DomainKey, DomainPolicies
from exporter.policies.host_policies import TlsaSearches, searches_of_tlsa
from exporter.policies.mtasts.cache import PolicyCache
from exporter.policies.search import PATIENCE_SECONDS, Searches
from exporter.policies.zone.lookup import KeptZones, ZoneLookup
from exporter.probe.conversation import Conversation
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.dialogue import Dialogues
from exporter.probe.domain_turn import DomainTurn
from exporter.probe.host_tools import Canaries, HostTools, OnResults
from exporter.probe.hosts import Host, HostTable
from exporter.probe.name_sharing import NameSharing
from exporter.probe.session_runner import SessionRunner
from exporter.probe.tls_fallback import TlsFallback
from exporter.probe.turn_tools import TurnTools
from exporter.probe.version_checks import VersionChecks
from exporter.resolver.client import Resolver
from exporter.tls.roots import system_roots

# After a reload has changed the resolver, probes under way still ask the old one for at most about this long.
_RETIRE_SECONDS: Final = 120.0
_USUAL: Final = Settings()


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The settings of the engine, from the configuration and the flags."""

    resolver: ResolverSettings
    limits: Limits
    watch: WatchSettings
    helo: str  # said where a target has no name of its own; empty: the address
    modules: Mapping[str, Module] | None = None  # those of the configuration; None: whichever a target has
    usual: Settings = _USUAL  # those of a target without settings of its own
    # Every target is probed once: no next result reports a policy that comes late, and sessions stay shared to the end.
    once: bool = False
    audience: Audience | None = None


class EngineParts:
    """The parts, each with a memory or a limit that outlives a reload where it can. One event loop's."""

    def __init__(self, settings: EngineSettings) -> None:
        self.slots: Final = ProbeSlots(settings.limits.concurrency)
        self.resolver = Resolver(settings.resolver)
        self._settings = settings
        self._costs = CpuCosts()
        self._dialogues = Dialogues(settings.helo)
        self._limiter = SessionLimiter(settings.limits.per_address, settings.limits.per_address_interval)
        self._policy_cache = PolicyCache()
        self._zones = KeptZones()
        self._versions = VersionChecks()
        self._tlsa_searches = searches_of_tlsa()
        self._domain_searches: Searches[DomainKey, FoundPolicies] = Searches()
        self._retired: dict[Resolver, asyncio.TimerHandle] = {}
        self._patience = math.inf if settings.once else PATIENCE_SECONDS
        self._hosts: HostTools | None = None
        self._turns: TurnTools | None = None
        self._follow_modules()

    def host_tools(
        self,
        table: HostTable,
        owner: EngineOwner,
        on_results: OnResults,
        lookups_of: Callable[[Conversation], AbstractContextManager[None]],
        canaries: Canaries | None = None,
    ) -> HostTools:
        """The tools of the turns of conversations, which follow the settings from now on."""
        self._hosts = HostTools(
            table,
            self._dialogues,
            self._sessions(),
            NameSharing(table, system_roots),
            self._costs,
            self.slots,
            self.resolver,
            on_results=on_results,
            on_start=owner.turn_started,
            on_session=owner.session_begun,
            on_internal_error=owner.internal_error,
            tlsa=self._tlsa(),
            versions=self._versions,
            watcher_of=None if self._settings.audience is None else self._settings.audience.session_begins,
            lookups_of=lookups_of,
            canaries=canaries,
            once=self._settings.once,
        )
        return self._hosts

    def turn_tools(
        self,
        table: HostTable,
        resolver_view: Callable[[], ResolverView],
        *,
        on_turn: Callable[[DomainTurn, bool], None],
        on_dirty: Callable[[DomainTurn], None],
        on_settled: Callable[[Host, HostResult], None],
    ) -> TurnTools:
        """The tools of the turns of targets, which follow the settings from now on."""
        self._turns = TurnTools(
            self.resolver,
            table,
            self._dialogues,
            self.slots,
            self._policies(),
            resolver_view=resolver_view,
            on_turn=on_turn,
            on_dirty=on_dirty,
            on_settled=on_settled,
            once=self._settings.once,
        )
        return self._turns

    def configure(self, settings: EngineSettings) -> None:
        """Follow other settings from now on."""
        before, self._settings = self._settings, settings
        if settings.resolver != before.resolver:
            self._retire(self.resolver)
            self.resolver = Resolver(settings.resolver)
        limits = settings.limits
        self._limiter.configure(limits.per_address, limits.per_address_interval)
        self.slots.resize(limits.concurrency)
        self._follow_modules()
        if self._turns is not None:
            self._turns.resolver, self._turns.policies = self.resolver, self._policies()
        if self._hosts is not None:
            self._hosts.resolver, self._hosts.tlsa = self.resolver, self._tlsa()
            self._hosts.sessions = self._sessions()

    def _sessions(self) -> TlsFallback:
        """The way to a session: within the limits, with the witness ports of the settings."""
        witness_ports = self._settings.watch.egress.witness_ports
        return TlsFallback(SessionRunner(self._limiter, self._costs, self.slots, witness_ports), self.slots)

    def _tlsa(self) -> TlsaSearches:
        return TlsaSearches(self.resolver, patience=self._patience, searches=self._tlsa_searches)

    def _policies(self) -> DomainPolicies:
        return DomainPolicies(
            self.resolver,
            self._policy_cache,
            patience=self._patience,
            searches=self._domain_searches,
            zones=ZoneLookup(self.resolver, self._zones),
        )

    async def close(self) -> None:
        """Cancel all searches, and close the resolvers."""
        await self._versions.close()
        await self._tlsa_searches.close()
        await self._domain_searches.close()
        await self._policy_cache.close()
        for resolver in (self.resolver, *self._retired):
            resolver.close()
        for timer in self._retired.values():
            timer.cancel()

    def _follow_modules(self) -> None:
        if self._settings.modules is not None:
            self._dialogues.adopt(self._settings.modules, self._settings.usual)

    def _retire(self, resolver: Resolver) -> None:
        self._retired[resolver] = asyncio.get_running_loop().call_later(_RETIRE_SECONDS, self._close_retired, resolver)

    def _close_retired(self, resolver: Resolver) -> None:
        del self._retired[resolver]
        resolver.close()
