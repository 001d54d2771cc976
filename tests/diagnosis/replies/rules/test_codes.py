"""Codes alone, without words that name a reason."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.classify import ReplyClass
from exporter.model.failure import Confidence
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.told import Table, each_of, finding

# "See our page" names no reason.
ONE_MEANING: Table = {
    C.RDNS_REQUIRED: ("M 550 5.7.25 see our page",),
    C.SENDER_AUTH_FAILED: ("D 550 5.7.26 see our page",),
    C.TLS_REQUIRED: ("M 554 5.7.10 see our page",),
    C.AUTH_REQUIRED: ("M 550 5.7.57 see our page",),
    C.RELAY_DENIED: ("R 550 5.7.54 see our page",),
    C.RATE_LIMITED: (
        "R 452 4.5.3 only 100 recipients per session are allowed",
        "M 450 4.7.28 see our page",
    ),
    C.MAILBOX_UNKNOWN: (
        "R 550 5.1.1 That address isn't one we know",
        "R 550 5.1.1 see our page",
    ),
    C.MAILBOX_FULL: (
        "R 451 4.2.2 The mailbox is over its limit, try later",
        "R 550 5.2.2 see our page",
    ),
    C.MAILBOX_DISABLED: ("R 550 5.2.1 see our page",),
    C.SENDER_REJECTED: (
        "M 550 5.7.27 see our page",
        "M 550 5.1.1 see our page",
    ),
    C.MESSAGE_TOO_LARGE: (
        "M 552 5.3.4 Declared size is above our maximum",
        "D 554 5.3.4 message is larger than allowed",
        "D 550 5.3.4 see our page",
    ),
}
MANY_MEANINGS: Table = {
    C.PROTOCOL_ERROR: (
        "M 503 5.5.2 Send hello first",
        "R 503 sender not yet given",
        "R 503 no MAIL yet",
        "D 503 5.5.1 No RCPT given",
        "R 503 see our page",
    ),
    C.POLICY_REJECTED: (
        "D 554 5.7.1 Gtube pattern",
        "D 550 5.7.1 see our page",
        "E 550 see our page",
        "R 571 see our page",
    ),
    C.HELO_REJECTED: ("E 501 see our page",),
    C.TLS_REQUIRED: ("M 523 see our page",),
    C.AUTH_REQUIRED: ("M 530 see our page",),
    C.MAILBOX_UNKNOWN: (
        "R 550 5.1.0 see our page",
        "R 551 see our page",
    ),
    C.MAILBOX_FULL: ("R 552 see our page",),
    C.SENDER_REJECTED: ("M 550 5.1.0 see our page",),
    C.MESSAGE_TOO_LARGE: ("D 552 see our page",),
}
# Another rule decides, or another of these.
NEAR_MISSES: Table = {
    C.BANNER_REJECTED: ("B 554 5.0.0 see our page",),
    C.EHLO_REJECTED: ("E 502 see our page",),
    C.TEMPFAIL: ("R 450 5.1.1 see our page",),
    C.REJECTED: (
        "D 550 see https://b.example/errors.html#5.1.1",
        "R 550 version 1.5.1.1 of our page",
        "R 550 2.1.1 see our page",
    ),
}


@pytest.mark.parametrize(("expected", "reply"), each_of(ONE_MEANING))
def test_a_code_with_one_meaning_is_certain(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.CERTAIN)


@pytest.mark.parametrize(("expected", "reply"), each_of(MANY_MEANINGS))
def test_a_code_with_several_meanings_is_likely(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.LIKELY)


@pytest.mark.parametrize(("expected", "reply"), each_of(NEAR_MISSES))
def test_the_same_words_elsewhere_mean_something_else(expected: C, reply: str) -> None:
    found = finding(reply)
    assert found is not None
    assert found.failure_class is expected
