"""The arrivals of canaries, as facts and failures of the hosts that have accepted them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

from exporter.arrival.awaited_message import News
from exporter.arrival.mailbox_watch import MailboxWatch
from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.arrival import Arrival, Folder, MailboxProblem
from exporter.model.failure import ARRIVAL_CLASSES, Failure, FailureClass, Stage
from exporter.model.result import HostIdentity, HostResult
from exporter.model.target import CanaryMailbox
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host

# Messages that somebody may wait for, and conversations with them; of more the oldest is forgotten.
_MAX_KNOWN: Final = 10_000
# For the last look, after the time of a message is over.
_LOOK_SECONDS: Final = 10.0
_AS_JUNK: Final = "the message was accepted, and filed as junk"
_NOTHING: Final = Arrival()


class _Message(NamedTuple):
    """A message that a host has accepted."""

    id: str
    number: int
    accepted_at: float  # Unix time


@dataclass(slots=True)
class _Known:
    """The knowledge of a conversation's messages."""

    arrival: Arrival = _NOTHING
    newest: int = 0  # the newest message whose outcome is known: its number


class Arrivals:
    """Has mailboxes looked into, and knows what became of each conversation's newest message. One event loop's."""

    def __init__(
        self,
        on_news: Callable[[Conversation], None],
        watch_of: Callable[[CanaryMailbox], MailboxWatch],
        before: Callable[[HostIdentity], HostResult | None] = lambda _: None,
    ) -> None:
        """`on_news`: the results of a conversation's hosts are others now, see :meth:`with_arrivals`.

        `before`: the last result of a host, be it of before a restart or a reload.
        """
        self._ending: set[asyncio.Task[None]] = set()
        self._on_news = on_news
        self._watch_of = watch_of
        self._watches: dict[CanaryMailbox, MailboxWatch] = {}
        self._has_outcome = asyncio.Event()
        self._before = before
        self._awaited: BoundedDict[str, float] = BoundedDict(_MAX_KNOWN)  # Unix time that nobody waits longer than
        self._known: BoundedDict[Conversation, _Known] = BoundedDict(_MAX_KNOWN)
        self._accepted = 0  # messages, by whose number the later one is known: the clock may be set back

    def under_way(self, conversation: Conversation, message_id: str, seconds: float) -> None:
        """A message is sent, and accepted within so many seconds if at all: log in to its mailbox."""
        mailbox = conversation.dialogue.module.mailbox
        if mailbox is not None:
            self._watch(mailbox).get_ready(message_id, seconds)

    def accepted(self, conversation: Conversation, message_id: str, at: float) -> None:
        """A host has accepted a message at Unix time `at`: look for it."""
        mailbox = conversation.dialogue.module.mailbox
        if mailbox is None:
            return
        watch = self._watch(mailbox)
        known = self._known_of(conversation, [*conversation.hosts.values()])
        known.arrival = replace(known.arrival, awaited_since=at)
        self._awaited[message_id] = at + mailbox.within + _LOOK_SECONDS
        self._accepted += 1
        watch.expect(message_id, at, partial(self._told, conversation, _Message(message_id, self._accepted, at)))

    def with_arrivals(
        self, conversation: Conversation, results: Mapping[Host, HostResult]
    ) -> Mapping[Host, HostResult]:
        """Results with what is known of arrivals."""
        if conversation.dialogue.module.mailbox is None:
            return results
        arrival = self._known_of(conversation, results).arrival
        return results if arrival == _NOTHING else {host: _with(arrival, each) for host, each in results.items()}

    def keep(self, mailboxes: Collection[CanaryMailbox]) -> None:
        """Look into these mailboxes alone from now on, and log out of the others."""
        for conversation in [each for each in self._known if each.is_gone]:
            self._known.pop(conversation)
        for mailbox in [each for each in self._watches if each not in mailboxes]:
            task = asyncio.get_running_loop().create_task(self._watches.pop(mailbox).close())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Look no more, and log out."""
        self.keep(())
        await asyncio.gather(*self._ending)

    async def settled(self) -> None:
        """Wait until it is known of each message whether it has arrived, or its time is over without a look."""
        while (left := max(self._awaited.values(), default=0.0) - time.time()) > 0:
            self._has_outcome.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._has_outcome.wait()

    def _watch(self, mailbox: CanaryMailbox) -> MailboxWatch:
        watch = self._watches.get(mailbox)
        if watch is None:
            watch = self._watches[mailbox] = self._watch_of(mailbox)
        return watch

    def _known_of(self, conversation: Conversation, hosts: Collection[Host]) -> _Known:
        known = self._known.get(conversation)
        if known is None:
            results = (self._before(host.identity) for host in hosts)
            arrivals = (result.facts.arrival for result in results if result is not None)
            known = _Known(next((arrival for arrival in arrivals if arrival is not None), _NOTHING))
            self._known[conversation] = known
        return known

    def _told(self, conversation: Conversation, message: _Message, news: News) -> bool:
        """Take in what is found out; True while the conversation goes on."""
        if news.found is not None or news.missing or news.problem not in (None, MailboxProblem.UNREACHABLE):
            self._awaited.pop(message.id)  # others do not heal while somebody waits
            self._has_outcome.set()
        known = self._known_of(conversation, [*conversation.hosts.values()])
        before = known.arrival
        if news.found is None and not news.missing:
            known.arrival = replace(before, problem=news.problem)
        elif message.number >= known.newest:
            known.arrival, known.newest = _after(before, news, message.accepted_at), message.number
        elif news.found is not None and before.missing:
            late = _after(before, news, message.accepted_at)
            known.arrival = replace(before, seconds=late.seconds, at=late.at, is_late=late.is_late)
        if known.arrival != before:
            self._on_news(conversation)
        return not conversation.is_gone


def _after(before: Arrival, news: News, accepted_at: float) -> Arrival:
    """The state after the outcome of a message."""
    since = before.awaited_since
    newer = None if since is None or since <= accepted_at else since
    if news.found is None:
        return Arrival(at=before.at, missing=news.missing, awaited_since=newer)
    at = accepted_at if news.seconds is None else accepted_at + news.seconds
    # One that is still to come was told by a clock that has been set back since.
    at, results = max(at, min(before.at or 0.0, time.time())), news.found.authentication
    return Arrival(news.found.folder, news.seconds, at, results, is_late=news.is_late, awaited_since=newer)


def _with(known: Arrival, result: HostResult) -> HostResult:
    """A session that fails by itself says more than an earlier message."""
    outcome, own = result.outcome, result.outcome.own_failure
    if own is None or own.failure_class in ARRIVAL_CLASSES:
        failure = _failure(known)
        if failure != own:
            outcome = replace(outcome, failure=failure, own_failure=failure)
    return replace(result, facts=replace(result.facts, arrival=known), outcome=outcome)


def _failure(arrival: Arrival) -> Failure | None:
    if arrival.missing:
        return Failure(Stage.DATA, FailureClass.NOT_ARRIVED, arrival.missing)
    if arrival.folder is Folder.JUNK:
        results = ", ".join(f"{method} {result}" for method, result in arrival.authentication)
        evidence = (f"the receiving server says: {results}",) if results else ()
        return Failure(Stage.DATA, FailureClass.ARRIVED_AS_JUNK, _AS_JUNK, evidence=evidence)
    return None
