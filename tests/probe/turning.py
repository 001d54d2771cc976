"""Turns of targets over a DNS of maps and a real table of hosts, whose results the test gives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from exporter.concurrency.slots import ProbeSlots
from exporter.model.address import Family
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverView
from exporter.model.result import HostOutcome, HostResult, HostTimings, MxHost, MxLookup
from exporter.model.target import Settings, Target, TargetKind
from exporter.policies.domain_policies import DomainPolicies
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.dialogue import Dialogues
from exporter.probe.domain_turn import DomainTurn
from exporter.probe.hosts import Host, HostTable
from exporter.probe.turn_tools import TurnTools
from exporter.schedule.scheduled import Scheduled

C = FailureClass
NETWORKS: Final = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
REFUSED: Final = Failure(Stage.CONNECT, C.CONNECT_REFUSED, "refused")


@dataclass
class Dns:
    """The lookups by name. A name in `forgotten` is asked about every time, and answered after a moment."""

    domains: dict[str, MxLookup] = field(default_factory=dict)
    hosts: dict[str, MxHost] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    asked: list[tuple[str, bool]] = field(default_factory=list)  # with True for a target that is not configured
    gate: asyncio.Event | None = None
    _unconfigured: bool = False

    def known_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup | None:
        return None if domain in self.forgotten else self.domains[domain]

    def known_host(self, name: str, families: tuple[Family, ...]) -> MxHost | None:
        return None if name in self.forgotten else self.hosts[name]

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        await self._answer(domain)
        return self.domains[domain]

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        await self._answer(name)
        return self.hosts[name]

    async def _answer(self, name: str) -> None:
        self.asked.append((name, self._unconfigured))
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0.01)

    @contextmanager
    def for_unconfigured_target(self) -> Iterator[None]:
        self._unconfigured = True
        try:
            yield
        finally:
            self._unconfigured = False

    def lookup(self, *hosts: tuple[str, tuple[str, ...]], domain: str = "a.example") -> MxLookup:
        """Have `domain` be on these hosts, all of one preference."""
        found = tuple(MxHost(name, 10, addresses) for name, addresses in hosts)
        self.domains[domain] = MxLookup(domain, found, mx_records=len(found), duration=0.001)
        return self.domains[domain]


class NoSchedule:
    """Conversations come and go, and none is begun."""

    def __init__(self) -> None:
        self.scheduled: list[Scheduled] = []

    def add(self, turn: Scheduled) -> None:
        self.scheduled.append(turn)

    def moved(self, turn: Scheduled) -> None:
        assert turn in self.scheduled

    def suspend(self, turn: Scheduled) -> None:
        self.scheduled.remove(turn)

    def drop(self, turn: Scheduled) -> None:
        if turn in self.scheduled:
            self.scheduled.remove(turn)


class Turns:
    """The engine around turns: it joins, and keeps what they tell."""

    def __init__(self, policies: DomainPolicies | None = None) -> None:
        self.dns = Dns()
        self.schedule = NoSchedule()
        self.view: ResolverView = RESOLVER_UNKNOWN
        self.attached: list[Host] = []
        self.gone: list[Host] = []
        self.events: list[str] = []  # hosts that came and went, in their order
        self.told: list[DomainTurn] = []
        self.dirty: list[DomainTurn] = []
        self.settled: list[tuple[Host, HostResult]] = []
        self.slots = ProbeSlots(10)
        self.dialogues = Dialogues("probe.example")
        self.table = HostTable(self.schedule, self._begin, self._attached, self._gone)
        self.tools = TurnTools(
            resolver=self.dns,
            table=self.table,
            dialogues=self.dialogues,
            slots=self.slots,
            policies=policies,
            resolver_view=lambda: self.view,
            on_turn=self._turned,
            on_dirty=self.dirty.append,
            on_settled=self._settle,
        )

    def turn(self, target: Target, *, is_lease: bool = False, seconds: float | None = None) -> DomainTurn:
        return DomainTurn(target, self.tools, is_lease=is_lease, timeout=seconds)

    def host(self, mx: str, address: str) -> Host:
        (found,) = [host for key, host in self.table.hosts.items() if (key.mx, key.address) == (mx, address)]
        return found

    def see(self, mx: str, address: str, failure: Failure | None = None, *, at: float = 900.0) -> None:
        """A session with a host ends."""
        host = self.host(mx, address)
        first = host.result is None
        host.result = HostResult(host.identity, HostOutcome(failure, failure), timings=HostTimings(at=at, took=0.5))
        for sharer in (*host.sharers,):
            sharer.host_changed(host, first=first, state=not first)

    def join_dirty(self) -> None:
        """Join what waits for it, as the engine does a moment later."""
        turns, self.dirty[:] = [*self.dirty], []
        for turn in turns:
            turn.dirty = False
            self._join(turn)

    def named(self) -> list[tuple[str, str]]:
        """The hosts in the table."""
        return sorted((key.mx, key.address) for key in self.table.hosts)

    def _turned(self, turn: DomainTurn, asked: bool) -> None:
        self.told.append(turn)
        self._join(turn)

    def _join(self, turn: DomainTurn) -> None:
        result = turn.join(self.view)
        if result is not None:
            turn.result = result

    def _settle(self, host: Host, result: HostResult) -> None:
        self.settled.append((host, result))
        if host.conversation is None:
            host.result = result

    def _begin(self, key: ConversationKey) -> Conversation:
        async def nothing(conversation: Conversation) -> None:
            pass

        return Conversation(key, nothing)

    def _attached(self, host: Host) -> None:
        self.attached.append(host)
        self.events.append(f"+{host.key.address}")

    def _gone(self, host: Host) -> None:
        self.gone.append(host)
        self.events.append(f"-{host.key.address}")


def domain(name: str = "a.example", settings: Settings | None = None) -> Target:
    """A domain whose hosts may have addresses for documentation."""
    return Target(TargetKind.DOMAIN, name, name, settings or Settings(allow_addresses=NETWORKS))
