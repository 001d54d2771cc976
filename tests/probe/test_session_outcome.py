"""The failure that a session shows by itself."""

from __future__ import annotations

import errno

import pytest

from exporter.model.evidence import ConnectEvidence, ConnectOutcome
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.probe.session_outcome import connect_outcome, failure_of_session
from exporter.probe.session_record import SessionRecord
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.reply import Reply

C = FailureClass
REFUSED = ConnectEvidence("192.0.2.1", errno.ECONNREFUSED, None, False, 0.01)
MUTE = Problem(Stage.BANNER, None, ProblemKind.TIMEOUT, "did not answer in time")
CLOSED = Problem(Stage.BANNER, None, ProblemKind.CLOSED, "closed the connection")
OK, BYE = Reply(250, (b"ok",)), Reply(221, (b"bye",))
LISTED = Reply(554, (b"5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org",))


@pytest.mark.parametrize(
    ("record", "outcome", "failure_class"),
    [
        (SessionRecord(0.0, connect=REFUSED), ConnectOutcome.RESET, C.CONNECT_REFUSED),
        (SessionRecord(0.0, problem=MUTE), ConnectOutcome.NO_GREETING, C.BANNER_TIMEOUT),
        (SessionRecord(0.0, problem=CLOSED), ConnectOutcome.HUNG_UP, C.BANNER_CLOSED),
        (SessionRecord(0.0, problem=CLOSED, spoke=True), ConnectOutcome.ANSWERED, C.BANNER_CLOSED),
        (SessionRecord(0.0, replies=((Stage.EHLO, OK), (Stage.QUIT, BYE)), spoke=True), ConnectOutcome.ANSWERED, None),
    ],
)
def test_outcome_and_failure(
    record: SessionRecord, outcome: ConnectOutcome, failure_class: FailureClass | None
) -> None:
    failure = failure_of_session(record)
    assert connect_outcome(record) is outcome
    assert (failure and failure.failure_class) is failure_class


def test_a_refusal_that_comes_with_the_farewell_is_one_of_the_stage_before() -> None:
    record = SessionRecord(0.0, replies=((Stage.EHLO, OK), (Stage.QUIT, LISTED)), spoke=True)
    failure = failure_of_session(record)
    assert isinstance(failure, Failure)
    assert (failure.stage, failure.failure_class) == (Stage.EHLO, C.REPUTATION_BLOCKED)
