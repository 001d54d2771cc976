"""The result of a dialogue: its failure, if it has one, and the replies that are kept. Filled while it goes on."""

from __future__ import annotations

from typing import Final

from exporter.model.failure import Stage
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.plan import STAGES, State
from exporter.smtp.reply import Reply
from exporter.smtp.transitions import Answer

# RFC 5321 4.2.2: "bad sequence of commands" is our fault, unless a refusal came before it; that is the reason then.
_BAD_SEQUENCE: Final = 503
# For what runs at every reply: looking a member up in its Enum takes Python 3.11 twenty times as long as a name here.
_EHLO, _STARTTLS = State.EHLO, State.STARTTLS
_TOLERATED, _REFUSED, _UNEXPECTED = Answer.TOLERATED, Answer.REFUSED, Answer.UNEXPECTED


class DialogueResult:
    """The result of one dialogue; final once it has finished."""

    __slots__ = ("ehlo", "ehlo_tls", "helo_only", "problem", "quit_clean", "refusals")

    def __init__(self) -> None:
        self.problem: Problem | None = None
        # Refusals that did not end the dialogue, or that followed one that did: the one that ends it may be vaguer.
        self.refusals: list[tuple[Stage, Reply]] = []
        self.ehlo: Reply | None = None  # the answer to EHLO, once accepted
        self.ehlo_tls: Reply | None = None  # and to that after STARTTLS
        self.helo_only = False  # HELO was accepted where EHLO was not
        self.quit_clean = False  # 221 and nothing after it

    def note_unaccepted(self, state: State, reply: Reply, answer: Answer) -> None:
        """Note a reply that was not accepted: a refusal that fails nothing, or the problem."""
        if (state is _STARTTLS and answer is _TOLERATED) or (state is _EHLO and answer is _REFUSED):
            self.refusals.append((STAGES[state], reply))
        elif answer is _UNEXPECTED:
            detail = f"answered {reply.code}, which is not expected"
            self.note_problem(STAGES[state], reply, ProblemKind.UNEXPECTED, detail)
        elif answer is not _TOLERATED:
            self.note_problem(STAGES[state], reply)

    def note_problem(
        self, stage: Stage, reply: Reply, kind: ProblemKind = ProblemKind.REFUSED, detail: str = ""
    ) -> None:
        """Note `reply` as the problem, unless a worse one is known.

        Of several refused recipients the worst counts, and what follows from one refusal is no worse one.
        """
        known = self.problem
        if known is not None:
            if known.stage is not stage or known.reply is None:
                return
            if known.reply.code >= reply.code or reply.code == _BAD_SEQUENCE:
                return
        self.problem = Problem(stage, reply, kind, detail)
