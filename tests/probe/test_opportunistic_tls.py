"""The rules of a second session without TLS, and of the question why there was none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.model.failure import Stage
from exporter.probe.opportunistic_tls import merged, named, plan_in_the_clear, question, takes_finite_field, untried
from exporter.probe.session_record import SessionRecord
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.plan import Plan, State, TlsPlan
from exporter.smtp.reply import Reply
from exporter.tls.handshake_failures import FINITE_FIELD_ALONE

S = Stage
OFFERED = Plan(b"me.example", (State.EHLO, State.STARTTLS, State.MAIL), tls=TlsPlan("mx.example"))
FAILED = Problem(S.TLS, None, ProblemKind.HANDSHAKE, "hung up")
OK, GO = Reply(250, (b"ok",)), Reply(220, (b"go",))
FIRST = SessionRecord(
    5.0, replies=((S.EHLO, OK), (S.STARTTLS, GO)), phases=((S.STARTTLS, 0.5),), problem=FAILED, plan=OFFERED, took=1.0
)


def test_a_sender_goes_on_without_starttls_and_says_all_else() -> None:
    plan = plan_in_the_clear(FIRST)
    assert plan is not None
    assert (plan.tls, plan.steps) == (None, (State.EHLO, State.MAIL))


@pytest.mark.parametrize(
    "first",
    [
        replace(FIRST, plan=replace(OFFERED, tls=TlsPlan("mx.example", required=True))),
        replace(FIRST, problem=replace(FAILED, kind=ProblemKind.CERTIFICATE)),
        replace(FIRST, problem=Problem(S.STARTTLS, Reply(454, (b"no",)))),
        replace(FIRST, problem=None),
    ],
)
def test_a_session_that_stands_has_no_second(first: SessionRecord) -> None:
    assert plan_in_the_clear(first) is None


def test_the_record_of_both_is_that_of_the_second_with_what_the_first_learned() -> None:
    second = SessionRecord(
        6.5, replies=((S.EHLO, OK), (S.MAIL, OK)), phases=((S.EHLO, 0.1),), took=0.5, quit_clean=True
    )
    both = merged(FIRST, second)
    assert [stage for stage, _ in both.replies] == [S.EHLO, S.STARTTLS, S.MAIL]
    assert both.phases == ((S.EHLO, 0.1), (S.STARTTLS, 0.5))
    assert (both.at, both.took, both.plan, both.problem) == (5.0, 1.5, OFFERED, None)
    assert both.failed_tls is not None
    assert (both.failed_tls.detail, both.failed_tls.untried) == ("hung up", "")


def test_without_a_second_session_the_failure_stands_and_says_so() -> None:
    record = untried(FIRST, "no time")
    assert record.problem == FAILED
    assert record.failed_tls is not None
    assert record.failed_tls.untried == "no time"


def test_only_an_offer_that_was_refused_is_asked_about_and_once() -> None:
    assert question(FIRST) is None
    refused = replace(FIRST, refused_hello=True)
    ask = question(refused)
    assert ask is not None
    assert ask.tls is not None
    assert (ask.tls.finite_field, ask.steps) == (True, (State.EHLO, State.STARTTLS))
    assert question(replace(refused, plan=ask)) is None


def test_the_answer_names_the_cause() -> None:
    assert takes_finite_field(replace(FIRST, problem=replace(FAILED, detail=FINITE_FIELD_ALONE))) is True
    assert takes_finite_field(FIRST) is False
    assert takes_finite_field(replace(FIRST, problem=None)) is None
    assert named(FIRST, "takes nothing else").problem == replace(FAILED, detail="takes nothing else")
