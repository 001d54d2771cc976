"""Hosts and their turns without domains: what holds them is a plain value, and the schedule begins what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.concurrency.session_limiter import SessionLimiter
from exporter.concurrency.slots import ProbeSlots
from exporter.model.configuration import Limits
from exporter.model.result import HostResult, Said
from exporter.model.target import Module, Target
from exporter.policies.host_policies import TlsaSearches
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.demands import Demand
from exporter.probe.dialogue import Dialogues
from exporter.probe.express import Unchanged
from exporter.probe.greeting_name import HostResolver
from exporter.probe.host_tools import HostTools
from exporter.probe.host_turns import HostTurns
from exporter.probe.hosts import Hold, Host, HostKey, HostTable
from exporter.probe.name_sharing import NameSharing
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_runner import SessionRunner
from exporter.probe.tls_fallback import TlsFallback
from exporter.probe.version_checks import VersionChecks
from exporter.schedule.scheduled import Scheduled
from exporter.schedule.scheduler import Schedule
from exporter.tls.roots import system_roots
from tests.probe.probing import PLAIN, Names, domain_of, settings_of

NAME: Final = "mx.example"


@dataclass(eq=False)
class Holder:
    """A target, or a lease, that holds hosts."""

    target: Target
    is_lease: bool = False
    told: list[tuple[Host, bool, bool]] = field(default_factory=list)

    def host_changed(self, host: Host, *, first: bool, state: bool) -> None:
        self.told.append((host, first, state))


class BeginsWhatItIsAsked:
    """A schedule whose moments never come: :meth:`soon` alone begins turns."""

    def __init__(self, slots: ProbeSlots) -> None:
        self.slots = slots
        self.added: list[Scheduled] = []
        self.moves = 0
        self.dropped: list[Scheduled] = []
        self.errors: list[Exception] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_callbacks: set[Scheduled] = set()

    def add(self, turn: Scheduled) -> None:
        assert turn not in self.added
        self.added.append(turn)

    def moved(self, turn: Scheduled) -> None:
        assert turn in self.added
        self.moves += 1

    def suspend(self, turn: Scheduled) -> None:
        self.added.remove(turn)

    def drop(self, turn: Scheduled) -> None:
        if turn in self.added:
            self.added.remove(turn)
        self.dropped.append(turn)
        if isinstance(turn.course, asyncio.Task):
            asyncio.get_running_loop().call_soon(turn.course.cancel)
        elif turn.course is not None:
            turn.course.cancel()

    def soon(self, turns: Iterable[Scheduled]) -> None:
        for turn in turns:
            if turn.course is None and turn not in self.dropped:
                turn.was_due = asyncio.get_running_loop().time()
                self._run(turn, self._begun(turn))

    async def stop(self, grace: float) -> None:
        for turn in [*self._by_callbacks]:
            assert turn.course is not None
            turn.course.cancel()
            await asyncio.sleep(0)
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def continued(self, turn: Scheduled, rest: Coroutine[Any, Any, None]) -> None:
        self._by_callbacks.discard(turn)
        self._run(turn, self._held(turn, rest))

    def failed(self, turn: Scheduled, error: Exception) -> None:
        self._fail(turn, error)
        self.ended(turn)

    def ended(self, turn: Scheduled) -> None:
        self._by_callbacks.discard(turn)
        turn.course = None
        self.slots.free()

    def _run(self, turn: Scheduled, course: Coroutine[Any, Any, None]) -> None:
        task = turn.course = asyncio.get_running_loop().create_task(course)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begun(self, turn: Scheduled) -> None:
        """Take a slot, and begin by callbacks where that is enough."""
        try:
            await self.slots.take()
        except asyncio.CancelledError:
            turn.course = None
            raise
        steps = turn.begin(self)
        if steps is None:
            await self._held(turn, turn.run())
        else:
            turn.course = steps
            self._by_callbacks.add(turn)

    async def _held(self, turn: Scheduled, rest: Coroutine[Any, Any, None]) -> None:
        try:
            await rest
        except Exception as error:
            self._fail(turn, error)
        finally:
            self.ended(turn)

    def _fail(self, turn: Scheduled, error: Exception) -> None:
        self.errors.append(error)
        try:
            turn.failed(error)
        except Exception as second:
            self.errors.append(second)


def _unexpected(seconds: float) -> None:
    raise AssertionError("a session tells its start itself")


@dataclass(frozen=True)
class Told:
    """One call of the callback for results."""

    conversation: Conversation
    record: SessionRecord | Unchanged | None
    results: Mapping[Host, HostResult]
    said: Said


class HostWorld:
    """A table of hosts and their turns."""

    def __init__(
        self,
        resolver: HostResolver | None = None,
        *,
        limits: Limits | None = None,
        slots: ProbeSlots | None = None,
        witness_ports: tuple[int, ...] = (),
        tlsa: TlsaSearches | None = None,
        once: bool = True,
        is_scheduled: bool = False,
    ) -> None:
        """`is_scheduled`: by the schedule of the exporter, else each turn is begun when it is asked for."""
        limits = limits or Limits()
        self.slots = slots or ProbeSlots(100)
        self.bugs = self.sessions = 0
        self.schedule = self._new_schedule() if is_scheduled else BeginsWhatItIsAsked(self.slots)
        self.told: list[Told] = []
        self.lags: list[float] = []
        self.gone: list[Host] = []
        self.costs = CpuCosts()
        self.limiter = SessionLimiter(limits.per_address, limits.per_address_interval)
        self.dialogues = Dialogues("probe.example")
        self.table = HostTable(self.schedule, self._begin, self._attached, self.gone.append)
        runner = SessionRunner(self.limiter, self.costs, self.slots, witness_ports)
        self.sharing = NameSharing(self.table, system_roots)
        self.tools = HostTools(
            table=self.table,
            dialogues=self.dialogues,
            sessions=TlsFallback(runner, self.slots),
            sharing=self.sharing,
            costs=self.costs,
            slots=self.slots,
            resolver=resolver or Names(),
            on_results=self._results,
            on_start=self.lags.append,
            on_session=self._session_begun,
            on_internal_error=self._bug,
            tlsa=tlsa,
            versions=VersionChecks(),
            once=once,
        )
        self.turns = HostTurns(self.tools)
        self._holds: list[tuple[Holder, Hold]] = []

    async def __aenter__(self) -> HostWorld:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.tools.versions is not None:
            await self.tools.versions.close()
        await self.turns.close()
        await self.schedule.stop(0.0)

    def hold(self, holder: Holder, mx: str, address: str) -> Hold:
        """Have `holder` hold a host of its target's dialogue, which begins a session if need be."""
        settings = holder.target.settings
        demand = Demand(settings.interval, settings.timeout, holder.is_lease)
        hold = self.table.hold(holder, HostKey(mx, address, self.dialogues.of(holder.target)), demand)
        self._holds.append((holder, hold))
        return hold

    def let_go(self) -> None:
        """End all holds."""
        for holder, hold in self._holds:
            self.table.release(holder, hold)
        self._holds.clear()

    async def first_results(self, *hosts: Host) -> list[HostResult]:
        """The results of these hosts, each as soon as it has one."""
        for host in hosts:
            while host.result is None:
                assert host.conversation is not None
                await host.conversation.ended()
        return [host.result for host in hosts if host.result is not None]

    async def again(self, host: Host) -> HostResult:
        """The result of a further turn."""
        conversation = host.conversation
        assert conversation is not None
        self.schedule.soon((conversation,))
        await conversation.ended()
        assert host.result is not None
        return host.result

    async def probe(self, target: Target, *hosts: tuple[str, str]) -> list[HostResult]:
        """The results of MX names and addresses for a target alone, which lets go of them at the end."""
        holder = Holder(target)
        held = [self.hold(holder, mx, address).host for mx, address in hosts]
        try:
            return await self.first_results(*held)
        finally:
            self.let_go()

    def _new_schedule(self) -> Schedule:
        return Schedule(self.slots, on_start=_unexpected, on_internal_error=self._bug)

    def _session_begun(self) -> None:
        self.sessions += 1

    def _bug(self) -> None:
        self.bugs += 1

    def _begin(self, key: ConversationKey) -> Conversation:
        return Conversation(key, self.turns.run, self.turns.failed, self.turns.begin)

    def _attached(self, host: Host) -> None:
        assert host.conversation is not None
        if not self.turns.derive(host):
            self.schedule.soon((host.conversation,))

    def _results(
        self,
        conversation: Conversation,
        record: SessionRecord | Unchanged | None,
        results: Mapping[Host, HostResult],
        said: Said,
    ) -> None:
        self.told.append(Told(conversation, record, results, said))
        for host, result in results.items():
            host.result = result


async def probe(
    port: int,
    module: Module = PLAIN,
    seconds: float = 5.0,
    *,
    mx: str = NAME,
    address: str = "127.0.0.2",
    resolver: Names | None = None,
) -> HostResult:
    """The result of one host of a domain, in a world of its own."""
    async with HostWorld(resolver) as world:
        (found,) = await world.probe(domain_of("a.example", settings_of(port, seconds, module)), (mx, address))
        return found
