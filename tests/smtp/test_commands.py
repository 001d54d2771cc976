"""The text of commands, and the mask of a password."""

from __future__ import annotations

from base64 import b64encode

import pytest

from exporter.smtp import commands
from exporter.smtp.ehlo import Ehlo
from exporter.smtp.plan import Credentials, Plan
from exporter.smtp.reply import Reply

SECRET = Credentials("probe", "correct horse")


def test_mail_has_only_the_parameters_that_are_offered() -> None:
    plan = Plan(b"me.example", reverse_path="grün@example.net", size=500)
    assert commands.mail(plan, Ehlo()) == "MAIL FROM:<grün@example.net>\r\n".encode()
    assert commands.mail(plan, Ehlo(("SIZE", "SMTPUTF8"))).endswith(b" SIZE=500 SMTPUTF8\r\n")


def test_a_question_beyond_ascii_says_so() -> None:
    assert commands.ask("VRFY", "postmaster") == b"VRFY postmaster\r\n"
    assert commands.ask("EXPN", "grün") == "EXPN grün SMTPUTF8\r\n".encode()


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".a\nb\rc", b"..a\r\nb\r\nc\r\n.\r\n"),
        (b"\r\n.\r\n", b"\r\n..\r\n.\r\n"),
    ],
)
def test_no_line_of_a_message_ends_it_early(text: bytes, sent: bytes) -> None:
    assert commands.message(text) == sent


@pytest.mark.parametrize(
    "said",
    [b"no correct horse", b"NO CORRECT HORSE", b64encode(b"\0probe\0correct horse"), b64encode(b"correct horse")],
)
def test_a_password_that_a_server_repeats_is_masked(said: bytes) -> None:
    assert commands.MASK in commands.masked(b"535 " + said + b"!", SECRET)
    assert b"horse" not in commands.masked(b"535 " + said, SECRET).lower()
    reply = commands.without_password(Reply(535, (b"no", said)), SECRET)
    assert reply.lines[0] == b"no"
    assert commands.MASK in reply.lines[1]


def test_a_reply_without_the_password_stays_as_it_is() -> None:
    reply = Reply(535, (b"5.7.8 no",))
    assert commands.without_password(reply, SECRET) is reply
