"""The hosts of all targets, each once: an MX name, an address and a dialogue, counted by the targets that hold it.

A host starts with its first sharer and goes with its last one. Its sessions are those of a conversation with its
address, which it has in common with other MX names of the address as long as one session shows the state of all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple, Protocol
from weakref import WeakValueDictionary

from exporter.model.result import HostIdentity, HostResult
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.demands import NO_DEMANDS, Demand, Demands, counted
from exporter.probe.dialogue import HostDialogue
from exporter.probe.host_group import HostGroup
from exporter.probe.sharers import (
    NO_HOLDS,
    Holds,
    ManySharers,
    Sharer,
    Sharing,
    sharers_of,
    sharing_of,
    with_hold,
    without_hold,
)
from exporter.schedule.scheduled import Scheduled

__all__ = ["ConversationSchedule", "Hold", "Host", "HostKey", "HostTable", "Sharer"]


class HostKey(NamedTuple):
    """The identity of a host."""

    mx: str
    address: str  # empty where the name has none
    dialogue: HostDialogue


class Host:
    """One host. `conversation` None: it needs no session, for no sharer may connect to it, or it has no address."""

    __slots__ = (
        "_hold",
        "_holds",
        "_sharing",
        "conversation",
        "demands",
        "identity",
        "is_alias",
        "is_parted",
        "key",
        "result",
    )

    def __init__(self, key: HostKey) -> None:
        dialogue = key.dialogue
        self.key: Final = key
        self.identity: Final = HostIdentity(key.mx, key.address, dialogue.port, dialogue.label, dialogue.domain)
        self.result: HostResult | None = None
        self.conversation: Conversation | None = None
        self.demands: Demands = NO_DEMANDS
        self.is_alias = False  # the MX name is a CNAME
        self.is_parted = False  # it needs sessions of its own, with its own name in the handshake
        self._holds: Holds = NO_HOLDS
        self._sharing: Sharing | None = None  # None: to be counted
        self._hold: Hold | None = None

    @property
    def sharers(self) -> Collection[Sharer]:
        """All that hold the host, each once, in the order in which they came."""
        return sharers_of(self._holds)

    @property
    def has_many_sharers(self) -> bool:
        """So many hold the host that they are counted."""
        return isinstance(self._holds, ManySharers)

    def add(self, sharer: Sharer) -> None:
        """Take in a hold of a sharer, which may have several."""
        self._holds = with_hold(self._holds, sharer)
        self._sharing = None

    def remove(self, sharer: Sharer) -> None:
        """Let a hold of a sharer go."""
        self._holds = without_hold(self._holds, sharer)
        self._sharing = None

    def refresh(self, sharer: Sharer) -> None:
        """Take in that the target of a sharer has other settings."""
        if isinstance(self._holds, ManySharers):
            self._holds.refresh(sharer)
        self._sharing = None

    def hold_of(self, demand: Demand | None) -> Hold:
        """A hold with this demand; most sharers have the same, so equal ones are one object."""
        if self._hold is None or self._hold.demand != demand:
            self._hold = Hold(self, demand)
        return self._hold

    def end(self) -> None:
        """The last sharer has let the host go."""
        self._hold = None

    @property
    def sharing(self) -> Sharing:
        """All that is told of the sharers, counted when they have changed."""
        if self._sharing is None:
            self._sharing = sharing_of(self._holds)
        return self._sharing


class Hold(NamedTuple):
    """The hold of one sharer on one host. `demand` None: the sharer needs no session with it."""

    host: Host
    demand: Demand | None


class ConversationSchedule(Protocol):
    """The schedule, as far as conversations come and go: exporter.schedule.scheduler.Schedule."""

    def add(self, turn: Scheduled) -> None:
        """Schedule a conversation by its phase."""

    def moved(self, turn: Scheduled) -> None:
        """Its interval has changed."""

    def suspend(self, turn: Scheduled) -> None:
        """Schedule it no more; a session under way goes on."""

    def drop(self, turn: Scheduled) -> None:
        """Schedule it no more, and cancel a session under way."""


class HostTable:
    """All hosts and conversations. One event loop's."""

    def __init__(
        self,
        schedule: ConversationSchedule,
        begin: Callable[[ConversationKey], Conversation],
        on_attached: Callable[[Host], None],
        on_gone: Callable[[Host], None],
        on_unconfigured: Callable[[Host], None] = lambda host: None,
        on_configured: Callable[[Host], None] = lambda host: None,
    ) -> None:
        """`begin` makes a conversation. `on_attached`: a host has got one whose next session it needs soon.

        `on_gone` gets a host that the last sharer has let go, `on_unconfigured` one that no configured target holds any
        more, gone or not; `on_configured` one with a result that such a target holds from now on.
        """
        self._schedule = schedule
        self._begin = begin
        self._on_attached = on_attached
        self._on_gone = on_gone
        self._on_unconfigured = on_unconfigured
        self._on_configured = on_configured
        self._hosts: dict[HostKey, Host] = {}
        self._conversations: dict[ConversationKey, Conversation] = {}
        self._groups: WeakValueDictionary[tuple[Hold, ...], HostGroup[Hold]] = WeakValueDictionary()
        self._parted: Counter[ConversationKey] = Counter()  # hosts with their own, by what they would share

    @property
    def hosts(self) -> Mapping[HostKey, Host]:
        """All hosts."""
        return self._hosts

    @property
    def conversations(self) -> Mapping[ConversationKey, Conversation]:
        """All conversations."""
        return self._conversations

    def hold(self, sharer: Sharer, key: HostKey, demand: Demand | None) -> Hold:
        """Have `sharer` hold a host, which is made if need be. Every hold needs one :meth:`release`."""
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = Host(key)
        is_new = not sharer.is_lease and host.result is not None and not host.sharing.is_configured
        host.add(sharer)
        if demand is not None:
            self._demand(host, demand)
        if is_new and host.sharing.is_configured:
            self._on_configured(host)
        return host.hold_of(demand)

    def group_of(self, holds: tuple[Hold, ...]) -> HostGroup[Hold] | None:
        """The group of these, one for all that hold the same; None where few do, or it is one host alone."""
        if len(holds) < 2 or not all(hold.host.has_many_sharers for hold in holds):
            return None
        group = self._groups.get(holds)
        if group is None:
            group = self._groups[holds] = HostGroup(holds)
        return group

    def release(self, sharer: Sharer, hold: Hold) -> None:
        """End a hold."""
        host, demand = hold
        host.remove(sharer)
        if demand is not None:
            self._demand_no_more(host, demand)
        if not host.sharers:
            del self._hosts[host.key]
            host.end()
            self._on_gone(host)
        if not sharer.is_lease and not host.sharing.is_configured:
            self._on_unconfigured(host)

    def shared(self, host: Host) -> Conversation | None:
        """The conversation that is for all names of the host's address, if there is one."""
        return self._conversations.get(ConversationKey(host.key.address, host.key.dialogue, ""))

    def has_parted(self, conversation: Conversation) -> bool:
        """Names of the conversation's address have sessions of their own, and may share its again."""
        return conversation.key in self._parted

    def change(self, hold: Hold, demand: Demand) -> Hold:
        """The hold with another interval or timeout; one without sessions stays as it is."""
        if hold.demand is None or hold.demand == demand:
            return hold
        self._demand(hold.host, demand)
        self._demand_no_more(hold.host, hold.demand)
        return hold.host.hold_of(demand)

    def part(self, host: Host) -> None:
        """Give a host sessions of its own: the shared ones do not show its state."""
        if self._move(host, parted=True):
            self._on_attached(host)

    def unite(self, host: Host) -> None:
        """Have a host share the sessions with its address again. Its own last one shows its state until the next."""
        self._move(host, parted=False)

    def _move(self, host: Host, *, parted: bool) -> bool:
        before = host.conversation
        if host.is_parted is parted or before is None:
            return False
        self._leave(host, before)
        host.is_parted = parted
        self._join(host)
        self._take_off(before, host.demands)
        return True

    def _demand(self, host: Host, demand: Demand) -> None:
        host.demands = counted(host.demands, demand, 1)
        if host.conversation is not None:
            self._put_on(host.conversation, ((demand, 1),))
            return
        self._join(host)
        self._on_attached(host)

    def _demand_no_more(self, host: Host, demand: Demand) -> None:
        conversation = host.conversation
        host.demands = counted(host.demands, demand, -1)
        if conversation is None:
            return
        if not host.demands:
            self._leave(host, conversation)
        self._take_off(conversation, ((demand, 1),))

    def _join(self, host: Host) -> None:
        mx, address, dialogue = host.key
        key = ConversationKey(address, dialogue, mx if host.is_parted or dialogue.module.entrusted else "")
        conversation = self._conversations.get(key)
        if conversation is None:
            conversation = self._conversations[key] = self._begin(key)
        host.conversation = conversation
        conversation.hosts[mx] = host
        if host.is_parted:
            self._parted[key._replace(name="")] += 1
        self._put_on(conversation, host.demands)

    def _leave(self, host: Host, conversation: Conversation) -> None:
        host.conversation = None
        del conversation.hosts[host.key.mx]
        if host.is_parted:
            key = conversation.key._replace(name="")
            self._parted[key] -= 1
            if not self._parted[key]:
                del self._parted[key]

    def _put_on(self, conversation: Conversation, demands: Demands) -> None:
        was_scheduled, interval = conversation.is_scheduled, conversation.interval
        for demand, times in demands:
            conversation.demand(demand, times)
        self._follow(conversation, was_scheduled, interval)

    def _take_off(self, conversation: Conversation, demands: Demands) -> None:
        was_scheduled, interval = conversation.is_scheduled, conversation.interval
        for demand, times in demands:
            conversation.demand(demand, -times)
        if conversation.hosts:
            self._follow(conversation, was_scheduled, interval)
            return
        del self._conversations[conversation.key]
        self._schedule.drop(conversation)
        conversation.end()

    def _follow(self, conversation: Conversation, was_scheduled: bool, interval: float) -> None:
        """Have the schedule follow the demands on a conversation, from these of before."""
        if conversation.is_scheduled is not was_scheduled:
            if was_scheduled:
                self._schedule.suspend(conversation)
            else:
                self._schedule.add(conversation)
        elif was_scheduled and conversation.interval != interval:
            self._schedule.moved(conversation)
