"""A target as the holder of its hosts: those of its last lookup, and those that a failed lookup leaves in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Protocol

from exporter.model.result import HostOutcome, HostResult, MxHost
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.address_choice import choose_addresses
from exporter.probe.demands import Demand
from exporter.probe.dialogue import Dialogues, HostDialogue
from exporter.probe.host_group import HostGroup
from exporter.probe.hosts import Hold, Host, HostKey, HostTable
from exporter.schedule.scheduled import Scheduled

# Seconds for which hosts are held that a failed lookup neither names nor denies.
DOUBT_SECONDS: Final = 3600.0
NEVER: Final = float("-inf")
_NONE_SETTLED: Final[Mapping[Host, HostResult]] = MappingProxyType({})
_DOMAIN: Final = TargetKind.DOMAIN


class HolderTools(Protocol):
    """The parts that holders need."""

    table: HostTable
    dialogues: Dialogues


class HostHolder(Scheduled):
    """The hosts of one target. Other rooms read the public fields."""

    __slots__ = (
        "_dialogue",
        "_doubted_since",
        "_group",
        "_settled",
        "_timeout",
        "_told",
        "_tools",
        "holds",
        "is_lease",
        "is_released",
        "target",
    )

    def __init__(self, target: Target, tools: HolderTools, *, is_lease: bool, timeout: float | None) -> None:
        """`timeout`: seconds for each session, where a client has less time than the settings give."""
        super().__init__()
        self.target = target
        self.is_lease = is_lease
        self.holds: tuple[Hold, ...] = ()  # those of the lookup in their order, then those in doubt
        self.is_released = False
        self._tools: HolderTools = tools
        self._timeout = timeout
        self._dialogue: HostDialogue | None = None  # None: the hosts have to be chosen anew
        self._told = 0  # holds of the lookup
        self._group: HostGroup[Hold] | None = None  # of these, where many others hold the same ones
        self._settled = _NONE_SETTLED  # results of hosts that this target may not connect to, or that have no address
        self._doubted_since = NEVER  # by the loop's clock

    @property
    def demand(self) -> Demand:
        """The demand on each host that is probed."""
        settings = self.target.settings
        return _demand(settings.interval, settings.timeout if self._timeout is None else self._timeout, self.is_lease)

    def unseen(self) -> list[Host]:
        """The hosts of the last lookup that are probed and have no result of a session yet."""
        return [host for host, demand in self.holds[: self._told] if demand is not None and not is_seen(host)]

    def retarget(self, target: Target) -> None:
        """Have another target of the same key: the demands change at once, other hosts are held at the next turn."""
        before, now = self.target.settings, target.settings
        self.target = target
        if before == now:
            return
        demand = self.demand
        self.holds = tuple([self._tools.table.change(hold, demand) for hold in self.holds])
        for host, _ in self.holds:
            host.refresh(self)
        if _chooses_differently(before, now):
            self._dialogue = None

    def release(self) -> None:
        """Let all hosts go, for good."""
        self.is_released = True
        holds, self.holds, self._told = self.holds, (), 0
        self._settled, self._group = _NONE_SETTLED, None
        self._let_go(holds)

    def host_changed(self, host: Host, *, first: bool, state: bool) -> None:
        """See :class:`exporter.probe.sharers.Sharer`."""
        raise NotImplementedError

    def _holds_as_before(self) -> bool:
        """An unchanged lookup needs no other hosts."""
        return self._dialogue is not None and not self._dialogue.retired

    def _holds_exactly(self, before: Sequence[MxHost], now: Sequence[MxHost]) -> bool:
        """The hosts of two lookups differ in nothing that decides on holds, and none is held in doubt."""
        return len(self.holds) == self._told and len(before) == len(now) and all(map(_is_held_alike, before, now))

    def _hold(self, hosts: Sequence[MxHost], is_in_doubt: Callable[[Host], bool]) -> None:
        """Hold these hosts, and then let go those of before: a host in both stays as it is.

        Those of before that the lookup leaves in doubt are held on: a hiccup of the resolver ends no series.
        """
        target, table = self.target, self._tools.table
        dialogue = self._dialogue = self._tools.dialogues.of(target)
        demand = self.demand
        before = {hold.host.key: hold for hold in self.holds}
        holds: list[Hold] = []
        settled: dict[Host, HostResult] = {}
        for chosen in choose_addresses(hosts, target.settings):
            key = HostKey(chosen.host.name, chosen.address, dialogue)
            needed = demand if chosen.settled is None else None
            hold = before.get(key)
            if hold is not None and hold.demand == needed:
                del before[key]
            else:
                hold = table.hold(self, key, needed)
            if target.kind is _DOMAIN:
                hold.host.is_alias = chosen.host.is_cname
            if chosen.settled is not None:
                outcome = HostOutcome(chosen.settled, chosen.settled)
                settled[hold.host] = HostResult(hold.host.identity, outcome)
            holds.append(hold)
        told = {hold.host for hold in holds}
        kept = [
            hold
            for hold in before.values()
            if hold.demand is not None and hold.host not in told and self._may_keep(hold.host, dialogue, is_in_doubt)
        ]
        kept = self._bounded(kept)
        self.holds, self._told, self._settled = (*holds, *kept), len(holds), settled or _NONE_SETTLED
        self._group = None if settled or kept else table.group_of(self.holds)
        if self._group is not None:
            self.holds = self._group.holds
        self._let_go([hold for hold in before.values() if hold not in kept])

    def _may_keep(self, host: Host, dialogue: HostDialogue, is_in_doubt: Callable[[Host], bool]) -> bool:
        return host.key.dialogue is dialogue and is_in_doubt(host)

    def _bounded(self, kept: list[Hold]) -> list[Hold]:
        """`kept`, unless they have been in doubt for too long."""
        if not kept:
            self._doubted_since = NEVER
        elif self._doubted_since == NEVER:
            self._doubted_since = asyncio.get_running_loop().time()
        elif self._is_doubt_over():
            return []
        return kept

    def _end_doubt(self) -> None:
        """Let go those that have been in doubt for too long."""
        if self._is_doubt_over():
            self._let_go(self.holds[self._told :])
            self.holds = self.holds[: self._told]

    def _is_doubt_over(self) -> bool:
        return asyncio.get_running_loop().time() - self._doubted_since > DOUBT_SECONDS

    def _let_go(self, holds: Sequence[Hold]) -> None:
        for hold in holds:
            self._tools.table.release(self, hold)


def is_seen(host: Host) -> bool:
    """True where the result of the host is of a session: a result without one may be that of another target alone."""
    return host.result is not None and host.result.timings.at > 0.0


@lru_cache(maxsize=1000)
def _demand(interval: float, timeout: float, is_lease: bool) -> Demand:
    """Equal ones are one object: a configuration of 100,000 domains has a few."""
    return Demand(interval, timeout, is_lease)


def _is_held_alike(before: MxHost, now: MxHost) -> bool:
    """True where exporter.probe.address_choice chooses the same addresses, with the same settled failures."""
    return before is now or (
        before.name == now.name
        and before.addresses == now.addresses
        and before.failure == now.failure
        and before.filtered == now.filtered
        and before.is_cname is now.is_cname
    )


def _chooses_differently(before: Settings, now: Settings) -> bool:
    """True where other hosts may be meant, or other words."""
    same = (
        before.module == now.module
        and before.port == now.port
        and before.helo == now.helo
        and (before.source_ipv4, before.source_ipv6) == (now.source_ipv4, now.source_ipv6)
        and before.families == now.families
        and before.max_addresses == now.max_addresses
        and before.allow_addresses == now.allow_addresses
    )
    return not same
