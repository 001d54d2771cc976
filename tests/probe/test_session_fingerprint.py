"""The marks of a server, from its words in one session."""

from __future__ import annotations

from exporter.diagnosis.fingerprints import MASKED
from exporter.model.evidence import ConnectEvidence
from exporter.model.failure import Stage
from exporter.probe.session_fingerprint import fingerprint
from exporter.probe.session_record import SessionRecord
from exporter.smtp.events import Problem
from exporter.smtp.reply import Reply

EHLO = Reply(250, (b"mx.example", b"STARTTLS"))


def _greeted(*lines: bytes) -> SessionRecord:
    return SessionRecord(0.0, replies=((Stage.BANNER, Reply(220, lines)),), ehlo=EHLO, spoke=True)


def test_a_connect_that_failed_has_no_marks() -> None:
    assert fingerprint(SessionRecord(0.0, connect=ConnectEvidence("192.0.2.1", 111, None, False, 0.1))) == ()


def test_two_hosts_of_one_name_have_the_same_marks_and_others_have_not() -> None:
    one, same, other = _greeted(b"mx.example ESMTP"), _greeted(b"mx.example ESMTP"), _greeted(b"mx.example.net ESMTP")
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)
    assert fingerprint(one)


def test_the_line_with_a_host_name_is_the_one_that_counts() -> None:
    assert fingerprint(_greeted(b"No spam, please", b"mx.example ESMTP")) == fingerprint(_greeted(b"mx.example ESMTP"))


def test_an_overwritten_greeting_and_an_overwritten_command_are_one_mark() -> None:
    assert MASKED in fingerprint(_greeted(b"*" * 40 + b"0*2**0**"))
    refused = Reply(500, (b"5.5.1 command XXXX unrecognized",))
    record = SessionRecord(
        0.0,
        replies=((Stage.BANNER, Reply(220, (b"mx.example ESMTP",))),),
        refusals=((Stage.EHLO, refused),),
        problem=Problem(Stage.EHLO, refused),
        spoke=True,
    )
    assert fingerprint(record)[0] == MASKED
