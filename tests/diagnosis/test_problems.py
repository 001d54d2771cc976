"""Problems of dialogues and the failures that they are."""

from __future__ import annotations

import pytest

from exporter.diagnosis.problems import classify_reply, judge_farewell, judge_problem
from exporter.diagnosis.replies.classify import ReplyClass
from exporter.model.failure import Confidence, Stage, Verdict
from exporter.model.failure import FailureClass as C
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.reply import Reply

B = Stage.BANNER


def _reply(line: str) -> Reply:
    return Reply(int(line[:3]), (line[4:].encode(),))


def test_a_failure_has_the_confidence_of_its_reply_and_the_name_of_the_list() -> None:
    failure = judge_problem(Problem(B, reply=_reply("554 blocked using zen.spamhaus.org")))
    assert (failure.failure_class, failure.confidence, failure.about) == (
        C.REPUTATION_BLOCKED,
        Confidence.CERTAIN,
        "zen.spamhaus.org",
    )
    bare = judge_problem(Problem(B, reply=_reply("554 mx7.isp.example")))
    assert (bare.verdict, bare.about) == (Verdict.UNDETERMINED, "")


def test_credentials_that_are_refused_are_certain() -> None:
    assert classify_reply(Stage.AUTH, _reply("535 no")) == ReplyClass(C.AUTH_FAILED, Confidence.CERTAIN)


def test_the_first_refusal_is_the_reason_of_a_vaguer_end() -> None:
    closed = Problem(Stage.RCPT, kind=ProblemKind.CLOSED, detail="closed the connection")
    failure = judge_problem(closed, ((Stage.MAIL, _reply("550 5.7.1 blocked using zen.spamhaus.org")),))
    assert (failure.stage, failure.failure_class) == (Stage.MAIL, C.REPUTATION_BLOCKED)
    assert failure.evidence[-1] == "then the server closed the connection"
    assert judge_problem(closed).failure_class is C.CLOSED


@pytest.mark.parametrize(
    ("stage", "kind", "expected"),
    [
        (Stage.BANNER, ProblemKind.TIMEOUT, C.BANNER_TIMEOUT),
        (Stage.MAIL, ProblemKind.TIMEOUT, C.TIMEOUT),
        (Stage.TLS, ProblemKind.TIMEOUT, C.TLS_HANDSHAKE),
        (Stage.AUTH, ProblemKind.NOT_OFFERED, C.AUTH_NOT_OFFERED),
        (Stage.STARTTLS, ProblemKind.NOT_OFFERED, C.STARTTLS_NOT_OFFERED),
    ],
)
def test_a_problem_has_the_class_of_its_stage(stage: Stage, kind: ProblemKind, expected: C) -> None:
    assert judge_problem(Problem(stage, kind=kind)).failure_class is expected


def test_a_reply_to_quit_counts_where_its_words_are_about_the_client() -> None:
    refused = judge_farewell(Stage.RCPT, _reply("554 blocked using zen.spamhaus.org"))
    assert refused is not None
    assert refused.failure_class is C.REPUTATION_BLOCKED
    assert judge_farewell(Stage.RCPT, _reply("550 no such user")) is None
    assert judge_farewell(Stage.RCPT, _reply("221 bye")) is None
