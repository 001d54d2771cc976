"""The turn of a conversation: a session with its address, and the results of all hosts that share it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import replace
from typing import Any, Final

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostOutcome, HostResult, Said
from exporter.model.warning import HostWarning
from exporter.probe.conversation import Conversation
from exporter.probe.derived_results import DerivedResults
from exporter.probe.expectation import Expectation, FamiliarWords, expectation_of
from exporter.probe.express import Unchanged
from exporter.probe.greeting_name import is_elsewhere
from exporter.probe.host_tools import HostTools
from exporter.probe.hosts import Host
from exporter.probe.name_coverage import handshake_failed
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint, SessionRequest
from exporter.probe.session_results import SessionResults
from exporter.probe.session_runner import CostPauseError
from exporter.probe.tlsa_answers import NOT_ASKED, TlsaAnswers

__all__ = ["HostTools", "HostTurn", "HostTurns"]

# Hosts whose results are made in one go, about a millisecond of work.
_AT_ONCE: Final = 50
# Of a session's timeout. One that failed after so much of it might have come further with more time.
_TIMED_OUT_SHARE: Final = 0.5


class DialogueRetiredError(Exception):
    """The configuration has changed, and the dialogue is not held any more."""


class HostTurns:
    """The turns of all conversations."""

    def __init__(self, tools: HostTools) -> None:
        self._tools = tools
        self._derived = DerivedResults(tools)

    def run(self, conversation: Conversation) -> Coroutine[Any, Any, None]:
        """Have the turn of a conversation. Its slot is held at the begin and at the end."""
        return HostTurn(self._tools, conversation).run()

    def failed(self, conversation: Conversation, error: Exception) -> None:
        """Tell of all hosts of a conversation that a bug of the exporter ended its turn."""
        failure = Failure(Stage.CONNECT, FailureClass.INTERNAL, f"a bug of the exporter: {type(error).__name__}")
        outcome = HostOutcome(failure, failure)
        self._tools.tell_without_session(conversation, conversation.hosts.values(), outcome)

    def derive(self, host: Host) -> bool:
        """See :class:`DerivedResults`."""
        return self._derived.derive(host)

    def derivations(self, hosts: Collection[Host]) -> list[asyncio.Task[None]]:
        """See :class:`DerivedResults`."""
        return self._derived.under_way(hosts)

    async def close(self) -> None:
        """See :class:`DerivedResults`."""
        await self._derived.close()


class HostTurn:
    """One turn of a conversation: :meth:`run` once."""

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

    def __init__(self, tools: HostTools, conversation: Conversation) -> None:
        self._tools = tools
        self._conversation = conversation
        self._timeout = conversation.timeout
        self._began: float | None = None  # of the first session, by the loop's clock
        self._first: tuple[Host, SessionRecord] | None = None  # the leader whose handshake alone fails
        self._answers: TlsaAnswers | None = None
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
        if tools.tlsa is not None and tools.wants_tlsa(conversation):
            self._answers = TlsaAnswers(tools.tlsa, self._timeout, tools.slots.given_back)
            self._answers.begin([*conversation.hosts.values()][:_AT_ONCE])
        conversation.takes_in = True
        try:
            record = await self._record()
            if record is None:
                return
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

    async def _record(self) -> SessionRecord | None:
        """The record of the session that counts; None: the host is as it was, and that is told.

        Raises CostPauseError or DialogueRetiredError without any.
        """
        conversation, sharing = self._conversation, self._tools.sharing
        leader = next(iter(conversation.hosts.values()))
        before = conversation.record
        record = await self._tools.sessions.run(self._request(leader), self._begin)
        self._tools.costs.settle(conversation.address, 0.0 if isinstance(record, Unchanged) else record.cost)
        if isinstance(record, Unchanged):
            strangers, is_another = record.strangers, False
            if strangers and not self._may_be_shared():
                is_another = await is_elsewhere(self._tools.resolver, strangers, conversation.address)
            if self._is_told(record, leader, is_another=is_another):
                return None
            self._unchanged, record = record, record.read() if before is None else record.of(before)
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

    def _request(self, leader: Host) -> SessionRequest:
        """The session with the name of `leader`."""
        tools, conversation = self._tools, self._conversation
        address, dialogue, _ = conversation.key
        mx, familiar = leader.key.mx, conversation.familiar
        plan = tools.dialogues.plan(dialogue, mx)
        expected = None if familiar is None else familiar.expected(plan, mx, is_alias=leader.is_alias)
        if familiar is not None and expected is not None and not self._may_be_unchanged(familiar, expected):
            familiar.doubt()
            expected = None
        return SessionRequest(
            Endpoint(address, dialogue.port, dialogue.source(address)),
            f"{mx}:{dialogue.port}",
            plan,
            dialogue.module.data,
            self._timeout,
            familiar,
            expected,
            tools.recorder_of(conversation, leader),
        )

    async def _session(self, leader: Host) -> SessionRecord:
        """The record of a session with the name of `leader`, and of the second one that a sender would have."""
        record = await self._tools.sessions.run(self._request(leader), self._begin)
        if isinstance(record, Unchanged):
            record = record.read()
        self._tools.costs.settle(self._conversation.address, record.cost)
        return record

    def _may_be_unchanged(self, familiar: FamiliarWords, expected: Expectation) -> bool:
        """All results can be made of what the words showed; those of several hosts with the record of a session."""
        if expected.findings is None:
            return True
        if self._answers is not None:
            return False
        return self._conversation.record is familiar.record if self._may_be_shared() else True

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
            for start in range(0, len(waiting), _AT_ONCE):
                if start:
                    await asyncio.sleep(0)
                await self._make_some(waiting[start : start + _AT_ONCE], record, results)
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

    def _is_told(self, unchanged: Unchanged, host: Host, *, is_another: bool) -> bool:
        """Tell the result of the one host again, with new numbers; False: there are others by now.

        `is_another`: the greeting is that of another host.
        """
        tools, conversation, findings = self._tools, self._conversation, unchanged.expected.findings
        if findings is None or self._may_be_shared() or host.conversation is not conversation:
            return False
        outcome = findings.outcome
        if is_another and findings.if_elsewhere is not None:
            outcome = findings.if_elsewhere
        conversation.began, conversation.granted, conversation.timed_out = self._began or 0.0, self._timeout, False
        conversation.record = None
        told = {host: HostResult(host.identity, outcome, findings.facts, unchanged.timings, findings.evidence)}
        tools.on_results(conversation, unchanged, told, unchanged.said)
        return True

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
        if self._may_be_shared():
            conversation.record = record if tools.once else replace(record, transcript=())
        if conversation.familiar is not None and (self._unchanged is not None or self._is_learnt):
            conversation.familiar.record = conversation.record

    def _may_be_shared(self) -> bool:
        """Another name of the address may have its result from the record.

        Most hosts of a configuration are alone at their address, and a record of each is too much. Clients that ask for
        one tenant after the other of an address would cost it two sessions.
        """
        conversation = self._conversation
        if len(conversation.hosts) > 1 or self._tools.table.has_parted(conversation):
            return True
        return not conversation.is_scheduled and not conversation.key.name

    async def _part(self) -> None:
        """Give each host that the session does not show sessions of its own."""
        conversation = self._conversation
        hosts = [*self._apart] if self._first is None else [*self._apart, self._first[0]]
        for number, host in enumerate(hosts, 1):
            if host.conversation is conversation:
                self._tools.table.part(host)
            if number % _AT_ONCE == 0:
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
