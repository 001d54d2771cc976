"""The result of a dialogue: which reply is the problem, and which refusals are kept beside it."""

from __future__ import annotations

import pytest

from exporter.model.failure import Stage
from exporter.smtp.dialogue_result import DialogueResult
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.plan import State
from exporter.smtp.reply import Reply
from exporter.smtp.transitions import Answer

NO, LATER = Reply(550, (b"unknown",)), Reply(451, (b"later",))


@pytest.mark.parametrize(
    ("replies", "worst"), [((LATER, NO), NO), ((NO, LATER), NO), ((NO, Reply(503, (b"sequence",))), NO)]
)
def test_of_several_recipients_the_worst_refusal_is_the_problem(replies: tuple[Reply, ...], worst: Reply) -> None:
    result = DialogueResult()
    for reply in replies:
        result.note_unaccepted(State.RCPT, reply, Answer.REFUSED)
    assert result.problem == Problem(Stage.RCPT, worst)


def test_a_refusal_of_a_later_stage_follows_from_the_first() -> None:
    result = DialogueResult()
    result.note_unaccepted(State.MAIL, LATER, Answer.REFUSED)
    result.note_unaccepted(State.RCPT, NO, Answer.REFUSED)
    assert result.problem == Problem(Stage.MAIL, LATER)


def test_no_reply_outranks_a_problem_without_one() -> None:
    result = DialogueResult()
    result.problem = known = Problem(Stage.TLS, None, ProblemKind.CERTIFICATE, "self-signed")
    result.note_problem(Stage.TLS, NO)
    assert result.problem == known


@pytest.mark.parametrize(
    ("state", "answer", "stage"),
    [(State.EHLO, Answer.REFUSED, Stage.EHLO), (State.STARTTLS, Answer.TOLERATED, Stage.STARTTLS)],
)
def test_a_refusal_that_ends_nothing_is_kept(state: State, answer: Answer, stage: Stage) -> None:
    result = DialogueResult()
    result.note_unaccepted(state, NO, answer)
    assert result.problem is None
    assert result.refusals == [(stage, NO)]


def test_an_unexpected_code_is_a_problem_and_a_tolerated_refusal_nothing() -> None:
    result = DialogueResult()
    result.note_unaccepted(State.VRFY, NO, Answer.TOLERATED)
    assert (result.problem, result.refusals) == (None, [])
    greeting = Reply(220, (b"mx",))
    result.note_unaccepted(State.BANNER, greeting, Answer.UNEXPECTED)
    detail = "answered 220, which is not expected"
    assert result.problem == Problem(Stage.BANNER, greeting, ProblemKind.UNEXPECTED, detail)
