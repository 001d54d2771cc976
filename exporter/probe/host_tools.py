"""The parts that all turns of conversations have in common."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from exporter.concurrency.slots import ProbeSlots
from exporter.model.result import HostOutcome, HostResult, HostTimings, Said
from exporter.model.target import PolicyKind
from exporter.policies.host_policies import TlsaSearches
from exporter.probe.conversation import Conversation
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.dialogue import Dialogues
from exporter.probe.express import Unchanged
from exporter.probe.greeting_name import HostResolver
from exporter.probe.hosts import Host, HostTable
from exporter.probe.name_sharing import NameSharing
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_recorder import SessionRecorder
from exporter.probe.session_request import NewRecorder
from exporter.probe.session_results import SessionResults
from exporter.probe.tls_fallback import TlsFallback
from exporter.probe.watched_session import SessionWatcher, WatchedRecorder

_DANE: Final = PolicyKind.DANE

# The results of one session: the record (None: there was none, these are told without), the host that it was with
# first, and what was said.
OnResults = Callable[[Conversation, SessionRecord | Unchanged | None, Mapping[Host, HostResult], Said], None]


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
    watcher_of: Callable[[Conversation, Host], SessionWatcher] | None = None  # of a session that begins; None: nobody
    once: bool = False  # there is one turn: the results keep their transcripts, and no session grows old
    # The loop's clock. To ask for the running loop is a system call in Python 3.11.
    clock: Callable[[], float] = field(default_factory=lambda: asyncio.get_running_loop().time)

    def wants_tlsa(self, conversation: Conversation) -> bool:
        """The TLSA records of a conversation's hosts count."""
        return self.tlsa is not None and _DANE in conversation.dialogue.module.policies

    def results_of(self, conversation: Conversation, record: SessionRecord) -> SessionResults:
        """The results of a conversation's hosts from the record of a session."""
        with_dane = self.wants_tlsa(conversation)
        return SessionResults(
            record, conversation.dialogue, self.resolver, with_dane=with_dane, with_transcript=self.once
        )

    def recorder_of(self, conversation: Conversation, leader: Host) -> NewRecorder:
        """The recorder of a session with the name of `leader`."""
        if self.watcher_of is None:
            return SessionRecorder
        return partial(WatchedRecorder, self.watcher_of(conversation, leader))

    def tell_without_session(self, conversation: Conversation, hosts: Iterable[Host], outcome: HostOutcome) -> None:
        """Tell the same of all these hosts, now."""
        timings = HostTimings(at=time.time())
        told = {host: HostResult(host.identity, outcome, timings=timings) for host in hosts}
        if told:
            self.on_results(conversation, None, told, Said())
