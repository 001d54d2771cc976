"""Refusals without a phrase of any rule: their class, and the confidence of the finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.replies.classify import ReplyClass, classify
from exporter.model.failure import Confidence, Stage, Verdict, verdict_of
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.real_replies import class_of

B, E, M, R, D = Stage.BANNER, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA

KINDS = [
    # not you, and no more than that
    (B, 554, "No connections from your host allowed", C.POLICY_REJECTED),
    (B, 554, "Only authorized hosts may connect", C.POLICY_REJECTED),
    (B, 550, "host unwilling to accept mail from you", C.POLICY_REJECTED),
    (B, 554, "Denied", C.POLICY_REJECTED),
    (B, 554, "Nur berechtigte Systeme dürfen sich verbinden", C.POLICY_REJECTED),
    (M, 530, "Denied access", C.POLICY_REJECTED),
    # their outage, whatever stands before it
    (R, 450, "4.7.1 <a@b.example>: Recipient address rejected: Policy service is down", C.TEMPFAIL),
    (R, 450, "4.7.1 <a@b.example>: Recipient address rejected: cannot reach the accounting database", C.TEMPFAIL),
    (R, 450, "4.7.1 <a@b.example>: Recipient address rejected: something nobody ever wrote", C.TEMPFAIL),
    (R, 451, "4.3.5 <a@b.example>: Sender address rejected: policy socket unavailable", C.TEMPFAIL),
    (R, 554, "5.7.1 <a@b.example>: Recipient address rejected: your machine sent us junk", C.REPUTATION_BLOCKED),
    (B, 421, "Internal error while loading filters", C.BANNER_TEMPFAIL),
    # TLS in Sendmail's words
    (M, 454, "4.7.0 encryption too weak 0 less than 112", C.TLS_REQUIRED),
    (M, 403, "4.7.0 TLS handshake failed.", C.TLS_REQUIRED),
    (E, 403, "4.7.0 encryption too weak 0 less than 128", C.TLS_REQUIRED),
    # our server, an open relay; theirs, none
    (B, 554, "your mail server is an open relay", C.REPUTATION_BLOCKED),
    (R, 550, "we are not an open relay", C.RELAY_DENIED),
    (R, 550, "server denies relay", C.RELAY_DENIED),
    # content, loops, closed mailboxes
    (D, 554, "Your letter contains words we do not like", C.POLICY_REJECTED),
    (D, 552, "looping message.", C.REJECTED),
    (R, 550, "Account dormant", C.MAILBOX_DISABLED),
    # one class for one code in several words
    (M, 450, "4.1.8 <a@b.example>: Sender address rejected: Domain not found", C.SENDER_REJECTED),
    (M, 451, "4.1.8 Domain of sender address a@b.example does not resolve", C.SENDER_REJECTED),
    (M, 451, "4.1.8 DNS lookup failure: b.example. Try again later.", C.SENDER_REJECTED),
    # terse ones
    (R, 550, "用户不存在", C.MAILBOX_UNKNOWN),
    (R, 550, "該当するユーザは存在しません", C.MAILBOX_UNKNOWN),
    (B, 550, "拒绝连接", C.POLICY_REJECTED),
    (B, 554, "接続を拒否しました", C.POLICY_REJECTED),
    # RFC 7504 behind the greeting
    (E, 521, "example.net does not accept mail", C.REJECTED),
    (M, 521, "nullhost takes no mail", C.REJECTED),
    (R, 556, "5.1.10 no mail for that domain", C.REJECTED),
    (M, 521, "5.7.1 your host is not permitted here", C.POLICY_REJECTED),
    # counted by the hour or the day, whatever is counted
    (B, 452, "Easy now: you have knocked 300 times in the last minute", C.RATE_LIMITED),
    (M, 450, "4.7.1 that is your 101st letter this hour, the next one after the full hour", C.RATE_LIMITED),
    (M, 550, "每小时发信数量已达上限", C.RATE_LIMITED),
    (R, 450, "4.7.1 mailbox busy, 3 messages today already waiting", C.TEMPFAIL),
    # a recipient who has to log in or is listed, and we
    (R, 554, "5.7.1 The user should log in to enable receiving", C.MAILBOX_DISABLED),
    (R, 550, "You must log in before sending to this user", C.AUTH_REQUIRED),
    (R, 550, "5.7.1 recipient <a@b.example> black listed", C.MAILBOX_DISABLED),
    (R, 550, "nobody has opened this mailbox since 2015", C.MAILBOX_DISABLED),
    (R, 550, "user unknown since 2 years", C.MAILBOX_UNKNOWN),
    # on their lists, or not on them
    (M, 550, "5.7.1 192.0.2.44 appears in three of the five lists we consult", C.REPUTATION_BLOCKED),
    (M, 550, "your IP is not on the lists of hosts that we let in", C.POLICY_REJECTED),
    # the command, and its argument; Latin words within another script
    (E, 502, "We speak neither EHLO nor HELO on this port", C.EHLO_REJECTED),
    (E, 500, "invalid HELO name", C.HELO_REJECTED),
    (E, 550, "HELO名が不正です", C.HELO_REJECTED),
    # what an address did, in words that count
    (B, 554, "5.7.1 Too many authentication failures from 192.0.2.9, banned for a day", C.POLICY_REJECTED),
    (M, 553, "Mail from 192.0.2.5 rejected, see our pages", C.REPUTATION_BLOCKED),
    (M, 550, "We do not take letters from <a@b.example>", C.SENDER_REJECTED),
    (M, 550, "GMX sender, but not from a GMX server", C.SENDER_AUTH_FAILED),
    (M, 550, "Log in, then send", C.AUTH_REQUIRED),
    (M, 403, "4.7.0 40 bit cipher offered, 128 needed", C.TLS_REQUIRED),
    (E, 550, "no address literals here", C.HELO_REJECTED),
    # passwords in what is sent
    (D, 550, "encrypted archives are not allowed", C.POLICY_REJECTED),
    (D, 550, "Your message asks for a password", C.POLICY_REJECTED),
    # a relay, by what it is asked to do
    (R, 550, "Relaying through this host from 192.0.2.5 refused", C.RELAY_DENIED),
    (R, 550, "Die Domain wird hier nicht mehr betreut", C.RELAY_DENIED),
    # numbers in words
    (B, 421, "You hold a dozen sessions, close some first", C.RATE_LIMITED),
    (M, 452, "4.7.1 one thousand letters since this morning", C.RATE_LIMITED),
    # their outage, whatever it is that is out
    (M, 451, "4.7.0 Internal error in policy engine", C.TEMPFAIL),
    (R, 450, "No module answered for this recipient", C.TEMPFAIL),
    # other languages
    (B, 554, "IP adresiniz kara listede", C.REPUTATION_BLOCKED),
    (R, 550, "Okänd mottagare", C.MAILBOX_UNKNOWN),
    (R, 552, "A postafiók megtelt", C.MAILBOX_FULL),
    (R, 550, "Користувача не знайдено", C.MAILBOX_UNKNOWN),
    # a code in the fragment of a URL is the catalogue's, none of the mail system's
    (B, 554, "see http://postmaster.example/codes.php#BL000010", C.REPUTATION_BLOCKED),
    (D, 550, "see https://b.example/errors.html#5.1.1", C.REJECTED),
]


@pytest.mark.parametrize(("stage", "code", "text", "expected"), KINDS)
def test_a_kind_is_recognised_by_what_it_says(stage: Stage, code: int, text: str, expected: C) -> None:
    assert class_of(stage, code, text) is expected


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (554, "mx7.isp.example"),
        (554, "5.0.0"),
        (521, "nothing to see here"),
        (554, "mx.example ESMTP not accepting messages"),
        (554, "mx.example ESMTP not accepting connections"),
        (554, "Service unavailable"),
        (554, "5.0.0 mx.b.example Session cannot be started"),
        (554, "Good bye"),
    ],
)
def test_a_greeting_that_fits_everybody_and_us_alone_is_undetermined(code: int, text: str) -> None:
    found = classify(B, code, text)
    assert found == ReplyClass(C.BANNER_REJECTED, Confidence.UNCERTAIN)
    assert verdict_of(found.failure_class, found.confidence) is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (521, "mx.example does not accept mail"),
        (554, "No SMTP service here"),
        (554, "This host does not receive mail"),
        (550, "send-only system"),
        (554, "Dieser Server nimmt keine Mails an"),
        (554, "本服务器不接收邮件"),
        (554, "www.b.example is a web server and accepts no mail from anybody"),
        (554, "このホストではメールを受信していません"),
    ],
)
def test_a_host_that_says_it_takes_no_mail_is_likely_dead(code: int, text: str) -> None:
    found = classify(B, code, text)
    assert found == ReplyClass(C.BANNER_REJECTED, Confidence.LIKELY)
    assert verdict_of(found.failure_class, found.confidence) is Verdict.DEAD


@pytest.mark.parametrize(
    ("stage", "code", "text", "expected"),
    [
        (B, 554, "5.7.1 blocked using zen.spamhaus.org", Confidence.CERTAIN),
        (R, 550, "5.1.1 User unknown", Confidence.CERTAIN),
        (B, 550, "host unwilling to accept mail from you", Confidence.LIKELY),
        (R, 550, "", Confidence.LIKELY),
        (M, 451, "", Confidence.LIKELY),
        (B, 421, "", Confidence.LIKELY),
    ],
)
def test_a_reason_that_is_named_is_certain_and_a_guess_is_likely(
    stage: Stage, code: int, text: str, expected: Confidence
) -> None:
    found = classify(stage, code, text)
    assert found is not None
    assert found.confidence is expected


@given(st.sampled_from(Stage), st.integers(400, 599), st.text(max_size=600))
def test_only_a_greeting_is_uncertain(stage: Stage, code: int, text: str) -> None:
    found = classify(stage, code, text)
    assert found is None or found.confidence is not Confidence.UNCERTAIN or found.failure_class is C.BANNER_REJECTED
