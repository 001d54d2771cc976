"""The turns of a target: its lookup, the hosts that it holds, its policies, and the join of all these.

A turn whose lookup is remembered, and that waits for no policy, is done at once. The hosts have sessions on a schedule
of their own; a turn asks for none, it takes their results as they are. A target is first told when every address of its
lookup has been seen; addresses that a later lookup brings are counted at once, and judged when they have been seen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import ClassVar, Final

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostResult, MxHost, MxLookup, to_microsecond
from exporter.model.target import Target, TargetKind
from exporter.policies.domain_judgement import FoundPolicies
from exporter.policies.domain_policies import wanted
from exporter.probe.conversation import FRESH_SHARE
from exporter.probe.host_holder import NEVER, HostHolder
from exporter.probe.hosts import Host
from exporter.probe.join import Found, Seen, SeenHosts, addresses_found, join, providers_of, seen_hosts
from exporter.probe.lookup_doubt import is_doubtful, is_doubtful_host
from exporter.probe.turn_tools import TurnTools

# Read at every turn: looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_DOMAIN: Final = TargetKind.DOMAIN


class DomainTurn(HostHolder):
    """The turns of one target, also of one that is named by its host. Other rooms read the public fields."""

    _tools: TurnTools
    is_patient: ClassVar[bool] = True

    __slots__ = (
        "_at",
        "_bug",
        "_found",
        "_known",
        "_policies",
        "_providers",
        "_took",
        "_turned",
        "_turned_at",
        "dirty",
        "is_untold",
        "result",
    )

    def __init__(
        self, target: Target, tools: TurnTools, *, is_lease: bool = False, timeout: float | None = None
    ) -> None:
        """`timeout`: seconds for each session, where a client has less time than the settings give."""
        super().__init__(target, tools, is_lease=is_lease, timeout=timeout)
        self.result: DomainResult | None = None  # the last that was told; set by the owner
        self.dirty = False  # it waits to be joined
        self.is_untold = False  # a turn has ended, and is told when all hosts have been seen; the owner tells it
        self._known: MxLookup | MxHost | None = None  # the answer of the last turn
        self._found: Found = ()
        self._providers: tuple[str, ...] = ()
        self._policies: FoundPolicies | None = None
        self._at = 0.0
        self._took = 0.0
        self._bug: Failure | None = None
        self._turned_at = NEVER
        self._turned: asyncio.Future[None] | None = None

    @property
    def interval(self) -> float:
        """See :class:`Scheduled`."""
        return self.target.settings.interval

    @property
    def has_looked_up(self) -> bool:
        """A lookup has had an answer, be it that there is nothing."""
        return self._known is not None

    @property
    def lookup(self) -> MxLookup | None:
        """The lookup of the last turn; None for a target that is named by its host."""
        known = self._known
        return known if isinstance(known, MxLookup) else None

    @property
    def named(self) -> tuple[MxHost, ...]:
        """The host of the last turn, of a target that is named by it."""
        known = self._known
        return () if known is None or isinstance(known, MxLookup) else (known,)

    @property
    def phase_key(self) -> str:
        """See :class:`Scheduled`."""
        return self.target.name

    def is_recent(self, now: float) -> bool:
        """The last turn has ended within the interval, by the loop's clock, and the dialogue is the same since."""
        return self._holds_as_before() and now - self._turned_at < self.target.settings.interval * FRESH_SHARE

    def turned(self) -> asyncio.Future[None]:
        """The end of the turn that is under way, or of the next one. Shared: wait shielded."""
        if self._turned is None:
            self._turned = asyncio.get_running_loop().create_future()
        return self._turned

    def host_changed(self, host: Host, *, first: bool, state: bool) -> None:
        """See :class:`exporter.probe.hosts.Sharer`."""
        if self.dirty or self._known is None or (self.result is None and self.unseen()):
            return
        self.dirty = True
        self._tools.on_dirty(self)

    def run_now(self) -> bool:
        """See :class:`Scheduled`: the turn, if the lookup is remembered and no policy is looked up."""
        target, resolver = self.target, self._tools.resolver
        settings = target.settings
        if settings.module.policies and self._tools.policies is not None and wanted(target):
            return False
        known: MxLookup | MxHost | None
        if target.kind is _DOMAIN:
            known = resolver.known_mx(target.host, settings.families)
        else:
            known = resolver.known_host(target.host, settings.families)
        if known is None:
            return False
        self._at, self._took = time.time(), 0.0
        self._policies = None
        self._take_in(known)
        self._turned_at = self._tools.clock()
        self._tell(asked=False)
        return True

    async def run(self) -> None:
        """See :class:`Scheduled`."""
        tools, target = self._tools, self.target
        at, began = time.time(), time.perf_counter()
        is_foreign = self.is_lease and not tools.once
        with tools.resolver.for_unconfigured_target() if is_foreign else nullcontext():
            search = None if tools.policies is None else tools.policies.begin(target)
            looked_up = await self._look_up(target)
        if self.is_released:
            return
        self._at, self._took = at, to_microsecond(time.perf_counter() - began)
        self._take_in(looked_up)
        if search is None:
            self._policies = None
        else:
            await search.wait(tools.slots.given_back)
            self._policies = search.found
        if not self.is_released:
            self._turned_at = self._tools.clock()
            self._tell(asked=True)

    def release(self) -> None:
        """See :class:`HostHolder`."""
        super().release()
        self._wake()

    def failed(self, error: Exception) -> None:
        """See :class:`Scheduled`: until its next turn the target has failed by a bug of the exporter."""
        self._at, self._took = time.time(), 0.0
        self._bug = Failure(Stage.CONNECT, FailureClass.INTERNAL, f"a bug of the exporter: {type(error).__name__}")
        self._tell(asked=False)

    def join(
        self, resolver: ResolverView, result_of: Callable[[Host], HostResult | None] | None = None
    ) -> DomainResult | None:
        """The result as of now; None: hosts have to be seen first, and the last result stays.

        `result_of`: the results to be joined in place of the hosts' own, for an answer that somebody waits for.
        """
        if self._bug is not None:
            return DomainResult(self._at, 0.0, None, (), (), self._bug)
        known = self._known
        if known is None:
            return None
        hosts = self._seen_hosts(result_of)
        if hosts is None:
            return None
        lookup, named = (known, ()) if isinstance(known, MxLookup) else (None, (known,))
        found = Seen(self._at, self._took, lookup, named, self._found, self._providers, self._policies)
        return join(self.target, found, hosts, resolver)

    def _seen_hosts(self, result_of: Callable[[Host], HostResult | None] | None) -> SeenHosts | None:
        """The results of the hosts of the lookup; None: others have to be seen first."""
        if self._group is not None and result_of is None and (group := self._group.seen()) is not None:
            return group
        results: list[HostResult] = []
        seen = unseen = 0
        for host, demand in self.holds[: self._told]:
            result = host.result if result_of is None else result_of(host)
            if demand is None:
                result = self._settled.get(host, result)
            elif result is not None and (result_of is not None or result.timings.at > 0.0):  # of a session
                seen += 1
            else:
                result = None
                unseen += 1
            if result is not None:
                results.append(result)
        if unseen and result_of is None and (self.result is None or not seen):
            return None
        return seen_hosts(tuple(results))

    async def _look_up(self, target: Target) -> MxLookup | MxHost:
        resolver, families = self._tools.resolver, target.settings.families
        if target.kind is _DOMAIN:
            return await resolver.lookup_mx(target.host, families)
        return await resolver.lookup_host(target.host, families)

    def _take_in(self, looked_up: MxLookup | MxHost) -> None:
        """Hold the hosts of the lookup."""
        self._bug = None
        if looked_up is self._known and self._holds_as_before():
            if len(self.holds) > self._told:
                self._end_doubt()
            return
        before, hosts = _hosts_of(self._known), _hosts_of(looked_up)
        self._providers = providers_of(hosts) if isinstance(looked_up, MxLookup) else ()
        self._found = addresses_found(hosts, self.target.settings.families)
        if not (self._holds_as_before() and self._holds_exactly(before, hosts)):
            self._hold(hosts, self._doubt(looked_up))
        self._known = looked_up

    def _doubt(self, looked_up: MxLookup | MxHost) -> Callable[[Host], bool]:
        """The test for hosts of before that the lookup does not deny: it failed, or the lookup of their name did."""
        view = self._tools.resolver_view()
        if isinstance(looked_up, MxLookup) and is_doubtful(looked_up, self._at, view):
            return lambda host: True
        names = {host.name for host in _hosts_of(looked_up) if is_doubtful_host(host, self._at, view)}
        return lambda host: host.key.mx in names

    def _tell(self, *, asked: bool) -> None:
        self.is_untold = True
        try:
            self._tools.on_turn(self, asked)
            if self._settled:
                self._tell_settled()
        finally:
            if self._turned is not None:
                self._wake()

    def _tell_settled(self) -> None:
        """Give the hosts that need no session their results, as they were joined: a name by the resolver's state."""
        told = {} if self.result is None else {(host.mx, host.address): host for host in self.result.hosts}
        for host, own in self._settled.items():
            if host.result is not None and self._leaves_to_others(host):
                continue
            self._tools.on_settled(host, told.get((host.key.mx, host.key.address), own))

    def _leaves_to_others(self, host: Host) -> bool:
        """Another target tells the failure of a host: of one name, domains, hosts and clients have words of their own.

        Those of domains go first, and a client changes no series.
        """
        if self.is_lease:
            return host.sharing.is_configured
        return self.target.kind is not _DOMAIN and host.sharing.domains > 0

    def _wake(self) -> None:
        turned, self._turned = self._turned, None
        if turned is not None and not turned.done():
            turned.set_result(None)


def _hosts_of(looked_up: MxLookup | MxHost | None) -> tuple[MxHost, ...]:
    if looked_up is None:
        return ()
    return looked_up.hosts if isinstance(looked_up, MxLookup) else (looked_up,)
