"""The client's side of an SMTP conversation as a transition table; no socket, no clock.

Feed it with :meth:`Dialogue.receive_data` and :meth:`Dialogue.receive_eof`, then take events until None, which means
"need more". The shell around it sends what a :class:`Send` holds, times a stage from its Send (or from the connect) to
its :class:`Answered`, and closes at :class:`Finished`. Nothing is sent before the server's last reply is complete, and
bytes the server sends before we spoke are a violation: pipelining is the client's choice, and we never choose it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final

from exporter.result import Stage
from exporter.smtp.foreign import recognise
from exporter.smtp.reply import Reply, ReplyReader, Violation


class State(StrEnum):
    """Which reply is awaited."""

    BANNER = "banner"
    EHLO = "ehlo"
    HELO = "helo"
    QUIT = "quit"
    FINISHED = "finished"


class Answer(Enum):
    """What a reply means where it was given."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # 4xx, 5xx
    CLOSING = "closing"  # 421: the server closes the connection (RFC 5321 3.8)
    UNEXPECTED = "unexpected"  # positive, yet not among the codes that count as success


# (awaited, answer) -> what comes next. NEXT means the following planned stage.
_NEXT: Final = "next"
TRANSITIONS: Final[Mapping[tuple[State, Answer], State | str]] = MappingProxyType(
    {
        (State.BANNER, Answer.ACCEPTED): _NEXT,
        (State.BANNER, Answer.REFUSED): State.QUIT,  # RFC 5321 3.1: after a 554 greeting wait for the client's QUIT
        (State.BANNER, Answer.UNEXPECTED): State.QUIT,
        (State.BANNER, Answer.CLOSING): State.FINISHED,
        (State.EHLO, Answer.ACCEPTED): _NEXT,
        (State.EHLO, Answer.REFUSED): State.HELO,  # RFC 5321 3.2: an old server knows only HELO
        (State.EHLO, Answer.UNEXPECTED): State.QUIT,
        (State.EHLO, Answer.CLOSING): State.FINISHED,
        (State.HELO, Answer.ACCEPTED): _NEXT,
        (State.HELO, Answer.REFUSED): State.QUIT,
        (State.HELO, Answer.UNEXPECTED): State.QUIT,
        (State.HELO, Answer.CLOSING): State.FINISHED,
        (State.QUIT, Answer.ACCEPTED): State.FINISHED,
        (State.QUIT, Answer.REFUSED): State.FINISHED,
        (State.QUIT, Answer.UNEXPECTED): State.FINISHED,
        (State.QUIT, Answer.CLOSING): State.FINISHED,
    }
)
_STAGES: Final = MappingProxyType(
    {State.BANNER: Stage.BANNER, State.EHLO: Stage.EHLO, State.HELO: Stage.EHLO, State.QUIT: Stage.QUIT}
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to say; hashable, for equal plans may share a session.

    `expect` names the codes that count as success where they are not the standard's.
    """

    helo: bytes
    steps: tuple[State, ...] = (State.EHLO,)
    expect: tuple[tuple[Stage, frozenset[int]], ...] = ()


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes to write now; the reply to them ends `stage`."""

    stage: Stage
    data: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A complete reply ended `stage`."""

    stage: Stage
    reply: Reply


class Break(StrEnum):
    """Why a conversation ended otherwise than by a reply; the stage is the awaited one."""

    CLOSED = "closed"
    TIMEOUT = "timeout"
    VIOLATION = "violation"
    NOT_SMTP = "not_smtp"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that went wrong: a refusing reply, or a break."""

    stage: Stage
    reply: Reply | None = None  # a refusal, or the unexpected reply
    broken: Break | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing more will be said; close the connection."""


Event = Send | Answered | Finished


class Dialogue:
    """One conversation. After Finished, `problem` says what went wrong, if anything did."""

    __slots__ = (
        "_eof",
        "_expect",
        "_plan",
        "_queue",
        "_reader",
        "_step",
        "ehlo",
        "ehlo_refusal",
        "helo_only",
        "problem",
        "quit_clean",
        "state",
    )

    def __init__(self, plan: Plan) -> None:
        self.state = State.BANNER
        self.problem: Problem | None = None
        self.ehlo: Reply | None = None  # the answer to EHLO, once accepted
        self.helo_only = False  # HELO was accepted where EHLO was not, or was asked for
        self.quit_clean = False  # 221 and nothing after it
        self._plan = plan
        self._expect = dict(plan.expect)
        self._step = 0
        self._reader = ReplyReader()
        self._eof = False
        # What EHLO was answered where HELO was tried after it: its reason may be the finer one.
        self.ehlo_refusal: Reply | None = None
        self._queue: list[Event] = []

    @property
    def stage(self) -> Stage | None:
        """The stage whose reply is awaited; None once finished."""
        return _STAGES.get(self.state)

    @property
    def received(self) -> bytes:
        """The first bytes of a reply still incomplete, for a person to look at."""
        return self._reader.peek

    def receive_data(self, data: bytes) -> None:
        """Buffer what the server sent."""
        self._reader.receive_data(data)

    def receive_eof(self) -> None:
        """The server closed or reset the connection."""
        self._eof = True

    def expire(self) -> None:
        """The time for the awaited reply is over: nothing may be sent any more, a late reply would answer it."""
        self._break(Break.TIMEOUT, "did not answer in time")

    def next_event(self) -> Event | None:
        """The next event, or None while more data is needed."""
        if self._queue:
            return self._queue.pop(0)
        if self.state is State.FINISHED:
            return None
        # A protocol that greets in bytes of its own need not send a line end, so look before reading lines.
        if self.state is State.BANNER and (name := recognise(self._reader.peek)):
            return self._break(Break.NOT_SMTP, f"speaks {name}")
        reply = self._reader.next_reply()
        if reply is None:
            return self._break(Break.CLOSED, "closed the connection") if self._eof else None
        if isinstance(reply, Violation):
            return self._violation(reply)
        return self._take(reply)

    def _take(self, reply: Reply) -> Event:
        stage = _STAGES[self.state]
        answer = self._answer(stage, reply)
        if answer is None:
            return self._break(Break.VIOLATION, f"answered {reply.code} where that code has no meaning", reply)
        if self._reader.pending and self.state is not State.QUIT:
            return self._break(Break.VIOLATION, "spoke before it was its turn", reply)
        self._note(stage, reply, answer)
        following = TRANSITIONS[self.state, answer]
        self._enter(self._next_step() if following == _NEXT else State(following))
        return Answered(stage, reply)

    def _answer(self, stage: Stage, reply: Reply) -> Answer | None:
        """What `reply` means here; None where no client could make sense of it."""
        expected = self._expect.get(stage)
        if expected is not None and reply.code in expected:
            return Answer.ACCEPTED
        if reply.code == 421:
            return Answer.CLOSING
        if reply.code >= 400:
            return Answer.REFUSED
        if expected is not None:
            return Answer.UNEXPECTED
        if stage is Stage.QUIT:
            return Answer.ACCEPTED
        # RFC 5321 4.3.2: a greeting is 220 or a refusal, and no stage here has an intermediate reply; 221 answers QUIT.
        if not reply.positive or reply.code == 221 or (stage is Stage.BANNER and reply.code != 220):
            return None
        return Answer.ACCEPTED

    def _note(self, stage: Stage, reply: Reply, answer: Answer) -> None:
        """Remember what the result will be made of."""
        if self.state is State.QUIT:
            self.quit_clean = reply.code == 221 and not self._reader.pending
        elif answer is Answer.ACCEPTED:
            if self.state is State.EHLO:
                self.ehlo = reply
            self.helo_only |= self.state is State.HELO
        elif self.state is State.EHLO and answer is Answer.REFUSED:
            self.ehlo_refusal = reply
        elif answer is Answer.UNEXPECTED:
            self.problem = Problem(stage, reply, Break.UNEXPECTED, f"answered {reply.code}, which is not expected")
        else:
            self.problem = Problem(stage, reply)

    def _next_step(self) -> State:
        if self._step == len(self._plan.steps):
            return State.QUIT
        self._step += 1
        return self._plan.steps[self._step - 1]

    def _enter(self, state: State) -> None:
        self.state = state
        if state is State.FINISHED:
            self._queue.append(Finished())
        else:
            self._queue.append(Send(_STAGES[state], self._command(state)))

    def _command(self, state: State) -> bytes:
        """RFC 5321 4.1.1.1, 4.1.1.10."""
        if state is State.QUIT:
            return b"QUIT\r\n"
        return state.value.upper().encode() + b" " + self._plan.helo + b"\r\n"

    def _violation(self, violation: Violation) -> Event:
        if self.state is State.BANNER:
            return self._break(Break.VIOLATION, f"greeted with {violation.detail}")
        return self._break(Break.VIOLATION, f"answered with {violation.detail}")

    def _break(self, broken: Break, detail: str, reply: Reply | None = None) -> Event:
        # What happens after QUIT cannot fail a conversation that was complete.
        if self.state is not State.QUIT:
            self.problem = Problem(_STAGES[self.state], reply, broken, detail)
        self.state = State.FINISHED
        return Finished()
