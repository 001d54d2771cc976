"""Refusals without a phrase of any rule, by the concepts of their sentences."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.classify import ReplyClass
from exporter.diagnosis.replies.concepts import statements_of, strong_row, weak_row
from exporter.diagnosis.replies.words import words_of
from exporter.model.failure import Confidence, Stage
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.told import Table, each_of, finding

CERTAIN: Table = {
    C.REJECTED: (
        "M 521 This host never accepts mail",
        "E 521 5.3.2 This host does not accept mail",
        "R 556 This domain takes no mail",
        "E 521 see our page",
    ),
}
LIKELY: Table = {
    C.BANNER_TEMPFAIL: (
        "B 421 4.3.2 System not accepting network messages, please try again later",
        "B 421 Service not available, closing transmission channel",
        "B 450 4.3.0 Temporary problem, come back later",
        "B 421 4.3.2 No system resources",
        "B 451 4.3.5 Server configuration error",
        "B 421 4.3.0 Service temporarily unavailable",
        "B 421 Server is shutting down",
    ),
    C.BANNER_REJECTED: (
        "B 554 No SMTP service here",
        "B 521 mx.example does not accept mail (RFC 7504)",
        "B 554 5.3.2 This system is shut down for good",
        "B 554 mx.b.example is no mail server",
        "B 521 no mail accepted here",
    ),
    C.EHLO_TEMPFAIL: ("E 451 4.3.0 Temporary failure",),
    C.POLICY_REJECTED: (
        "R 550 5.7.1 Recipient policy does not let you write to this group",
        "R 550 5.7.1 Delivery not authorized, message refused",
        "R 550 you are not allowed to send to this address",
        "R 571 Email from this host is denied",
        "R 550 Blocked by the firewall rules of the administrator",
        "D 552 5.7.0 This message was blocked because its content presents a potential security issue",
        "D 550 High probability of spam",
        "D 550 5.2.0 Message rejete pour contenu indesirable. Mail rejected.",
        "D 554 5.7.1 Nachricht wurde abgelehnt",
        "D 554 5.7.1 Mensaje rechazado por contenido",
        "B 554 5.7.1 You are not welcome here",
        "E 550 5.7.1 Command rejected",
        "R 550 5.7.124 RESOLVER.RST.SenderNotInAllowedList; sender is not in the allowed senders list of the group",
        "R 550 5.7.501 Access denied, spam abuse detected",
        "R 550 5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized",
        "M 550 5.7.60 SMTP; Client lacks permissions to send as this sender",
        "R 550 Geo-blocked: connections from this region are refused",
        "D 550 5.7.1 Сообщение отклонено: подозрение на спам",
        "D 550 邮件内容包含垃圾信息,拒绝接收",
        "R 550 Rejected due to local rules",
        "R 550 5.7.1 You are not authorized to send to this distribution list",
        "D 550 5.7.1 The message was rejected since it holds forbidden file types",
        "R 550 Access denied...abc123 Please visit the administrator's page",
        "D 554 Rejected - see policy http://www.b.example/terms",
        "R 554 5.7.1 Denied by the administrator",
        "E 554 Go away, we don't want you",
        "D 554 Ваше письмо похоже на спам",
        "D 550 5.7.1 Contenu interdit: message refusé",
        "R 550 Your host name is not permitted to access this service",
        "R 553 Mail from 192.0.2.1 is not permitted",
        "R 550 SMTP delivery is not allowed here",
    ),
    C.HELO_REJECTED: (
        "E 501 5.0.0 EHLO requires domain address",
        "E 501 HELO requires valid address",
    ),
    C.AUTH_REQUIRED: ("M 530 You have to sign in first",),
    C.RATE_LIMITED: (
        "R 451 4.7.1 Mails per hour limit exceeded. Please try again later.",
        "R 432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
        "M 550 Limit exceeded",
    ),
    C.GREYLISTED: (
        "R 451 4.7.1 Please try again in 60 seconds",
        "R 451 You are new here, come back in 15 minutes",
        "R 450 4.7.1 Service temporarily deferred for 300 s: please try again in 300 seconds",
        "R 450 4.2.0 try again in 10 minutes",
        "R 450 4.7.1 Please try again in 5 minutes: host is unknown to us",
        "R 451 4.7.1 Sender temporarily deferred, retry in 2 minutes",
        "R 450 Please try again after 300 seconds",
    ),
    C.MAILBOX_FULL: ("R 552 Превышена квота почтового ящика",),
    C.TEMPFAIL: (
        "M 452 4.3.1 Insufficient system storage",
        "M 421 4.3.2 Service shutting down",
        "R 451 Temporary local problem - please try later",
        "R 451 4.3.5 Server configuration problem",
        "R 451 4.3.0 Error: queue file write error",
        "R 431 4.3.1 The server is out of disk space",
        "D 451 4.3.2 Please try again later, the scanner is not available",
        "R 451 4.4.3 Temporary server error. Please try again later",
        "R 451 4.3.5 Server configuration error",
        "R 450 4.3.2 Service currently unavailable",
        "D 451 4.7.0 Temporary server error. Please try again later. PRX2",
        "M 451 sorry, DNS temporary failure (#4.3.0)",
        "R 451 example.yahoo.com Resources temporarily unavailable. Please try again later [#4.16.1].",
        "D 452 4.4.5 Insufficient disk space; try again later",
        "R 451 4.4.0 Message failed to be replicated: no healthy secondary server available",
        "R 451 4.3.0 Internal error, try again",
        "R 450 4.4.1 Destination server did not answer",
        "R 452 Requested action not taken: insufficient system storage",
        "D 451 4.7.1 milter is unavailable, server error",
        "R 451 4.3.0 Temporary failure, please try again later",
        "D 450 4.3.2 Mail queue is full",
        "R 451 4.4.1 Directory lookup failed",
        "R 451 4.7.1 Service unavailable",
    ),
}
UNCERTAIN: Table = {
    C.BANNER_REJECTED: (
        "B 554 mailgate.example ESMTP not accepting messages",
        "B 521 5.2.1 I won't accept your email.",
    ),
}


@pytest.mark.parametrize(
    ("confidence", "expected", "reply"),
    [
        (confidence, *row)
        for confidence, table in (
            (Confidence.CERTAIN, CERTAIN),
            (Confidence.LIKELY, LIKELY),
            (Confidence.UNCERTAIN, UNCERTAIN),
        )
        for row in each_of(table)
    ],
)
def test_a_refusal_is_known_by_its_concepts(confidence: Confidence, expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, confidence)


def test_strong_statements_of_one_sentence_count_before_those_of_several() -> None:
    statements = statements_of(words_of("The mailbox is unknown. Your host is welcome."))
    row = strong_row(Stage.RCPT, 550, statements)
    assert row is not None
    assert row.failure_class is C.MAILBOX_UNKNOWN


def test_statements_that_fit_may_stand_in_two_sentences() -> None:
    statements = statements_of(words_of("Your machine? Refused!"))
    row = strong_row(Stage.MAIL, 550, statements)
    assert row is not None
    assert row.failure_class is C.POLICY_REJECTED


def test_a_single_statement_is_read_by_its_stage() -> None:
    statements = statements_of(words_of("refused"))
    assert strong_row(Stage.BANNER, 554, statements) is None
    row = weak_row(Stage.BANNER, 554, statements)
    assert row is not None
    assert row.failure_class is C.POLICY_REJECTED
    assert weak_row(Stage.RCPT, 550, statements) is None
