"""The turn of a conversation by a task: a session with its address, and the results of all hosts that share it.

Nearly all turns need none: the session is one by callbacks (exporter.probe.express_turn), and what it says is known. A
surprise in such a session, and all that has to be waited for after it, is the rest of a turn here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final, NamedTuple

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostOutcome, HostResult, Said
from exporter.model.warning import HostWarning
from exporter.probe.conversation import Conversation
from exporter.probe.expectation import FamiliarWords, expectation_of
from exporter.probe.express import Unchanged
from exporter.probe.host_tools import AT_ONCE, HostTools
from exporter.probe.hosts import Host
from exporter.probe.name_coverage import handshake_failed
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import SessionRequest
from exporter.probe.session_results import SessionResults
from exporter.probe.session_runner import CostPauseError, PermittedSession
from exporter.probe.tlsa_answers import NOT_ASKED, TlsaAnswers

# Of a session's timeout. One that failed after so much of it might have come further with more time.
_TIMED_OUT_SHARE: Final = 0.5


class DialogueRetiredError(Exception):
    """The configuration has changed, and the dialogue is not held any more."""


class BegunTurn(NamedTuple):
    """A turn that has begun."""

    timeout: float
    began: float | None = None  # of the first session, by the loop's clock
    answers: TlsaAnswers | None = None


class HostTurn:
    """One turn of a conversation: :meth:`run` once, or the rest of one that has begun by callbacks."""

    __slots__ = (
        "_answers",
        "_apart",
        "_began",
        "_conversation",
        "_first",
        "_is_learnt",
        "_results",
        "_timeout",
        "_tools",
        "_unchanged",
    )

    def __init__(self, tools: HostTools, conversation: Conversation, begun: BegunTurn | None = None) -> None:
        """`begun`: where callbacks have begun it."""
        self._tools = tools
        self._conversation = conversation
        self._timeout, self._began, self._answers = begun or BegunTurn(conversation.timeout)
        self._first: tuple[Host, SessionRecord] | None = None  # the leader whose handshake alone fails
        self._unchanged: Unchanged | None = None  # the session, where it said what the last one had said
        self._is_learnt = False  # its words are expected next time
        self._results: dict[Host, HostResult] = {}
        self._apart: dict[Host, None] = {}  # the hosts that need sessions of their own

    async def run(self) -> None:
        """Have the session, and tell the results."""
        tools, conversation = self._tools, self._conversation
        address, dialogue, _ = conversation.key
        if dialogue.retired or not conversation.hosts:
            return
        pause = tools.costs.pause(address)
        if pause > 0:
            self._tell_pause(CostPauseError(pause))
            return
        self._answers = tools.answers_for(conversation, self._timeout)
        leader = next(iter(conversation.hosts.values()))
        request = tools.request(conversation, leader, self._timeout)
        await self._tell_of(self._record(leader, self._delivered(request)))

    async def go_on(self, leader: Host, request: SessionRequest, begun: PermittedSession) -> None:
        """See :meth:`run`: a session that reads on has taken the place of the one by callbacks."""
        await self._tell_of(self._record(leader, self._tools.sessions.go_on(request, self._begin, begun)))

    async def tell_unchanged(self, unchanged: Unchanged) -> None:
        """See :meth:`run`: the session said what was expected, and several hosts have their result from it."""
        self._unchanged = unchanged
        await self._tell_of(self._record_of(unchanged))

    async def _tell_of(self, session: Awaitable[SessionRecord]) -> None:
        """Tell what a session shows."""
        conversation = self._conversation
        conversation.takes_in = True
        try:
            record = await session
            await self._tools.check_versions(conversation, record)
            results = await self._make_results(record)
        except CostPauseError as error:
            self._tell_pause(error)
            return
        except DialogueRetiredError:
            return
        finally:
            conversation.takes_in = False
        self._learn(record, results)
        self._tell(record)
        if self._apart or self._first is not None:
            await self._part()
        if conversation.key.name:
            self._unite(record)

    async def _record(self, leader: Host, session: Awaitable[SessionRecord]) -> SessionRecord:
        """The record of the session that counts. Raises CostPauseError or DialogueRetiredError without any."""
        conversation, sharing = self._conversation, self._tools.sharing
        record = await session
        self._tools.costs.settle(conversation.address, record.cost)
        if not handshake_failed(record):
            sharing.worked(conversation)
            return record
        if not sharing.wants_control(conversation):
            return record
        other = next((host for host in conversation.hosts.values() if host is not leader), None)
        if other is None:
            return record
        try:
            control = await self._session(other)
        except (CostPauseError, DialogueRetiredError):
            return record
        if control.tls is None:
            return record
        self._first = leader, record
        return control

    async def _record_of(self, unchanged: Unchanged) -> SessionRecord:
        """The record of a session that said what was expected: from that of one with the same words, if it is kept."""
        conversation = self._conversation
        self._tools.sharing.worked(conversation)
        before, familiar = conversation.record, conversation.familiar
        is_of_words = before is not None and familiar is not None and before is familiar.record
        return unchanged.of(before) if before is not None and is_of_words else unchanged.read()

    async def _session(self, leader: Host) -> SessionRecord:
        """The record of a session with the name of `leader`, and of the second one that a sender would have."""
        tools = self._tools
        request = tools.request(self._conversation, leader, self._timeout)
        record = await self._delivered(request)
        tools.costs.settle(self._conversation.address, record.cost)
        return record

    async def _delivered(self, request: SessionRequest) -> SessionRecord:
        """The record of the sessions of a request; a message that was accepted is told of."""

        def begin() -> None:
            self._begin()
            self._tools.canary_begins(self._conversation, request)

        record = await self._tools.sessions.run(request, begin)
        self._tools.tell_canary(self._conversation, request, record)
        return record

    def _begin(self) -> None:
        """A session has its permit: the lateness of the turn is known, and the configuration may have changed."""
        conversation = self._conversation
        if conversation.dialogue.retired:
            raise DialogueRetiredError
        self._tools.on_session()
        conversation.in_session = True
        if self._began is None:
            self._began = self._tools.clock()
            self._tools.on_start(self._began - conversation.was_due)

    async def _make_results(self, record: SessionRecord) -> SessionResults:
        """The results of all hosts, also of those that come meanwhile, without stalling the loop."""
        conversation = self._conversation
        results = self._tools.results_of(conversation, record)
        if self._unchanged is not None:
            results.expect(self._unchanged.expected)
        waiting = self._in_order()
        while waiting:
            for start in range(0, len(waiting), AT_ONCE):
                if start:
                    await asyncio.sleep(0)
                await self._make_some(waiting[start : start + AT_ONCE], record, results)
            made, apart = self._results, self._apart
            waiting = [host for host in conversation.hosts.values() if host not in made and host not in apart]
        return results

    def _in_order(self) -> list[Host]:
        """The hosts, first of all the one that the record is of."""
        hosts = [*self._conversation.hosts.values()]
        if self._first is not None and len(hosts) > 1 and hosts[0] is self._first[0]:
            hosts = [*hosts[1:], hosts[0]]
        return hosts

    async def _make_some(self, hosts: list[Host], record: SessionRecord, results: SessionResults) -> None:
        tools, answers, tlsa = self._tools, self._answers, NOT_ASKED
        if answers is not None:
            await answers.wait(hosts)
        for host in hosts:
            if answers is not None:
                tlsa = answers.of(host)
            if self._first is not None and host is self._first[0]:
                found: SessionRecord | None = self._first[1]
            else:
                found = tools.sharing.record_for(host, record, tlsa.lookup)
            if found is None:
                self._apart[host] = None
                continue
            result = results.of(host, found, tlsa)
            if results.is_doubtful(result):
                result = await results.looked_up(result)
            self._results[host] = result

    def _learn(self, record: SessionRecord, results: SessionResults) -> None:
        """Have the next session expect the words of this one, if it showed what the last one had shown."""
        conversation = self._conversation
        familiar = conversation.familiar
        has_failed = record.problem is not None or record.connect is not None
        if self._unchanged is not None or self._first is not None or self._tools.once or has_failed:
            return
        host = next(iter(self._results), None)
        if host is None or (familiar is not None and not familiar.wants_lesson):
            return
        result, findings = self._results[host], None
        if record.tls is None and self._answers is None:
            if host.result is None or host.result.facts != result.facts:
                if familiar is not None:
                    familiar.forget()
                return  # of one that shows something else each time nothing is learnt
            findings = results.findings(host)
        expected = expectation_of(record, host.key.mx, findings, result.timings, is_alias=host.is_alias)
        if expected is not None:
            if familiar is None:
                familiar = conversation.familiar = FamiliarWords()
            familiar.learn(expected)
            self._is_learnt = True

    def _tell(self, record: SessionRecord) -> None:
        """Tell all results at once."""
        tools, conversation = self._tools, self._conversation
        conversation.began, conversation.granted = self._began or 0.0, self._timeout
        failed = record.problem is not None or record.connect is not None
        conversation.timed_out = failed and record.took >= self._timeout * _TIMED_OUT_SHARE
        told = {host: result for host, result in self._results.items() if host.conversation is conversation}
        if told:
            tools.on_results(conversation, record, told, Said.of(record.transcript))
        conversation.record = None
        if tools.may_be_shared(conversation):
            conversation.record = record if tools.once else replace(record, transcript=())
        if conversation.familiar is not None and (self._unchanged is not None or self._is_learnt):
            conversation.familiar.record = conversation.record

    async def _part(self) -> None:
        """Give each host that the session does not show sessions of its own."""
        conversation = self._conversation
        hosts = [*self._apart] if self._first is None else [*self._apart, self._first[0]]
        for number, host in enumerate(hosts, 1):
            if host.conversation is conversation:
                self._tools.table.part(host)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def _unite(self, record: SessionRecord) -> None:
        """Have a host that had a session of its own share those of its address again, if they show its state."""
        conversation, answers = self._conversation, self._answers
        for host in [*conversation.hosts.values()]:
            tlsa = NOT_ASKED if answers is None else answers.of(host)
            if not host.is_parted or tlsa.awaited:
                continue  # records that are not known may bind it still
            if self._tools.sharing.may_unite(host, record, tlsa.lookup):
                self._tools.table.unite(host)

    def _tell_pause(self, error: CostPauseError) -> None:
        """A host without a result is told that its address is left alone; of the others the last one stays."""
        failure = Failure(Stage.CONNECT, FailureClass.NO_TURN, str(error))
        hosts = [host for host in self._conversation.hosts.values() if host.result is None]
        outcome = HostOutcome(failure, failure, (HostWarning.COSTLY,))
        self._tools.tell_without_session(self._conversation, hosts, outcome)
