"""The turn of a conversation by callbacks: nearly all turns, of hosts that say what they said last time.

Such a turn has one thing to wait for, the host, and the events of its connection take it from one step to the next. A
task for it, with a coroutine for each of the layers between the schedule and the connection, would be woken twice to do
nothing but hand a result on. A task has the rest of a turn that comes to more: a surprise in the session
(exporter.probe.express), names to look up, several hosts, our own shutdown.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from exporter.concurrency.session_limiter import SessionPermit
from exporter.model.result import HostResult
from exporter.net.connection import TcpConnection
from exporter.probe.conversation import Conversation
from exporter.probe.expectation import Expectation, FamiliarWords
from exporter.probe.express import ExpressSession, Unchanged
from exporter.probe.greeting_name import is_elsewhere
from exporter.probe.host_tools import HostTools
from exporter.probe.host_turn import BegunTurn, HostTurn
from exporter.probe.hosts import Host
from exporter.probe.session import Session
from exporter.probe.session_request import Endpoint
from exporter.schedule.scheduled import TurnEnds, TurnSteps


def begun_turn(
    tools: HostTools, conversation: Conversation, familiar: FamiliarWords, ends: TurnEnds
) -> TurnSteps | None:
    """A turn that has begun; None: a task is needed from the begin, as to wait for a permit."""
    address, dialogue, _ = conversation.key
    if dialogue.retired or not conversation.hosts or tools.costs.pause(address) > 0:
        return None
    leader = next(iter(conversation.hosts.values()))
    mx = leader.key.mx
    expected = familiar.expected(tools.dialogues.plan(dialogue, mx), mx, is_alias=leader.is_alias)
    if expected is None:
        return None
    if not _may_be_unchanged(tools, conversation, familiar, expected):
        familiar.doubt()
        return None
    permit = tools.sessions.runner.permit(address, f"{mx}:{dialogue.port}")
    if permit is None:
        return None
    turn = ExpressTurn(tools, conversation, leader, permit, ends)
    try:
        turn.begin(familiar, expected)
    except BaseException:
        permit.release()
        conversation.leave_session()
        raise
    return turn


def _may_be_unchanged(
    tools: HostTools, conversation: Conversation, familiar: FamiliarWords, expected: Expectation
) -> bool:
    """All results can be made of what the words showed; those of several hosts with the record of a session."""
    if expected.findings is None:
        return True
    if tools.wants_tlsa(conversation):
        return False
    return conversation.record is familiar.record if tools.may_be_shared(conversation) else True


class ExpressTurn:
    """One turn, which has its permit: see :class:`exporter.schedule.scheduled.TurnSteps`."""

    __slots__ = (
        "_answers",
        "_began",
        "_conversation",
        "_ends",
        "_leader",
        "_permit",
        "_session",
        "_timeout",
        "_tools",
    )

    def __init__(
        self, tools: HostTools, conversation: Conversation, leader: Host, permit: SessionPermit, ends: TurnEnds
    ) -> None:
        self._tools: Final = tools
        self._conversation: Final = conversation
        self._leader: Final = leader
        self._permit: Final = permit
        self._ends: Final = ends
        self._timeout: Final = conversation.timeout
        # None: it is over here. Each refers to the other: without the circle nothing is left to collect.
        self._session: ExpressSession | None = None

    def begin(self, familiar: FamiliarWords, expected: Expectation) -> None:
        """Begin the session."""
        tools, conversation = self._tools, self._conversation
        address, dialogue, _ = conversation.key
        self._answers = tools.answers_for(conversation, self._timeout)
        conversation.takes_in = conversation.in_session = True
        tools.on_session()
        self._began = tools.clock()
        tools.on_start(self._began - conversation.was_due)
        runner = tools.sessions.runner
        session = self._session = ExpressSession(self, familiar, expected, runner.deadlines)
        endpoint = Endpoint(address, dialogue.port, dialogue.source(address))
        session.begin(TcpConnection(runner.loop, session, runner.poller), endpoint, self._timeout)

    # The session

    def unchanged(self, session: Unchanged) -> None:
        """See :class:`exporter.probe.express.ExpressOwner`."""
        tools, conversation = self._tools, self._conversation
        bug = None
        try:
            self._permit.release()
            tools.costs.settle(conversation.address, 0.0)
            if session.strangers and not tools.may_be_shared(conversation):
                self._continue(self._look_up_and_tell(session))
                return
            if not self._is_told(session, is_another=False):
                self._continue(self._rest().tell_unchanged(session))
                return
        except Exception as error:
            bug = error
        self._end(bug)

    def taken_over(self, began: float) -> Session:
        """See :class:`exporter.probe.express.ExpressOwner`."""
        tools, leader = self._tools, self._leader
        request = tools.request(self._conversation, leader, self._timeout)
        permitted = tools.sessions.runner.session(request, self._permit, began)
        self._continue(self._rest().go_on(leader, request, permitted))
        return permitted.session

    def full_session(self, began: float) -> Session:
        """See :class:`exporter.probe.express.ExpressOwner`."""
        request = self._tools.request(self._conversation, self._leader, self._timeout)
        return self._tools.sessions.runner.session(request, self._permit, began).session

    def failed(self, error: Exception) -> None:
        """See :class:`exporter.probe.express.ExpressOwner`."""
        self._permit.release()
        self._end(error)

    # The schedule

    def cancel(self) -> None:
        """See :class:`exporter.schedule.scheduled.TurnSteps`."""
        session, self._session = self._session, None
        if session is None:
            return
        loop = self._tools.sessions.runner.loop
        try:
            session.leave()
        except Exception as error:
            loop.call_soon(self.failed, error)
        else:
            loop.call_soon(self._cancelled)

    def go_on(self) -> None:
        """See :class:`exporter.schedule.scheduled.TurnSteps`."""
        if self._session is not None:
            self._session.go_on()

    def _cancelled(self) -> None:
        self._permit.release()
        self._end()

    # The end

    def _is_told(self, unchanged: Unchanged, *, is_another: bool) -> bool:
        """Tell the result of the one host again, with new numbers; False: there are others by now.

        `is_another`: the greeting is that of another host.
        """
        tools, conversation, host = self._tools, self._conversation, self._leader
        findings = unchanged.expected.findings
        if findings is None or tools.may_be_shared(conversation) or host.conversation is not conversation:
            return False
        outcome = findings.outcome
        if is_another and findings.if_elsewhere is not None:
            outcome = findings.if_elsewhere
        conversation.takes_in = False
        conversation.began, conversation.granted, conversation.timed_out = self._began, self._timeout, False
        conversation.record = None
        told = {host: HostResult(host.identity, outcome, findings.facts, unchanged.timings, findings.evidence)}
        tools.on_results(conversation, unchanged, told, unchanged.said)
        return True

    async def _look_up_and_tell(self, unchanged: Unchanged) -> None:
        is_another = await is_elsewhere(self._tools.resolver, unchanged.strangers, self._conversation.address)
        if not self._is_told(unchanged, is_another=is_another):
            await self._rest().tell_unchanged(unchanged)

    def _rest(self) -> HostTurn:
        return HostTurn(self._tools, self._conversation, BegunTurn(self._timeout, self._began, self._answers))

    def _continue(self, rest: Coroutine[Any, Any, None]) -> None:
        self._session = None
        conversation = self._conversation
        self._ends.continued(conversation, conversation.through(self._with_lookups(rest)))

    async def _with_lookups(self, rest: Coroutine[Any, Any, None]) -> None:
        with self._tools.lookups_of(self._conversation):
            await rest

    def _end(self, error: Exception | None = None) -> None:
        conversation = self._conversation
        self._session = None
        conversation.leave_session()
        if error is None:
            self._ends.ended(conversation)
        else:
            self._ends.failed(conversation, error)
        conversation.wake()
