"""The parts that the turns of all targets have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from exporter.concurrency.slots import ProbeSlots
from exporter.model.address import Family
from exporter.model.resolver import ResolverView
from exporter.model.result import HostResult, MxHost, MxLookup
from exporter.policies.domain_policies import DomainPolicies
from exporter.probe.dialogue import Dialogues
from exporter.probe.hosts import Host, HostTable

if TYPE_CHECKING:
    from exporter.probe.domain_turn import DomainTurn


class TurnResolver(Protocol):
    """The questions of a turn to the DNS; failures are values of the answers, nothing is raised."""

    def known_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup | None:
        """The mail hosts of a domain as they are remembered, the same object each time."""

    def known_host(self, name: str, families: tuple[Family, ...]) -> MxHost | None:
        """The addresses of a host as they are remembered, the same object each time."""

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        """The mail hosts of a domain."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host; an address is its own."""

    def for_unconfigured_target(self) -> AbstractContextManager[None]:
        """A context for lookups of a target that is not configured."""


@dataclass(slots=True)
class TurnTools:
    """The parts that all turns have in common. A reload may set another resolver, and other policies."""

    resolver: TurnResolver
    table: HostTable
    dialogues: Dialogues
    slots: ProbeSlots
    policies: DomainPolicies | None  # None: none are looked up, whatever a module names
    resolver_view: Callable[[], ResolverView]
    on_turn: Callable[[DomainTurn, bool], None]  # a turn has ended: join it; True: the resolver was asked
    on_dirty: Callable[[DomainTurn], None]  # a host has another state: join it soon
    on_settled: Callable[[Host, HostResult], None]  # a host has a result without a session
    once: bool = False  # the leases are those of the command line, whose names nobody else has chosen
    # The loop's clock. To ask for the running loop is a system call in Python 3.11.
    clock: Callable[[], float] = field(default_factory=lambda: asyncio.get_running_loop().time)
