"""The client's side of an SMTP dialogue, driven: bytes in, events out; no socket, no clock.

Feed it with :meth:`Dialogue.receive_data` and :meth:`Dialogue.receive_eof`, then take events until None, which means
"need more". The session around it sends the bytes of a :class:`Send`, times a stage from its Send (or from the connect)
to its :class:`Answered`, shakes hands at :class:`StartTls` and reports how that ended, and closes at :class:`Finished`.
Nothing is sent before the server's last reply is complete, and bytes the server sends before we spoke are a violation:
pipelining is the client's choice, and we never choose it.

The meaning of a reply is decided in exporter.smtp.meaning, the next step in exporter.smtp.steps by the table of
exporter.smtp.transitions; exporter.smtp.dialogue_result keeps what the replies settle.

Words of refusal are never thrown away for what is vaguer: cut off by the end, behind a malformed line, or unasked
behind a positive reply they are the refusal that they say. So after a violation the dialogue says nothing and listens
on for a moment (:class:`Listen`, exporter.smtp.refusal_listener).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Final

from exporter.model.failure import Stage
from exporter.smtp import commands, other_protocols
from exporter.smtp.dialogue_result import DialogueResult
from exporter.smtp.events import Answered, Event, Finished, Listen, Problem, ProblemKind, StartTls
from exporter.smtp.meaning import CLOSING_CODE, meaning
from exporter.smtp.plan import STAGES, Plan, State
from exporter.smtp.refusal_listener import RefusalListener
from exporter.smtp.reply import ReadError, Reply, ReplyReader
from exporter.smtp.steps import Steps
from exporter.smtp.transitions import Answer

_HANDSHAKES: Final = frozenset({State.TLS, State.IMPLICIT_TLS})
_GREETED_BACK: Final = frozenset({State.EHLO, State.HELO})
_INJECTED: Final = "sent plaintext after its answer to STARTTLS and before the handshake"
_NO_TLS: Final = "answered the handshake with something else than TLS"
_OUT_OF_TURN: Final = "spoke before it was its turn"
# In place of a handshake: a reply, and one that refuses.
_REPLY: Final = re.compile(rb"[23][0-9][0-9][ \t\r\n-]")
_REFUSAL: Final = re.compile(rb"[45][0-9][0-9](?:[ \t\r\n-]|$)")

# For code that runs at every reply: to look up a member in its Enum takes Python 3.11 20 times as long as a name here.
_BANNER, _EHLO, _HELO, _QUIT = State.BANNER, State.EHLO, State.HELO, State.QUIT
_STARTTLS, _EHLO_TLS, _FINISHED = State.STARTTLS, State.EHLO_TLS, State.FINISHED
_ACCEPTED, _REFUSED = Answer.ACCEPTED, Answer.REFUSED


class Dialogue:
    """One dialogue. After Finished, `result` is final."""

    __slots__ = (
        "_eof",
        "_listener",
        "_plan",
        "_queue",
        "_reader",
        "_steps",
        "_suspect",
        "result",
        "state",
    )

    def __init__(self, plan: Plan, message: bytes = b"") -> None:
        """`message`: the text for DATA, where the plan has it."""
        self.state = _BANNER
        self.result = DialogueResult()
        self._plan = plan
        self._steps = Steps(plan, message)
        self._reader = self._new_reader()
        self._eof = False
        self._suspect: str | None = None  # another protocol that greets so, too
        self._listener: RefusalListener | None = None  # after a violation
        self._queue: list[Event] = []
        if plan.tls is not None and plan.tls.implicit:
            self._enter(State.IMPLICIT_TLS)

    @property
    def helo(self) -> bytes:
        """The argument of EHLO; to be set before the greeting where the plan leaves it open."""
        return self._steps.helo

    @helo.setter
    def helo(self, helo: bytes) -> None:
        self._steps.helo = helo

    @property
    def secure(self) -> bool:
        """A handshake is done."""
        return self._steps.secure

    @property
    def stage(self) -> Stage | None:
        """The stage whose reply is awaited; None once finished."""
        return STAGES.get(self.state)

    def receive_data(self, data: bytes) -> None:
        """Buffer bytes of the server; after a handshake, those that were in its records."""
        self._reader.receive_data(data)

    def receive_eof(self) -> None:
        """The server closed or reset the connection."""
        self._eof = True

    def expire(self) -> None:
        """The time for the awaited reply is over: nothing may be sent any more, a late reply would answer it.

        Or the moment of a :class:`Listen` is.
        """
        if self.state is _FINISHED:
            return
        if self._listener is not None:
            ended = self._conclude(self._listener.stop())
        else:
            ended = self._cut_off(ProblemKind.TIMEOUT, "did not answer in time")
        self._queue.insert(0, ended)

    def secured(self) -> None:
        """The handshake is done. Both sides forget all that was said before it (RFC 3207 4.2)."""
        self._steps.secure = True
        self._steps.announced = None
        self._reader = self._new_reader()
        self._follow(Answer.ACCEPTED)

    def distrust(self, detail: str) -> None:
        """The handshake is done, but the certificate is not one to go on with."""
        self.result.problem = Problem(Stage.TLS, None, ProblemKind.CERTIFICATE, detail)
        self._reader = self._new_reader()
        self._follow(Answer.UNEXPECTED)

    def handshake_failed(self, detail: str) -> None:
        """There is no TLS, though it may have seemed so (RFC 8446 4.4.2.4); nothing can be said any more."""
        self.result.problem = Problem(Stage.TLS, None, ProblemKind.HANDSHAKE, detail)
        self._enter(_FINISHED)

    def answered_in_clear(self, data: bytes) -> None:
        """Plaintext came where the handshake belongs: an injected reply, a refusal after all, or no TLS at all."""
        stage = STAGES[self.state]
        if self.state is State.TLS and _REPLY.match(data):
            self.result.problem = Problem(Stage.STARTTLS, None, ProblemKind.INJECTION, _INJECTED)
        else:
            self.result.problem = Problem(stage, None, ProblemKind.HANDSHAKE, _NO_TLS)
        self._reader.receive_data(data)
        refusal = self._reader.refusal() if _REFUSAL.match(data) else None
        if refusal is not None:
            said_at = Stage.STARTTLS if self.state is State.TLS else stage
            self.result.refusals.append((said_at, refusal))
            self._queue.append(Answered(said_at, replace(refusal, cut=True)))
        self._follow(Answer.REFUSED)

    def abort(self, detail: str) -> None:
        """End at once: the TLS beneath is broken or the session costs too much, both by the fault of the server."""
        self._queue.append(self._fail(ProblemKind.VIOLATION, detail))

    def next_event(self) -> Event | None:
        """The next event, or None while more data is needed."""
        if self._queue:
            return self._queue.pop(0)
        if self.state is _FINISHED:
            return None
        if self._listener is not None:
            return self._listen_on(self._listener)
        reply = self._reader.next_reply()
        if reply is None:
            return self._cut_off(ProblemKind.CLOSED, "closed the connection") if self._eof else None
        if isinstance(reply, ReadError):
            return self._listen(None)
        return self._take(reply)

    def _take(self, reply: Reply) -> Event:
        if self._plan.credentials is not None:
            reply = commands.without_password(reply, self._plan.credentials)
        answer = meaning(self._plan, self.state, reply)
        if (name := self._foreign(reply, answer)) is not None:
            return self._not_smtp(name, reply)
        stage = STAGES[self.state]
        if answer is None:
            detail = f"answered {reply.code} where that code has no meaning"
            return self._listen(Problem(stage, reply, ProblemKind.VIOLATION, detail), reply.refusal)
        if self._reader.pending and self.state is not _QUIT:
            if answer is _REFUSED or answer is Answer.CLOSING:
                return self._refused_and_more(stage, reply, answer)
            return self._interrupted(stage, reply, answer)
        self._note(reply, answer)
        self._follow(answer)
        return Answered(stage, reply)

    def _foreign(self, reply: Reply, answer: Answer | None) -> str | None:
        """The name of another protocol that the server speaks, as far as this reply shows."""
        if self.state is _BANNER:
            name, self._suspect = other_protocols.by_greeting(reply)
            return name
        if self.state in _GREETED_BACK and (answer is not _ACCEPTED or reply.code != 250):
            return other_protocols.by_ehlo_answer(self._suspect, reply, helo=self.state is _HELO)
        return None

    def _not_smtp(self, name: str, reply: Reply) -> Event:
        """Another protocol with numbered replies, known by its greeting or by its answer to EHLO."""
        if self.state is _BANNER:
            return self._fail(ProblemKind.NOT_SMTP, f"speaks {name}", reply)
        stage = STAGES[self.state]
        self.result.problem = Problem(Stage.BANNER, reply, ProblemKind.NOT_SMTP, f"speaks {name}")
        self._enter(_FINISHED if reply.code == 421 else self._steps.end())
        return Answered(stage, reply)

    # Unsolicited and malformed data

    def _refused_and_more(self, stage: Stage, reply: Reply, answer: Answer) -> Event:
        """More stands behind a refusal: another reason perhaps, which answers no command."""
        self._note(reply, answer)
        if self.result.problem is None and not self._steps.leaving:  # EHLO's refusal: HELO would draw nothing new
            self.result.problem = Problem(stage, reply)
        further = self._reader.refusal(ended=False)
        known = self.result.problem
        if further is not None and known is not None and (known.stage, known.reply) == (stage, reply):
            self.result.problem = replace(known, further=(further,))
        closing = answer is Answer.CLOSING or (further is not None and further.code == CLOSING_CODE)
        self._reader = self._new_reader()
        self._enter(_FINISHED if closing else self._steps.end())
        return Answered(stage, reply)

    def _interrupted(self, stage: Stage, reply: Reply, answer: Answer) -> Event:
        """More stands behind a positive reply, before we spoke: a refusal, or a violation."""
        refusal = self._reader.refusal(ended=False)
        if refusal is None and self.state is _STARTTLS and answer is _ACCEPTED:
            return self._fail(ProblemKind.INJECTION, _INJECTED)
        self._note(reply, answer)
        self._queue.insert(0, self._listen(Problem(stage, reply, ProblemKind.VIOLATION, _OUT_OF_TURN), refusal))
        return Answered(stage, reply)

    def _listen(self, violation: Problem | None, refusal: Reply | None = None) -> Event:
        """Go on listening for a refusal, unless there is one already. `violation` None: the reader gave an error."""
        if self._steps.leaving:
            return self._fail(ProblemKind.VIOLATION, "")
        if refusal is not None:
            return self._refused_after_all(refusal)
        self._listener = RefusalListener(self._reader, STAGES[self.state], violation)
        return self._listen_on(self._listener) or Listen()

    def _listen_on(self, listener: RefusalListener) -> Event | None:
        finding = listener.finding(eof=self._eof)
        return None if finding is None else self._conclude(finding)

    def _conclude(self, finding: Reply | Problem) -> Event:
        """End the listening."""
        self._listener = None
        return self._refused_after_all(finding) if isinstance(finding, Reply) else self._fail_with(finding)

    def _refused_after_all(self, refusal: Reply) -> Event:
        """Words of refusal, unasked or in malformed data: they are the refusal of this stage."""
        stage = STAGES[self.state]
        self.result.note_problem(stage, refusal)
        gone = refusal.cut or self._eof or refusal.code == CLOSING_CODE
        self._reader = self._new_reader()
        self._enter(_FINISHED if gone else self._steps.end())
        return Answered(stage, refusal)

    def _cut_off(self, kind: ProblemKind, detail: str) -> Event:
        """The dialogue ends within a reply, or before it; words of refusal that came are the reason."""
        refusal = None if self._steps.leaving else self._reader.refusal()
        if refusal is None:
            missing = self._reader.unfinished()
            return self._fail(kind, f"{detail}: {missing}" if missing else detail)
        stage = STAGES[self.state]
        self._note(refusal, meaning(self._plan, self.state, refusal) or _REFUSED)
        self._queue.append(self._fail(kind, detail))
        return Answered(stage, refusal)

    def _new_reader(self) -> ReplyReader:
        credentials = self._plan.credentials
        return ReplyReader(None if credentials is None else partial(commands.masked, credentials=credentials))

    # The next state

    def _note(self, reply: Reply, answer: Answer) -> None:
        """Note the parts of the result that a reply settles."""
        state, steps = self.state, self._steps
        if state is _QUIT:
            self.result.quit_clean = reply.code == 221 and not self._reader.pending
        elif answer is _ACCEPTED:
            if state is _EHLO:
                self.result.ehlo = steps.announced = reply
            elif state is _EHLO_TLS:
                self.result.ehlo_tls = steps.announced = reply
            elif state is _HELO:
                self.result.helo_only = _EHLO in self._plan.steps
        elif not steps.leaving:
            self.result.note_unaccepted(state, reply, answer)
        steps.answered(state, answer)

    def _follow(self, answer: Answer) -> None:
        state, obstacle = self._steps.following(self.state, answer, failed=self.result.problem is not None)
        if obstacle is not None:
            self.result.problem = obstacle
        self._enter(state)

    def _enter(self, state: State) -> None:
        self.state = state
        if state is _FINISHED:
            self._queue.append(Finished())
        elif state in _HANDSHAKES:
            self._queue.append(StartTls())
        elif state is not _BANNER:
            self._queue.append(self._steps.command(state))

    def _fail(self, kind: ProblemKind, detail: str, reply: Reply | None = None) -> Event:
        return self._fail_with(Problem(STAGES[self.state], reply, kind, detail))

    def _fail_with(self, problem: Problem) -> Event:
        """End without a further word. RSET and QUIT fail no dialogue that was complete, nor outrank why it was not."""
        if not self._steps.leaving and self.result.problem is None:
            self.result.problem = problem
        self.state = State.FINISHED
        return Finished()
