"""The answers of a script: an ordinary server's replies, and those that replace them."""

from __future__ import annotations

import pytest

from exporter.lab.smtp_script import CLOSE, SmtpScript, Wait, ordinary, reply


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), b"250 \r\n"),
        (("mx.example",), b"250 mx.example\r\n"),
        (("mx.example", "SIZE 1", "8BITMIME"), b"250-mx.example\r\n250-SIZE 1\r\n250 8BITMIME\r\n"),
    ],
)
def test_a_reply_has_a_hyphen_in_every_line_but_the_last(lines: tuple[str, ...], said: bytes) -> None:
    """RFC 5321 4.2.1."""
    assert reply(250, *lines) == said


def test_an_ordinary_server_says_its_name_and_what_it_can() -> None:
    script = ordinary("mx.example", ("SIZE 5",))
    assert script.greeting == b"220 mx.example ESMTP\r\n"
    assert script.answer(b"EHLO") == b"250-mx.example\r\n250 SIZE 5\r\n"
    assert script.answer(b"HELO") == b"250 mx.example\r\n"


@pytest.mark.parametrize("verb", [b"MAIL", b"RCPT", b"RSET", b"NOOP"])
def test_what_is_not_replaced_succeeds(verb: bytes) -> None:
    answer = ordinary("mx.example", DATA=CLOSE).answer(verb)
    assert isinstance(answer, bytes)
    assert answer.startswith(b"250 ")


def test_answers_are_replaced_by_verb_and_others_left() -> None:
    script = ordinary("mx.example", greeting=(Wait(1), b"220\r\n"), RCPT=reply(550, "no"), QUIT=None)
    assert script.greeting == (Wait(1), b"220\r\n")
    assert script.answer(b"RCPT") == b"550 no\r\n"
    assert script.answer(b"QUIT") is None
    assert script.answer(b"MAIL") == b"250 2.1.0 Ok\r\n"


def test_a_verb_that_nobody_knows_has_an_answer_too() -> None:
    assert ordinary("mx.example").answer(b"XYZZY") == b"502 5.5.1 Command not implemented\r\n"
    assert SmtpScript(otherwise=CLOSE).answer(b"XYZZY") is CLOSE
