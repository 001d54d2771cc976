"""Refusing replies and their class: real ones, and a few of each kind in words of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.replies.classify import ReplyClass, classify
from exporter.diagnosis.replies.words import MAX_EXAMINED_CHARS
from exporter.model.failure import Confidence, Stage
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.real_replies import FILES, class_of, read
from tests.diagnosis.replies.told import Table, each_of, finding

# A few debatable labels are what is missing, most of them where the label is a bounce's reason by its source.
LEAST_RIGHT = {"replies-sisimai.jsonl": (0.95, 0.97)}
LEAST_RIGHT_ELSEWHERE = (0.975, 0.98)

# No word of these names a reason: the class is that of the stage.
BARE: Table = {
    C.BANNER_TEMPFAIL: (
        "B 421 mx.example too busy, load average is 42",
        "B 421 mx.rate.example not ready",
        "B 421 mx.b.example is under maintenance",
        "B 421 4.3.2 overloaded",
    ),
    C.EHLO_REJECTED: (
        "E 500 Command unrecognized",
        "E 502 unimplemented (#5.5.1)",
    ),
    C.EHLO_TEMPFAIL: (
        "E 421 4.4.2 mx.example Error: timeout exceeded",
        "E 421 mx.b.example going down",
    ),
    C.STARTTLS_REJECTED: (
        "S 454 4.7.0 TLS not available due to local problem",
        "S 502 5.5.1 STARTTLS is not supported",
        "S 554 5.7.3 Unable to initialize security subsystem",
    ),
    C.TEMPFAIL: (
        "D 451 qq internal error (#4.3.0)",
        "M 452 space shortage, please try later",
        "R 421 4.3.2 Service not active",
        "D 451 Requested action aborted: local error in processing",
        "R 421 mx.b.example closing connection",
        "R 454 4.3.0 Try again",
    ),
    C.REJECTED: (
        "R 550 I cannot deliver mail for a@b.example",
        "R 554 Transaction failed",
        "D 550 5.0.0 Requested action not taken",
        "R 501 Syntax error in parameters",
        "M 501 5.5.4 Syntax: MAIL FROM:<address>",
        "M 555 5.5.4 Unsupported option: SIZEX",
        "D 554 5.0.0 Service unavailable",
        "R 500 5.5.2 Error: bad syntax",
        "D 554 5.3.0 unknown mailer error 1",
        "R 554 5.3.0 Unspecified failure",
        "D 554 Transaction failed: invalid data",
        "R 500 Unknown command",
        "R 550 5.0.0 Denied",
        "D 554 5.6.0 Mail format error",
        "R 550 not accepted",
    ),
}
BARE_UNCERTAIN: Table = {
    C.BANNER_REJECTED: (
        "B 554 mx.spam.example",
        "B 550 Go elsewhere",
        "B 554 mx.example ESMTP unavailable",
        "B 550 5.3.2 Service currently unavailable",
        "B 554 5.5.0 no service",
    ),
}


@pytest.mark.parametrize("file", FILES)
def test_most_real_replies_get_a_class_that_counts_as_right(file: str) -> None:
    replies = [reply for reply in read(file) if reply.decidable]
    least_classes, least_verdicts = LEAST_RIGHT.get(file, LEAST_RIGHT_ELSEWHERE)
    wrong = [(reply.reply, reply.accepted, reply.found) for reply in replies if not reply.right]
    assert 1 - len(wrong) / len(replies) >= least_classes, wrong
    verdicts = sum(reply.verdict_right for reply in replies)
    assert verdicts / len(replies) >= least_verdicts, wrong


@pytest.mark.parametrize(
    ("stage", "code", "text", "expected"),
    [
        (Stage.BANNER, 554, "No mail service at this address", C.BANNER_REJECTED),
        (Stage.BANNER, 421, "Shutting down for maintenance", C.BANNER_TEMPFAIL),
        (Stage.BANNER, 554, "Your address 192.0.2.1 is listed by zen.spamhaus.org", C.REPUTATION_BLOCKED),
        (Stage.BANNER, 421, "Too many simultaneous connections", C.RATE_LIMITED),
        (Stage.BANNER, 550, "5.7.25 We want a PTR record for your address", C.RDNS_REQUIRED),
        (Stage.EHLO, 550, "5.7.1 Helo domain is on the Spamhaus list", C.REPUTATION_BLOCKED),
        (Stage.EHLO, 502, "What was that?", C.EHLO_REJECTED),
        (Stage.MAIL, 530, "5.7.0 Say STARTTLS first", C.TLS_REQUIRED),
        (Stage.MAIL, 550, "5.7.23 SPF check failed for your domain", C.SENDER_AUTH_FAILED),
        (Stage.MAIL, 503, "5.5.1 say EHLO before that", C.PROTOCOL_ERROR),
        (Stage.RCPT, 450, "4.2.0 Greylisted, come back in five minutes", C.GREYLISTED),
        (Stage.RCPT, 450, "4.2.1 This user is receiving mail at a rate we do not allow", C.RATE_LIMITED),
        (Stage.RCPT, 550, "5.1.1 No such user here", C.MAILBOX_UNKNOWN),
        (Stage.RCPT, 552, "5.2.2 Mailbox full", C.MAILBOX_FULL),
        (Stage.RCPT, 554, "5.7.1 Relaying denied", C.RELAY_DENIED),
        (Stage.DATA, 552, "5.3.4 Message too big for us", C.MESSAGE_TOO_LARGE),
        (Stage.DATA, 451, "See http://pobox.com/~djb/docs/smtplf.html", C.PROTOCOL_ERROR),
        (Stage.DATA, 451, "4.3.0 Something broke over here", C.TEMPFAIL),
    ],
)
def test_what_servers_say_in_other_words(stage: Stage, code: int, text: str, expected: C) -> None:
    assert class_of(stage, code, text) is expected


@pytest.mark.parametrize(("expected", "reply"), each_of(BARE))
def test_a_refusal_without_a_reason_is_likely_the_class_of_its_stage(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.LIKELY)


@pytest.mark.parametrize(("expected", "reply"), each_of(BARE_UNCERTAIN))
def test_a_greeting_that_refuses_without_a_reason_may_refuse_us_alone(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.UNCERTAIN)


@pytest.mark.parametrize("mailbox", ["spam@a.example", "greylist@a.example", "blacklist.spf@a.example"])
def test_the_name_of_a_mailbox_is_no_verdict(mailbox: str) -> None:
    assert class_of(Stage.RCPT, 550, f"5.1.1 <{mailbox}>: user unknown") is C.MAILBOX_UNKNOWN


@given(st.sampled_from(Stage), st.integers(200, 599), st.text(max_size=3000))
def test_any_text_gets_a_class_and_only_a_failure_does(stage: Stage, code: int, text: str) -> None:
    found = classify(stage, code, text)
    assert found is None or code >= 400 or (code == 221 and found.failure_class is C.PROTOCOL_ERROR)
    # VRFY and EXPN may decline without refusing anybody.
    assert found is not None or code < 400 or stage in (Stage.VRFY, Stage.EXPN)


def test_a_goodbye_answers_quit_alone() -> None:
    assert classify(Stage.QUIT, 221, "Bye") is None
    assert class_of(Stage.EHLO, 221, "2.7.0 Error: these are no commands of mine. Bye.") is C.PROTOCOL_ERROR


def test_what_lies_beyond_the_bound_is_not_looked_at() -> None:
    assert class_of(Stage.BANNER, 554, "x " * MAX_EXAMINED_CHARS + "listed by spamhaus") is C.BANNER_REJECTED
