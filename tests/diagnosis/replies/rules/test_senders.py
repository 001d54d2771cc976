"""The envelope sender and its domain; the same words about a recipient."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.classify import ReplyClass
from exporter.model.failure import Confidence
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.told import Table, each_of, finding

NAMED: Table = {
    C.SENDER_REJECTED: (
        "R 550 This mail address is banned: <a@b.example>",
        "M 550 sender address blacklisted",
        "M 550 5.1.8 <a@b.example>: Sender address rejected: Domain not found",
        "M 553 5.1.8 <a@b.example>... Domain of sender address a@b.example does not exist",
        "M 550 5.1.7 <>: Sender address rejected: null senders are not accepted here",
        "M 553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)",
        "M 550 Sender verify failed",
        "R 550-Verification failed for <a@b.example> Sender verify failed",
        "R 554 5.7.1 <a@b.example>: Sender address rejected: Access denied",
        "M 501 5.1.7 Invalid address: bad sender domain",
        "M 550 5.7.27 Sender address has null MX",
        "M 501 5.1.0 Emetteur invalide. Invalid Sender.",
        "R 550 Bounces are not accepted",
        "M 554 5.1.8 Absender abgelehnt",
        "M 504 5.5.2 <a@b>: Sender address rejected: need fully-qualified address",
        "R 550 5.1.0 Sender denied as sender's email address is on SenderFilterConfig list",
        "M 550 5.1.8 Access denied, bad outbound sender",
        "M 553 5.5.4 <a@b>... Domain name required for sender address a@b",
        "M 451 4.1.8 Domain of sender address a@b.example does not resolve",
        "M 550 5.7.27 <a@b.example>: Sender address rejected: Domain b.example does not accept mail (nullMX)",
        "M 553 sorry, your envelope sender domain must exist (#5.7.1)",
        "M 501 5.1.7 Bad sender address syntax",
        "M 501 sender address must contain a domain",
        "R 550 Sender verification failed: no such user at the sending domain",
        "M 550 5.7.1 Sender domain is on our list of blocked domains",
        "M 550 We don't take mail from <>",
        "M 553 5.7.1 <a@b.example>: Sender address rejected: not owned by user x",
        "M 550 5.1.8 Sender domain doesn't exist",
        "M 553 5.1.8 sender domain must resolve",
        "M 550 Invalid sender",
        "M 550 5.7.1 Your address is not allowed as a sender",
        "R 550 Sender callout failed: mailbox unknown there",
        "M 554 <>: null sender is refused",
        "M 550 5.1.7 Sender unknown",
        "M 550 5.7.1 Sender address rejected: Access denied",
        "M 550 Sender's domain has no DNS entry",
        "M 550 5.1.0 Sender rejected",
        "M 553 5.1.7 The sender's mailbox is not valid",
        "M 550 MAIL FROM domain b.example has no MX or address",
        "M 550 fake sender",
        "M 550 Invalid domain",
        "R 550-Postmaster verification failed while checking <a@b.example> Response: 550 user unknown",
    ),
    C.TEMPFAIL: (
        "M 451 4.3.0 Temporary lookup failure",
        "R 451 4.3.0 <a@b.example>: Temporary lookup failure",
        "R 451 Could not complete recipient verify callout",
    ),
}
# Another rule decides, or another of these.
NEAR_MISSES: Table = {
    C.BANNER_REJECTED: ("B 554 bounce.b.example: no service",),
    C.SENDER_AUTH_FAILED: ("M 550 5.7.1 SPF fail of the sender's domain",),
    C.RELAY_DENIED: ("R 550 Domain not found",),
    C.MAILBOX_UNKNOWN: (
        "R 550 5.1.1 <sender@b.example>: User unknown",
        "R 550 5.1.1 User unknown",
    ),
    C.TEMPFAIL: ("M 451 4.3.0 Temporary lookup failure of the sender's domain",),
}


@pytest.mark.parametrize(("expected", "reply"), each_of(NAMED))
def test_a_reason_that_is_named_is_certain(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.CERTAIN)


@pytest.mark.parametrize(("expected", "reply"), each_of(NEAR_MISSES))
def test_the_same_words_elsewhere_mean_something_else(expected: C, reply: str) -> None:
    found = finding(reply)
    assert found is not None
    assert found.failure_class is expected
