"""Policies where no finer reason is named; in vague words the class is likely and no more."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.classify import ReplyClass
from exporter.model.failure import Confidence
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.told import Table, each_of, finding

NAMED: Table = {
    C.POLICY_REJECTED: (
        "D 554 5.7.1 spam contents",
        "B 550 Access from your country is not permitted",
        "E 550 Administrative prohibition",
        "M 550 5.7.1 Connection rejected by local policy",
        "R 554 5.7.1 <client.example[192.0.2.1]>: Client host rejected: Access denied",
        "R 550 Administrative prohibition",
        "R 554 5.7.1 <a@b.example>: Recipient address rejected: blocked by policy, ask the administrator",
        "D 554 5.7.1 Spam message rejected",
        "D 550 5.7.1 This message scored 14.2 spam points and was rejected",
        "D 554 5.7.1 Virus found (Eicar-Test-Signature), message refused",
        "D 550 5.7.1 Rejected by content filter, reason: banned file type",
        "D 554 5.7.1 Message blocked because of security policy",
        "D 571 5.7.1 Message contains spam or virus. (example.co)",
        "D 554 5.7.7 Email policy violation detected",
        "D 550 Mail content denied. http://service.mail.qq.com/cgi-bin/help?subtype=1&id=20022&no=1000726",
        "D 550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=abc",
        "R 550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
        "D 550 5.7.1 Message rejected as spam by Content Filtering.",
        "D 554 5.7.1 Executable attachments are not allowed here",
        "D 550 Message contains malware: Win.Trojan",
        "R 550 Recipient not allowed by your administrator's access list: policy",
        "R 554 5.7.1 <probe.example[192.0.2.1]>: Client host rejected: go away, spam.example.net",
        "D 554 5.7.9 Message not accepted for policy reasons",
        "D 550 5.7.1 Message was identified as phishing",
        "D 554 5.7.1 [P4] Message blocked due to spam content in the message",
        "D 550 5.7.0 Content rejected",
        "R 550 5.7.1 Sorry, but mail from your country is blocked here",
        "D 550 5.7.1 Spam score too high",
        "R 550 This message violates our email policy",
        "D 554 5.7.1 Blocked by Sophos: malicious content",
        "D 550 This message was classified as SPAM and may not be delivered",
        "D 550 5.6.0 M2MCVT.Storage; message content is blocked",
        "R 550 We do not let your country send to us",
        "M 554 mail7.provider.example ESMTP not accepting messages",
        "R 550 This is a closed user group, mail is not accepted from outside",
        "D 554 Rejected by our spam engine",
        "D 552 5.7.0 Password protected archives are refused",
    ),
}
VAGUE: Table = {
    C.POLICY_REJECTED: (
        "B 554 5.7.1 Access denied",
        "R 550 Envelope blocked - User Entry - https://community.mimecast.com/docs/DOC-1369#550",
        "D 550 5.7.0 Rejected by rspamd: high score",
        "R 553 5.7.1 Not whitelisted",
        "D 554 5.7.1 Rejected by the Axigen filters",
    ),
}
# Another rule decides, or another of these.
NEAR_MISSES: Table = {
    C.REPUTATION_BLOCKED: ("R 550 5.7.1 Access denied, your IP is on our block list",),
    C.SENDER_AUTH_FAILED: ("M 550 5.7.1 SPF policy violation",),
    C.MAILBOX_UNKNOWN: ("R 550 5.1.1 <policy@b.example>: User unknown",),
    C.MAILBOX_DISABLED: ("R 550 The mailbox is blocked",),
    C.TEMPFAIL: ("R 450 4.7.1 <a@b.example>: Recipient address rejected: Policy service is down",),
}


@pytest.mark.parametrize(("expected", "reply"), each_of(NAMED))
def test_a_reason_that_is_named_is_certain(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.CERTAIN)


@pytest.mark.parametrize(("expected", "reply"), each_of(VAGUE))
def test_vague_words_are_likely(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.LIKELY)


@pytest.mark.parametrize(("expected", "reply"), each_of(NEAR_MISSES))
def test_the_same_words_elsewhere_mean_something_else(expected: C, reply: str) -> None:
    found = finding(reply)
    assert found is not None
    assert found.failure_class is expected
