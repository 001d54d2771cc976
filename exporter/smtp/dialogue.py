"""The client's side of an SMTP conversation as a transition table; no socket, no clock.

Feed it with :meth:`Dialogue.receive_data` and :meth:`Dialogue.receive_eof`, then take events until None, which means
"need more". The shell around it sends what a :class:`Send` holds, times a stage from its Send (or from the connect) to
its :class:`Answered`, shakes hands at :class:`StartTls` and tells how that ended, and closes at :class:`Finished`.
Nothing is sent before the server's last reply is complete, and bytes the server sends before we spoke are a violation:
pipelining is the client's choice, and we never choose it.

Words of refusal are never thrown away for what is vaguer: cut off by the end, behind a broken line, or unasked behind a
positive reply they are the refusal that they say. So after a violation the dialogue says nothing and listens on for a
moment (:class:`Listen`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

from exporter.model.failure import Stage
from exporter.smtp import commands, foreign
from exporter.smtp.ehlo import Ehlo, parse_ehlo
from exporter.smtp.events import Answered, Break, Event, Finished, Listen, Problem, Send, StartTls
from exporter.smtp.plan import STAGES, Credentials, Plan, State
from exporter.smtp.reply import Broken, Reply, ReplyReader
from exporter.smtp.transitions import END, NEXT, TRANSITIONS, Answer

__all__ = [
    "TRANSITIONS", "Answer", "Answered", "Break", "Dialogue", "Event", "Finished", "Listen", "Plan", "Problem", "Send",
    "StartTls", "State",
]  # fmt: skip

# The one positive code that has a meaning, where not every 2xx has: RFC 5321 4.3.2, RFC 3207 4, RFC 4954 4.
_CODES: Final = MappingProxyType(
    {
        State.BANNER: 220,
        State.STARTTLS: 220,
        State.AUTH_LOGIN: 334,
        State.AUTH_USERNAME: 334,
        State.DATA: 354,
    }
)
# Replies on the way to the one that codes are expected of.
_INTERMEDIATE: Final = frozenset({State.AUTH_LOGIN, State.AUTH_USERNAME, State.DATA})
_QUESTIONS: Final = frozenset({State.VRFY, State.EXPN})
_HANDSHAKES: Final = frozenset({State.TLS, State.IMPLICIT_TLS})
# Steps that depend on what the server offers.
_CONDITIONAL: Final = frozenset({State.STARTTLS, State.AUTH, State.MAIL}) | _QUESTIONS
_GREETED_BACK: Final = frozenset({State.EHLO, State.HELO})
_TRANSACTION: Final = frozenset({State.MAIL, State.MESSAGE, State.RSET})
_INJECTED: Final = "sent plaintext after its answer to STARTTLS and before the handshake"
_OUT_OF_TURN: Final = "spoke before it was its turn"
# RFC 5321 4.2.2: "bad sequence of commands" is our fault, unless a refusal came before it; that is the reason then.
_BAD_SEQUENCE: Final = 503
_CLOSING_CODE: Final = 421  # RFC 5321 3.8: and the connection is closed
# Another protocol is told by its first bytes or its first line; who sends more a byte at a time is not read each time.
_TELLING_BYTES: Final = 4096
# In place of a handshake: a reply, and one that refuses.
_REPLY: Final = re.compile(rb"[23][0-9][0-9][ \t\r\n-]")
_REFUSAL: Final = re.compile(rb"[45][0-9][0-9](?:[ \t\r\n-]|$)")

_WITHOUT_ARGUMENT: Final = MappingProxyType(
    {
        state: Send(STAGES[state], state.value.upper().encode() + b"\r\n")
        for state in (State.STARTTLS, State.DATA, State.RSET, State.QUIT)
    }
)
# For what runs at every reply: looking a member up in its Enum takes Python 3.11 twenty times as long as a name here.
_BANNER, _EHLO, _HELO, _QUIT = State.BANNER, State.EHLO, State.HELO, State.QUIT
_STARTTLS, _EHLO_TLS, _MAIL, _RCPT = State.STARTTLS, State.EHLO_TLS, State.MAIL, State.RCPT
_FINISHED = State.FINISHED
_ACCEPTED, _TOLERATED = Answer.ACCEPTED, Answer.TOLERATED
_REFUSED, _UNEXPECTED = Answer.REFUSED, Answer.UNEXPECTED


class Dialogue:
    """One conversation. After Finished, `problem` says what went wrong, if anything did."""

    __slots__ = (
        "_eof",
        "_expect",
        "_heard",
        "_leaving",
        "_listening",
        "_message",
        "_misdeed",
        "_plan",
        "_queue",
        "_reader",
        "_recipient",
        "_step",
        "_suspect",
        "_transaction",
        "ehlo",
        "ehlo_tls",
        "helo",
        "helo_only",
        "problem",
        "quit_clean",
        "refusals",
        "secure",
        "state",
    )

    def __init__(self, plan: Plan, message: bytes = b"") -> None:
        """`message` is what DATA delivers, where the plan has it."""
        self.state = _BANNER
        self.problem: Problem | None = None
        self.ehlo: Reply | None = None  # the answer to EHLO, once accepted
        self.ehlo_tls: Reply | None = None  # and to that after STARTTLS
        self.helo_only = False  # HELO was accepted where EHLO was not
        self.quit_clean = False  # 221 and nothing after it
        self.secure = False  # a handshake is behind us
        self.helo = plan.helo  # to be set before the greeting where the plan leaves it open
        self._plan = plan
        self._message = message
        self._expect = dict(plan.expect)
        self._step = 0
        self._recipient = 0
        self._transaction = False  # MAIL was accepted, and neither delivered nor reset since
        self._leaving = False  # RSET and QUIT are manners, not part of the plan
        self._reader = self._new_reader()
        self._eof = False
        # Refusals that did not end the conversation, or that followed one that did. What ends it may be vaguer.
        self.refusals: list[tuple[Stage, Reply]] = []
        self._suspect: str | None = None  # another protocol that greets so, too
        self._listening = False  # what came is broken; a refusal may follow
        self._heard = 0  # bytes in which no other protocol was recognised
        self._misdeed: Problem | None = None  # what it will have been if none does; None: a broken line
        self._queue: list[Event] = []
        if plan.tls is not None and plan.tls.implicit:
            self._enter(State.IMPLICIT_TLS)

    @property
    def stage(self) -> Stage | None:
        """The stage whose reply is awaited; None once finished."""
        return STAGES.get(self.state)

    @property
    def listening(self) -> bool:
        """What came is broken, and what else comes is awaited for a moment."""
        return self._listening

    def receive_data(self, data: bytes) -> None:
        """Buffer what the server sent; after a handshake, what was in its records."""
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
        ended = self._conclude() if self._listening else self._cut_off(Break.TIMEOUT, "did not answer in time")
        self._queue.insert(0, ended)

    def secured(self) -> None:
        """The handshake is done. What was said before it is forgotten, by both sides (RFC 3207 4.2)."""
        self.secure = True
        self._reader = self._new_reader()
        self._follow(Answer.ACCEPTED)

    def distrust(self, detail: str) -> None:
        """The handshake is done, but the certificate is not one to go on with."""
        self.problem = Problem(Stage.TLS, None, Break.CERTIFICATE, detail)
        self._reader = self._new_reader()
        self._follow(Answer.UNEXPECTED)

    def handshake_failed(self, detail: str) -> None:
        """There is no TLS, though it may have seemed so (RFC 8446 4.4.2.4); nothing can be said any more."""
        self.problem = Problem(Stage.TLS, None, Break.HANDSHAKE, detail)
        self._enter(_FINISHED)

    def answered_in_clear(self, data: bytes) -> None:
        """Plaintext came where the handshake belongs: an injected reply, a refusal after all, or no TLS at all."""
        stage = STAGES[self.state]
        if self.state is State.TLS and _REPLY.match(data):
            self.problem = Problem(Stage.STARTTLS, None, Break.INJECTION, _INJECTED)
        else:
            self.problem = Problem(stage, None, Break.HANDSHAKE, "answered the handshake with something else than TLS")
        self._reader.receive_data(data)
        refusal = self._reader.refusal() if _REFUSAL.match(data) else None
        if refusal is not None:
            said_at = Stage.STARTTLS if self.state is State.TLS else stage
            self.refusals.append((said_at, refusal))
            self._queue.append(Answered(said_at, replace(refusal, cut=True)))
        self._follow(Answer.REFUSED)

    def violated(self, detail: str) -> None:
        """The server broke the layer beneath; nothing can be said any more."""
        self._queue.append(self._break(Break.VIOLATION, detail))

    def next_event(self) -> Event | None:
        """The next event, or None while more data is needed."""
        if self._queue:
            return self._queue.pop(0)
        if self.state is _FINISHED:
            return None
        if self._listening:
            return self._listen_on()
        reply = self._reader.next_reply()
        if reply is None:
            return self._cut_off(Break.CLOSED, "closed the connection") if self._eof else None
        if isinstance(reply, Broken):
            return self._listen(None)
        return self._take(reply)

    def _take(self, reply: Reply) -> Event:
        if self._plan.credentials is not None:
            reply = commands.without_password(reply, self._plan.credentials)
        answer = self._answer(reply)
        if (name := self._foreign(reply, answer)) is not None:
            return self._speaks(name, reply)
        stage = STAGES[self.state]
        if answer is None:
            detail = f"answered {reply.code} where that code has no meaning"
            return self._listen(Problem(stage, reply, Break.VIOLATION, detail), reply.refusal)
        if self._reader.pending and self.state is not _QUIT:
            if answer is _REFUSED or answer is Answer.CLOSING:
                return self._refused_and_more(stage, reply, answer)
            return self._interrupted(stage, reply, answer)
        self._note(stage, reply, answer)
        self._follow(answer)
        return Answered(stage, reply)

    def _foreign(self, reply: Reply, answer: Answer | None) -> str | None:
        """The protocol that is spoken instead, as far as this reply shows."""
        if self.state is _BANNER:
            name, self._suspect = foreign.numbered(reply)
            return name
        if self.state in _GREETED_BACK and (answer is not _ACCEPTED or reply.code != 250):
            return foreign.betrayed(self._suspect, reply, helo=self.state is _HELO)
        return None

    def _speaks(self, name: str, reply: Reply) -> Event:
        """Another protocol, though its replies are numbered like ours: by its greeting, or by what EHLO drew."""
        if self.state is _BANNER:
            return self._break(Break.NOT_SMTP, f"speaks {name}", reply)
        stage = STAGES[self.state]
        self.problem = Problem(Stage.BANNER, reply, Break.NOT_SMTP, f"speaks {name}")
        self._enter(_FINISHED if reply.code == 421 else self._end())
        return Answered(stage, reply)

    # What is unasked, and what is broken

    def _refused_and_more(self, stage: Stage, reply: Reply, answer: Answer) -> Event:
        """More stands behind a refusal: another reason perhaps, and an answer to nothing."""
        self._note(stage, reply, answer)
        if self.problem is None and not self._leaving:  # EHLO's refusal: HELO would draw nothing new
            self.problem = Problem(stage, reply)
        further = self._reader.refusal(ended=False)
        if further is not None and self.problem is not None and self.problem.reply is reply:
            self.problem = replace(self.problem, further=(further,))
        closing = answer is Answer.CLOSING or (further is not None and further.code == _CLOSING_CODE)
        self._reader = self._new_reader()
        self._enter(_FINISHED if closing else self._end())
        return Answered(stage, reply)

    def _interrupted(self, stage: Stage, reply: Reply, answer: Answer) -> Event:
        """More stands behind a positive reply, before we spoke: a refusal, or a violation."""
        refusal = self._reader.refusal(ended=False)
        if refusal is None and self.state is _STARTTLS and answer is _ACCEPTED:
            return self._break(Break.INJECTION, _INJECTED)
        self._note(stage, reply, answer)
        self._queue.insert(0, self._listen(Problem(stage, reply, Break.VIOLATION, _OUT_OF_TURN), refusal))
        return Answered(stage, reply)

    def _listen(self, misdeed: Problem | None, refusal: Reply | None = None) -> Event:
        """Go on listening for a refusal, unless there is one already. `misdeed` None: a line is broken."""
        if self._leaving:
            return self._break(Break.VIOLATION, "")
        if refusal is not None:
            return self._refused_after_all(refusal)
        self._listening, self._misdeed = True, misdeed
        return self._listen_on() or Listen()

    def _listen_on(self) -> Event | None:
        if self._greeting_is_broken and self._heard < _TELLING_BYTES:
            said = self._reader.raw
            self._heard = len(said)
            if (name := foreign.recognise(said)) is not None:
                return self._break(Break.NOT_SMTP, f"speaks {name}")
        refusal = self._reader.refusal(ended=False)
        if refusal is not None:
            return self._refused_after_all(refusal)
        return self._conclude() if self._eof or self._reader.full else None

    @property
    def _greeting_is_broken(self) -> bool:
        """What came first is no reply at all, so that it may be anything."""
        return self.state is _BANNER and self._misdeed is None

    def _conclude(self) -> Event:
        """Nothing more will be listened to: what was it?"""
        said = self._reader.raw if self._greeting_is_broken else b""
        name = foreign.recognise(said + b"\n") if said else None
        refusal = self._reader.refusal() if name is None else None
        if refusal is not None:
            return self._refused_after_all(refusal)
        name = name or (foreign.guess(said) if said else None)
        if name is not None:
            return self._break(Break.NOT_SMTP, f"speaks {name}")
        if self._misdeed is not None:
            return self._break(Break.VIOLATION, self._misdeed.detail, self._misdeed.reply)
        how = "greeted" if self.state is _BANNER else "answered"
        return self._break(Break.VIOLATION, f"{how} with {self._reader.violation().detail}")

    def _refused_after_all(self, refusal: Reply) -> Event:
        """Words of refusal, unasked or among what is broken: they are the refusal of this stage."""
        stage = STAGES[self.state]
        self._listening = False
        if not self._outranked(stage, refusal):
            self.problem = Problem(stage, refusal)
        gone = refusal.cut or self._eof or refusal.code == _CLOSING_CODE
        self._reader = self._new_reader()
        self._enter(_FINISHED if gone else self._end())
        return Answered(stage, refusal)

    def _cut_off(self, broken: Break, detail: str) -> Event:
        """The conversation ends within a reply, or before it; words of refusal that came are the reason."""
        refusal = None if self._leaving else self._reader.refusal()
        if refusal is None:
            missing = self._reader.unfinished()
            return self._break(broken, f"{detail}: {missing}" if missing else detail)
        stage = STAGES[self.state]
        self._note(stage, refusal, self._answer(refusal) or _REFUSED)
        self._queue.append(self._break(broken, detail))
        return Answered(stage, refusal)

    def _new_reader(self) -> ReplyReader:
        credentials = self._plan.credentials
        return ReplyReader(None if credentials is None else partial(commands.masked, credentials=credentials))

    # What a reply means

    def _answer(self, reply: Reply) -> Answer | None:
        """What `reply` means here; None where no client could make sense of it."""
        state, code = self.state, reply.code
        expected = self._expect.get(STAGES[state]) if self._expect else None
        if state in _INTERMEDIATE and code < 400:
            expected = None
        if expected is not None and code in expected:
            return _ACCEPTED if code < 400 else _TOLERATED
        if code == _CLOSING_CODE:
            return Answer.CLOSING
        if code >= 400:
            return _TOLERATED if self._tolerated(state) else _REFUSED
        if expected is not None:
            return _UNEXPECTED
        if state is _QUIT:
            return _ACCEPTED
        wanted = _CODES.get(state)
        # 221 answers QUIT and nothing else.
        return _ACCEPTED if code == wanted or (wanted is None and reply.positive and code != 221) else None

    def _tolerated(self, state: State) -> bool:
        """Whether a refusal fails nothing: a server need not answer questions, nor offer what is not required."""
        if state is _STARTTLS:
            return self._plan.tls is None or not self._plan.tls.required
        return state in _QUESTIONS

    def _note(self, stage: Stage, reply: Reply, answer: Answer) -> None:
        """Remember what the result will be made of."""
        state = self.state
        if state is _QUIT:
            self.quit_clean = reply.code == 221 and not self._reader.pending
        elif answer is _ACCEPTED:
            if state is _EHLO:
                self.ehlo = reply
            elif state is _EHLO_TLS:
                self.ehlo_tls = reply
            self.helo_only |= state is _HELO and _EHLO in self._plan.steps
        elif self._leaving:
            pass
        elif answer is _TOLERATED:
            if state is _STARTTLS:
                self.refusals.append((stage, reply))
        elif state is _EHLO and answer is _REFUSED:
            self.refusals.append((stage, reply))
        elif not self._outranked(stage, reply):
            broken, detail = None, ""
            if answer is _UNEXPECTED:
                broken, detail = Break.UNEXPECTED, f"answered {reply.code}, which is not expected"
            self.problem = Problem(stage, reply, broken, detail)
        # RFC 5321 4.1.1.4, 4.1.1.5: a message received, well or not, and RSET end the transaction.
        if state in _TRANSACTION:
            self._transaction = state is _MAIL and answer is _ACCEPTED

    def _outranked(self, stage: Stage, reply: Reply) -> bool:
        """Of several refused recipients the worst counts, and what follows from one refusal is no worse one."""
        known = self.problem
        if known is None:
            return False
        if known.stage is not stage or known.reply is None:
            return True
        return known.reply.code >= reply.code or reply.code == _BAD_SEQUENCE

    # What comes next

    def _follow(self, answer: Answer) -> None:
        following = TRANSITIONS[self.state, answer]
        if following == NEXT:
            following = self._next_step()
        elif following == END:
            following = self._end()
        self._enter(following if isinstance(following, State) else State(following))

    def _next_step(self) -> State:
        """The next of the plan's steps that can be taken."""
        steps = self._plan.steps
        while self._step < len(steps):
            state = steps[self._step]
            self._step += 1
            if self.problem is not None and not (state is _RCPT and self.state is _RCPT):
                break
            if state not in _CONDITIONAL:
                return state
            offered = self._offered()
            if state is State.AUTH and "PLAIN" not in offered.mechanisms and "LOGIN" in offered.mechanisms:
                state = State.AUTH_LOGIN
            if self._passed_over(state, offered):
                continue
            self.problem = self._obstacle(state, offered)
            if self.problem is not None:
                break
            return state
        return self._end()

    def _end(self) -> State:
        self._step = len(self._plan.steps)
        self._leaving = True
        if self._transaction:
            return State.RSET
        return _QUIT

    def _offered(self) -> Ehlo:
        """What the server offers as things stand; nothing to who said HELO."""
        said = self.ehlo_tls if self.secure and not self._implicit else self.ehlo
        return Ehlo() if said is None else parse_ehlo(said)

    @property
    def _implicit(self) -> bool:
        return self._plan.tls is not None and self._plan.tls.implicit

    def _passed_over(self, state: State, offered: Ehlo) -> bool:
        """Whether a step that nothing depends on is left out."""
        if state is State.STARTTLS:
            return "STARTTLS" not in offered and self._tolerated(state)
        if state in _QUESTIONS:
            argument = self._plan.vrfy if state is State.VRFY else self._plan.expn
            return not argument.isascii() and "SMTPUTF8" not in offered
        return False

    def _obstacle(self, state: State, offered: Ehlo) -> Problem | None:
        """Why the step cannot be taken, from what the server offers."""
        if state is State.STARTTLS and "STARTTLS" not in offered:
            return Problem(Stage.STARTTLS, None, Break.NOT_OFFERED, "does not offer STARTTLS")
        if state is State.AUTH and not self.secure:
            return Problem(Stage.STARTTLS, None, Break.NOT_OFFERED, "was not asked for AUTH, for there is no TLS")
        if state is State.AUTH and "PLAIN" not in offered.mechanisms:
            return Problem(Stage.AUTH, None, Break.NOT_OFFERED, "offers neither AUTH PLAIN nor AUTH LOGIN")
        if state is State.MAIL and self._plan.needs_smtputf8 and "SMTPUTF8" not in offered:
            return Problem(Stage.MAIL, None, Break.INTERNATIONAL, "does not offer SMTPUTF8, which an address needs")
        limit = offered.size_limit
        if state is State.MAIL and limit and self._plan.size > limit:  # RFC 1870 6.1
            detail = f"takes messages of up to {limit} bytes, not of {self._plan.size}"
            return Problem(Stage.MAIL, None, Break.TOO_LARGE, detail)
        return None

    def _enter(self, state: State) -> None:
        self.state = state
        if state is _FINISHED:
            self._queue.append(Finished())
        elif state in _HANDSHAKES:
            self._queue.append(StartTls())
        elif state is not _BANNER:
            self._queue.append(self._send(state))

    def _send(self, state: State) -> Send:
        """The command of a state (RFC 5321 4.1.1)."""
        if state in _WITHOUT_ARGUMENT:
            return _WITHOUT_ARGUMENT[state]
        stage, plan = STAGES[state], self._plan
        if state is _EHLO or state is _EHLO_TLS:
            return Send(stage, b"EHLO " + self.helo + b"\r\n")
        match state:
            case State.HELO:
                return Send(stage, b"HELO " + self.helo + b"\r\n")
            case State.MAIL:
                return Send(stage, commands.mail(plan, self._offered()))
            case State.RCPT:
                self._recipient += 1
                return Send(stage, commands.rcpt(plan.recipients[self._recipient - 1]))
            case State.MESSAGE:
                return Send(stage, commands.message(self._message))
            case State.VRFY:
                return Send(stage, commands.ask("VRFY", plan.vrfy))
            case State.EXPN:
                return Send(stage, commands.ask("EXPN", plan.expn))
            case _:
                return self._authenticate(state, plan.credentials)

    def _authenticate(self, state: State, credentials: Credentials | None) -> Send:
        """The lines of AUTH; never without TLS, whatever the plan says."""
        if credentials is None or not self.secure:
            raise ValueError("AUTH without credentials or TLS")
        match state:
            case State.AUTH:
                return Send(Stage.AUTH, commands.auth_plain(credentials), commands.AUTH_PLAIN_SHOWN)
            case State.AUTH_LOGIN:
                return Send(Stage.AUTH, commands.AUTH_LOGIN)
            case State.AUTH_USERNAME:
                return Send(Stage.AUTH, commands.encoded(credentials.username))
            case State.AUTH_PASSWORD:
                return Send(Stage.AUTH, commands.encoded(credentials.password), commands.MASK + b"\r\n")
            case _:
                raise ValueError(f"{state} has no command")

    # How it breaks

    def _break(self, broken: Break, detail: str, reply: Reply | None = None) -> Event:
        # What happens to RSET and QUIT cannot fail a conversation that was complete, nor outrank why it was not.
        if not self._leaving and self.problem is None:
            self.problem = Problem(STAGES[self.state], reply, broken, detail)
        self.state = State.FINISHED
        return Finished()
