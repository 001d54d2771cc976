"""Faults of the dialogue itself: the sequence of commands, loops, a client that spoke too early."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.classify import ReplyClass
from exporter.model.failure import Confidence
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.told import Table, each_of, finding

NAMED: Table = {
    C.PROTOCOL_ERROR: (
        "B 554 SMTP synchronization error, you spoke first",
        "B 521 5.5.1 Protocol error",
        "E 503 5.5.1 Duplicate EHLO",
        "M 503 5.5.1 Error: send HELO/EHLO first",
        "M 503 5.0.0 Polite people say HELO first",
        "R 503 5.5.1 Need MAIL before RCPT",
        "R 503 5.5.0 <RCPT>: Recipient command rejected: Improper use of SMTP command pipelining",
        "D 554 5.5.1 Error: no valid recipients",
        "D 503 5.5.1 Bad sequence of commands",
        "D 503 RCPT first (#5.5.1)",
        "D 521 5.5.2 bare newline received",
        "R 503 5.5.1 Error: need MAIL command",
        "M 503 5.5.1 Error: nested MAIL command",
        "R 503 MAIL first (#5.5.1)",
        "D 503 5.5.2 Need Rcpt command",
        "M 503 5.5.0 Sender already specified",
        "E 554 5.5.0 pre-greeting traffic",
        "M 503 Say EHLO first",
        "B 554 Protocol violation",
        "R 503 5.5.1 No sender yet: use MAIL first",
        "D 503 Bad sequence of commands",
        "M 503 5.5.1 Please say HELO/EHLO first",
        "D 503 5.5.1 A valid RCPT command must precede DATA",
        "D 451 See http://pobox.com/~djb/docs/smtplf.html",
    ),
    C.EHLO_REJECTED: (
        "E 502 5.5.1 Command not implemented",
        "E 500 5.3.3 Unrecognized command",
        "E 502 5.5.1 EHLO is not supported here",
    ),
    C.TEMPFAIL: ("D 451 4.4.6 Too many hops, loop suspected",),
    C.REJECTED: (
        "D 554 5.4.6 Too many hops",
        "D 554 sorry, too many hops, this message is looping (#5.4.6)",
        "D 554 Number of 'Received:' headers is above our maximum",
    ),
}
# Another rule decides, or another of these.
NEAR_MISSES: Table = {
    C.BANNER_REJECTED: ("B 554 Pregreet.b.example: no SMTP service here",),
    C.HELO_REJECTED: ("E 501 Invalid EHLO name",),
    C.RATE_LIMITED: ("R 421 4.7.0 Too many messages received",),
    C.MAILBOX_UNKNOWN: ("R 550 5.1.1 <loop@b.example>: User unknown",),
}


@pytest.mark.parametrize(("expected", "reply"), each_of(NAMED))
def test_a_reason_that_is_named_is_certain(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.CERTAIN)


@pytest.mark.parametrize(("expected", "reply"), each_of(NEAR_MISSES))
def test_the_same_words_elsewhere_mean_something_else(expected: C, reply: str) -> None:
    found = finding(reply)
    assert found is not None
    assert found.failure_class is expected


@pytest.mark.parametrize("reply", ["V 553 User ambiguous: a@b.example, aa@b.example", "D 250 pipelining error"])
def test_an_answer_is_no_fault(reply: str) -> None:
    assert finding(reply) is None
