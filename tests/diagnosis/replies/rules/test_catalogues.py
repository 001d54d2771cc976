"""The numbered reasons of large providers, and the same letters in a name."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.classify import ReplyClass
from exporter.model.failure import Confidence
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.told import Table, each_of, finding

NAMED: Table = {
    C.REPUTATION_BLOCKED: (
        "R 554 CXRBL: see our page",
        "M 554 HL:REP 163 smtp3,abc",
        "M 550 see our page (S3140).",
        "M 550 5.7.1 Unfortunately messages from [192.0.2.40] weren't sent. Ask your provider, part of their network is on our block list (S3140).",
        "M 421 4.7.0 [TSS09] All messages from 192.0.2.8 will be permanently deferred; retrying will NOT succeed.",
        "M 553 5.7.1 [BL22] Connections are not accepted from 192.0.2.8, it is on a Spamhaus list",
        "R 550 5.7.606 Access denied, banned sending IP [192.0.2.9]. Visit https://sender.office.com/ to be taken off",
        "R 550 5.7.511 Access denied, banned sender 192.0.2.9, contact the delist address",
        "B 554 resimta-c1p.example.net 192.0.2.5 Comcast BL000001 Blocked for spam, see http://postmaster.comcast.net/smtp-error-codes.php#BL000001",
        "R 554 5.7.1 AUP#POOR the reputation of your address is too low",
        "M 554 HL:REP 163 smtp3,abc refused, http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.2",
        "M 550 5.7.708 Access denied, traffic not accepted from this IP. For more information see http://go.microsoft.com/fwlink/?LinkId=526653",
        "B 554- (RTR:DU) http://postmaster.example/errors/rtrdu.html",
        "B 554 5.7.1 AUP#In-1210: refused",
    ),
    C.POLICY_REJECTED: (
        "D 554 DT:SPM 163 mx29,rejected",
        "D 554 5.7.9 [PH01] Message not accepted",
        "M 554 AUP#In-1160: refused",
    ),
    C.RDNS_REQUIRED: (
        "B 421 4.7.1 : (DNS:NR) http://postmaster.example/errors/dnsnr.html",
        "R 553 RP:RDN 163 mx9,xyz",
        "R 421 DNS-P3 https://postmaster.example/response_codes#DNS-P3",
        "B 554 CXDNS: see our page",
        "B 554 5.7.1 AUP#In-1130: refused",
    ),
    C.SENDER_AUTH_FAILED: (
        "D 550 5.7.515 see our page",
        "D 550 5.7.509 Access denied, sending domain b.example does not pass DMARC verification and has a policy of reject",
        "D 550 5.7.515 Access denied, sending domain b.example does not meet the required authentication level",
        "M 554 CXSNDR: see our page",
    ),
    C.RATE_LIMITED: (
        "D 421 RL000003 see our page",
        "M 451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation (S775)",
        "R 451 RP:CEL 163 mx14,too much, please see the help",
        "D 421 RL000003 message rate too high",
        "R 550 5.7.705 Access denied, tenant has exceeded threshold",
        "B 554 cxcnct connections refused: CXCNCT",
        "B 421 AUP#In-1310: refused",
    ),
    C.MAILBOX_UNKNOWN: ("R 550 RCP-P1 https://www.facebook.com/postmaster/response_codes?ip=192.0.2.5#RCP-P1",),
    C.SENDER_REJECTED: ("M 554 AUP#I-1500: refused",),
    C.MESSAGE_TOO_LARGE: ("D 552 AUP#I-1530: refused",),
    C.TEMPFAIL: (
        "R 421 4.7.1 RCP-T4 https://postmaster.example/response_codes?ip=192.0.2.1 The recipient's account is unavailable",
    ),
}
# Another rule decides, or another of these.
NEAR_MISSES: Table = {
    C.POLICY_REJECTED: ("R 550 5.7.60 Client lacks permissions to send as this sender",),
    C.MAILBOX_UNKNOWN: (
        "R 550 5.1.1 No such user: PH01@b.example",
        "R 550 5.1.1 AUP-1310 is no mailbox of ours: unknown user",
        "R 550 5.1.1 <s3140@b.example>: User unknown",
    ),
}


@pytest.mark.parametrize(("expected", "reply"), each_of(NAMED))
def test_a_reason_that_is_named_is_certain(expected: C, reply: str) -> None:
    assert finding(reply) == ReplyClass(expected, Confidence.CERTAIN)


@pytest.mark.parametrize(("expected", "reply"), each_of(NEAR_MISSES))
def test_the_same_words_elsewhere_mean_something_else(expected: C, reply: str) -> None:
    found = finding(reply)
    assert found is not None
    assert found.failure_class is expected
