"""The steps of a dialogue: the step after an answer, by the plan, the transition table and the server's offer."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exporter.model.failure import Stage
from exporter.smtp import commands
from exporter.smtp.ehlo import Ehlo, parse_ehlo
from exporter.smtp.events import Problem, ProblemKind, Send
from exporter.smtp.meaning import QUESTIONS, tolerates_refusal
from exporter.smtp.plan import STAGES, Credentials, Plan, State
from exporter.smtp.reply import Reply
from exporter.smtp.transitions import END, NEXT, TRANSITIONS, Answer

# Steps that depend on the server's offer.
_CONDITIONAL: Final = frozenset({State.STARTTLS, State.AUTH, State.MAIL}) | QUESTIONS
_AUTHENTICATION: Final = frozenset({State.AUTH, State.AUTH_LOGIN})
_TRANSACTION: Final = frozenset({State.MAIL, State.MESSAGE, State.RSET})
_WITHOUT_ARGUMENT: Final = MappingProxyType(
    {
        state: Send(STAGES[state], state.value.upper().encode() + b"\r\n")
        for state in (State.STARTTLS, State.DATA, State.RSET, State.QUIT)
    }
)
# For code that runs at every reply: to look up a member in its Enum takes Python 3.11 20 times as long as a name here.
_EHLO, _EHLO_TLS, _MAIL, _RCPT = State.EHLO, State.EHLO_TLS, State.MAIL, State.RCPT
_QUIT, _RSET = State.QUIT, State.RSET
_ACCEPTED: Final = Answer.ACCEPTED


class Steps:
    """The place of one dialogue in its plan."""

    __slots__ = ("_message", "_plan", "_recipient", "_step", "_transaction", "announced", "helo", "leaving", "secure")

    def __init__(self, plan: Plan, message: bytes) -> None:
        """`message`: the text for DATA."""
        self._plan = plan
        self._message = message
        self._step = 0
        self._recipient = 0
        self._transaction = False  # MAIL was accepted, and neither delivered nor reset since
        self.helo = plan.helo
        self.announced: Reply | None = None  # the answer to the EHLO that counts
        self.leaving = False  # RSET and QUIT are courtesies, not part of the plan
        self.secure = False  # a handshake is done

    def answered(self, state: State, answer: Answer) -> None:
        """Note the meaning of an answer for the transaction.

        RFC 5321 4.1.1.4, 4.1.1.5: a message received, well or not, and RSET end it.
        """
        if state in _TRANSACTION:
            self._transaction = state is _MAIL and answer is _ACCEPTED

    def following(self, state: State, answer: Answer, *, failed: bool) -> tuple[State, Problem | None]:
        """The state after `answer` in `state`, and the obstacle if the next step of the plan cannot be taken.

        `failed`: something has gone wrong in the dialogue.
        """
        following = TRANSITIONS[state, answer]
        if following is NEXT:
            return self._next_step(state, failed=failed)
        return (self.end() if following is END else following), None

    def end(self) -> State:
        """Leave: the state in which the transaction is reset, or QUIT is said."""
        self._step = len(self._plan.steps)
        self.leaving = True
        return _RSET if self._transaction else _QUIT

    def command(self, state: State) -> Send:
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
                return Send(stage, commands.mail(plan, self._offer()))
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
                return self._authentication(state, plan.credentials)

    def _authentication(self, state: State, credentials: Credentials | None) -> Send:
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

    def _next_step(self, state: State, *, failed: bool) -> tuple[State, Problem | None]:
        """The next of the plan's steps that can be taken; after a failure only further recipients."""
        steps = self._plan.steps
        while self._step < len(steps):
            step = steps[self._step]
            self._step += 1
            if failed and not (step is _RCPT and state is _RCPT):
                break
            if step not in _CONDITIONAL:
                return step, None
            offer = self._offer()
            if step is State.AUTH and "PLAIN" not in offer.mechanisms and "LOGIN" in offer.mechanisms:
                step = State.AUTH_LOGIN
            if self._is_left_out(step, offer):
                continue
            obstacle = self._obstacle(step, offer)
            if obstacle is not None:
                return self.end(), obstacle
            return step, None
        return self.end(), None

    def _offer(self) -> Ehlo:
        """The server's offer as things stand; empty after HELO."""
        return Ehlo() if self.announced is None else parse_ehlo(self.announced)

    def _is_left_out(self, step: State, offer: Ehlo) -> bool:
        """The server does not offer the step, and nothing depends on it."""
        if step is State.STARTTLS:
            return "STARTTLS" not in offer and tolerates_refusal(self._plan, step)
        if step in QUESTIONS:
            argument = self._plan.vrfy if step is State.VRFY else self._plan.expn
            return not argument.isascii() and "SMTPUTF8" not in offer
        return False

    def _obstacle(self, step: State, offer: Ehlo) -> Problem | None:
        """The reason why the server's offer does not allow the step."""
        if step is State.STARTTLS and "STARTTLS" not in offer:
            return Problem(Stage.STARTTLS, None, ProblemKind.NOT_OFFERED, "does not offer STARTTLS")
        if step in _AUTHENTICATION and not self.secure:
            return Problem(Stage.STARTTLS, None, ProblemKind.NOT_OFFERED, "was not asked for AUTH, for there is no TLS")
        if step is State.AUTH and "PLAIN" not in offer.mechanisms:
            return Problem(Stage.AUTH, None, ProblemKind.NOT_OFFERED, "offers neither AUTH PLAIN nor AUTH LOGIN")
        if step is State.MAIL and self._plan.needs_smtputf8 and "SMTPUTF8" not in offer:
            detail = "does not offer SMTPUTF8, which an address needs"
            return Problem(Stage.MAIL, None, ProblemKind.INTERNATIONAL, detail)
        limit = offer.size_limit
        if step is State.MAIL and limit and self._plan.size > limit:  # RFC 1870 6.1
            detail = f"takes messages of up to {limit} bytes, not of {self._plan.size}"
            return Problem(Stage.MAIL, None, ProblemKind.TOO_LARGE, detail)
        return None
