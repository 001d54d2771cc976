"""The turn of a conversation: a session with its address, and the results of all hosts that share it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import replace
from typing import Any, Final

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostOutcome, HostResult
from exporter.model.warning import HostWarning
from exporter.probe.conversation import Conversation
from exporter.probe.derived_results import DerivedResults
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

    __slots__ = ("_answers", "_apart", "_began", "_conversation", "_first", "_results", "_timeout", "_tools")

    def __init__(self, tools: HostTools, conversation: Conversation) -> None:
        self._tools = tools
        self._conversation = conversation
        self._timeout = conversation.timeout
        self._began: float | None = None  # of the first session, by the loop's clock
        self._first: tuple[Host, SessionRecord] | None = None  # the leader whose handshake alone fails
        self._answers: TlsaAnswers | None = None
        self._results: dict[Host, HostResult] = {}
        self._apart: dict[Host, None] = {}  # the hosts that need sessions of their own

    async def run(self) -> None:
        """Have the session, and tell the results."""
        tools, conversation = self._tools, self._conversation
        if conversation.dialogue.retired or not conversation.hosts:
            return
        pause = tools.costs.pause(conversation.address)
        if pause > 0:
            self._tell_pause(CostPauseError(pause))
            return
        if tools.tlsa is not None and tools.wants_tlsa(conversation):
            self._answers = TlsaAnswers(tools.tlsa, self._timeout, tools.slots.given_back)
            self._answers.begin([*conversation.hosts.values()][:_AT_ONCE])
        conversation.takes_in = True
        try:
            record = await self._record()
            await self._make_results(record)
        except CostPauseError as error:
            self._tell_pause(error)
            return
        except DialogueRetiredError:
            return
        finally:
            conversation.takes_in = False
        self._tell(record)
        if self._apart or self._first is not None:
            await self._part()
        if conversation.key.name:
            self._unite(record)

    async def _record(self) -> SessionRecord:
        """The record of the session that counts; raises CostPauseError or DialogueRetiredError without any."""
        conversation, sharing = self._conversation, self._tools.sharing
        leader = next(iter(conversation.hosts.values()))
        record = await self._session(leader)
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

    async def _session(self, leader: Host) -> SessionRecord:
        """The record of a session with the name of `leader`, and of the second one that a sender would have."""
        tools, (address, dialogue, _) = self._tools, self._conversation.key
        mx = leader.key.mx
        request = SessionRequest(
            Endpoint(address, dialogue.port, dialogue.source(address)),
            f"{mx}:{dialogue.port}",
            tools.dialogues.plan(dialogue, mx),
            dialogue.module.data,
            self._timeout,
        )
        record = await tools.sessions.run(request, self._begin)
        tools.costs.settle(address, record.cost)
        return record

    def _begin(self) -> None:
        """A session has its permit: the lateness of the turn is known, and the configuration may have changed."""
        conversation = self._conversation
        if conversation.dialogue.retired:
            raise DialogueRetiredError
        conversation.in_session = True
        if self._began is None:
            self._began = self._tools.clock()
            self._tools.on_start(self._began - conversation.was_due)

    async def _make_results(self, record: SessionRecord) -> None:
        """The results of all hosts, also of those that come meanwhile, without stalling the loop."""
        conversation = self._conversation
        results = self._tools.results_of(conversation, record)
        waiting = self._in_order()
        while waiting:
            for start in range(0, len(waiting), _AT_ONCE):
                if start:
                    await asyncio.sleep(0)
                await self._make_some(waiting[start : start + _AT_ONCE], record, results)
            made, apart = self._results, self._apart
            waiting = [host for host in conversation.hosts.values() if host not in made and host not in apart]

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

    def _tell(self, record: SessionRecord) -> None:
        """Tell all results at once."""
        tools, conversation = self._tools, self._conversation
        conversation.began, conversation.granted = self._began or 0.0, self._timeout
        failed = record.problem is not None or record.connect is not None
        conversation.timed_out = failed and record.took >= self._timeout * _TIMED_OUT_SHARE
        told = {host: result for host, result in self._results.items() if host.conversation is conversation}
        if told:
            tools.on_results(conversation, record, told, record.transcript)
        conversation.record = None
        if self._may_be_shared():
            conversation.record = record if tools.once else replace(record, transcript=())

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
