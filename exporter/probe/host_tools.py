"""The parts that all turns of conversations have in common."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, Protocol

from exporter.concurrency.slots import ProbeSlots
from exporter.model.failure import Stage
from exporter.model.result import HostOutcome, HostResult, HostTimings, Said
from exporter.model.target import PolicyKind
from exporter.policies.host_policies import TlsaSearches
from exporter.probe.conversation import Conversation
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.dialogue import Dialogues
from exporter.probe.express import Unchanged
from exporter.probe.greeting_name import HostResolver
from exporter.probe.hosts import Host, HostTable
from exporter.probe.module_plan import new_canary_id, without_message
from exporter.probe.name_sharing import NameSharing
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_recorder import SessionRecorder
from exporter.probe.session_request import Endpoint, NewRecorder, SessionRequest
from exporter.probe.session_results import SessionResults
from exporter.probe.tls_fallback import TlsFallback
from exporter.probe.tlsa_answers import TlsaAnswers
from exporter.probe.version_checks import Found, VersionChecks, VersionTools
from exporter.probe.watched_session import SessionWatcher, WatchedRecorder

_DANE, _VERSIONS = PolicyKind.DANE, PolicyKind.VERSIONS
# Hosts of a conversation for which something is made in one go, about a millisecond of work.
AT_ONCE: Final = 50

# The results of one session: the record (None: there was none, these are told without), the host that it was with
# first, and what was said.
OnResults = Callable[[Conversation, SessionRecord | Unchanged | None, Mapping[Host, HostResult], Said], None]


class Canaries(Protocol):
    """The way to those who look for messages in their mailboxes."""

    def under_way(self, conversation: Conversation, message_id: str, seconds: float) -> None:
        """A message is sent in a session that ends within so many seconds."""
        ...

    def accepted(self, conversation: Conversation, message_id: str, at: float) -> None:
        """The host has accepted it at Unix time `at`."""
        ...


@dataclass(slots=True)
class HostTools:
    """The parts that all turns have in common. A reload may set another resolver, and other ways to it."""

    table: HostTable
    dialogues: Dialogues
    sessions: TlsFallback
    sharing: NameSharing
    costs: CpuCosts
    slots: ProbeSlots
    resolver: HostResolver
    on_results: OnResults
    on_start: Callable[[float], None]  # seconds from the moment of the turn to its first session
    on_session: Callable[[], None]  # a session begins; a turn may have several
    on_internal_error: Callable[[], None]
    tlsa: TlsaSearches | None = None  # None: no policies are looked up, whatever a module names
    versions: VersionChecks | None = None  # None: none are asked about, likewise
    watcher_of: Callable[[Conversation, Host], SessionWatcher] | None = None  # of a session that begins; None: nobody
    # The context of a conversation's lookups: those of a stranger's displace no others.
    lookups_of: Callable[[Conversation], AbstractContextManager[None]] = lambda _: nullcontext()
    canaries: Canaries | None = None  # None: nobody looks for them
    once: bool = False  # there is one turn: the results keep their transcripts, and no session grows old
    # The loop's clock. To ask for the running loop is a system call in Python 3.11.
    clock: Callable[[], float] = field(default_factory=lambda: asyncio.get_running_loop().time)

    def wants_tlsa(self, conversation: Conversation) -> bool:
        """The TLSA records of a conversation's hosts count."""
        return self.tlsa is not None and _DANE in conversation.dialogue.module.policies

    def answers_for(self, conversation: Conversation, timeout: float) -> TlsaAnswers | None:
        """The TLSA records of a conversation's hosts, looked up from now on, where they count."""
        if self.tlsa is None or not self.wants_tlsa(conversation):
            return None
        answers = TlsaAnswers(self.tlsa, timeout, self.slots.given_back)
        with self.lookups_of(conversation):
            answers.begin([*islice(conversation.hosts.values(), AT_ONCE)])
        return answers

    def results_of(self, conversation: Conversation, record: SessionRecord) -> SessionResults:
        """The results of a conversation's hosts from the record of a session."""
        with_dane = self.wants_tlsa(conversation)
        return SessionResults(
            record,
            conversation.dialogue,
            self.resolver,
            with_dane=with_dane,
            with_transcript=self.once,
            old_versions=self._old_versions(conversation, record),
        )

    async def check_versions(self, conversation: Conversation, record: SessionRecord) -> None:
        """Begin the sessions about old versions of TLS, where they count and are due; wait where there is one turn."""
        request = self._version_request(conversation, record)
        if self.versions is None or request is None:
            return
        tools = VersionTools(self.sessions.runner, self.slots, self.costs, self.on_session)
        task = self.versions.begin(request, tools)
        if task is not None and self.once:
            async with self.slots.given_back():
                await asyncio.wait((task,))

    def _old_versions(self, conversation: Conversation, record: SessionRecord) -> Found:
        request = self._version_request(conversation, record)
        return () if self.versions is None or request is None else self.versions.known(request)

    def _version_request(self, conversation: Conversation, record: SessionRecord) -> SessionRequest | None:
        """The session whose TLS is asked about; None where its module does not ask, or it came to none."""
        if record.tls is None or _VERSIONS not in conversation.dialogue.module.policies:
            return None
        leader = next(iter(conversation.hosts.values()), None)
        return None if leader is None else self.request(conversation, leader, conversation.timeout)

    def request(self, conversation: Conversation, leader: Host, timeout: float) -> SessionRequest:
        """The session with the name of `leader`."""
        address, dialogue, _ = conversation.key
        mx = leader.key.mx
        plan, canary_id = self.dialogues.plan(dialogue, mx), ""
        mailbox = dialogue.module.mailbox
        if self.canaries is not None and mailbox is not None:
            if conversation.shows_all(self.clock()):
                canary_id = new_canary_id(dialogue.module.data, plan)
            else:
                plan = without_message(plan)
        return SessionRequest(
            Endpoint(address, dialogue.port, dialogue.source(address)),
            f"{mx}:{dialogue.port}",
            plan,
            dialogue.module.data,
            timeout,
            self._recorder_of(conversation, leader),
            canary_id,
        )

    def may_be_shared(self, conversation: Conversation) -> bool:
        """Another name of the address may have its result from the record of a session.

        Most hosts of a configuration are alone at their address, and a record of each is too much. Clients that ask for
        one tenant after the other of an address would cost it two sessions.
        """
        if len(conversation.hosts) > 1 or self.table.has_parted(conversation):
            return True
        return not conversation.is_scheduled and not conversation.key.name

    def _recorder_of(self, conversation: Conversation, leader: Host) -> NewRecorder:
        if self.watcher_of is None:
            return SessionRecorder
        return partial(WatchedRecorder, self.watcher_of(conversation, leader))

    def canary_begins(self, conversation: Conversation, request: SessionRequest) -> None:
        """Tell of a canary that is sent from now on: its mailbox is open when the host accepts it."""
        if self.canaries is not None and request.canary_id:
            self.canaries.under_way(conversation, request.canary_id, request.timeout)

    def tell_canary(self, conversation: Conversation, request: SessionRequest, record: SessionRecord) -> None:
        """Tell of a canary that the host has accepted: from then on its delivery is the host's business."""
        if self.canaries is None or not request.canary_id:
            return
        codes = [reply.code for stage, reply in record.replies if stage is Stage.DATA]
        if len(codes) > 1 and codes[-1] // 100 == 2:  # after the 354
            conversation.canary_at = self.clock() - record.took
            farewell = sum(seconds for stage, seconds in record.phases if stage is Stage.QUIT)
            self.canaries.accepted(conversation, request.canary_id, record.at + record.took - farewell)

    def tell_without_session(self, conversation: Conversation, hosts: Iterable[Host], outcome: HostOutcome) -> None:
        """Tell the same of all these hosts, now."""
        timings = HostTimings(at=time.time())
        told = {host: HostResult(host.identity, outcome, timings=timings) for host in hosts}
        if told:
            self.on_results(conversation, None, told, Said())
