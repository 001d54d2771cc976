"""The stages after EHLO, fed whole and byte by byte: what is said, in which order, and what never is."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.failure import Stage
from exporter.smtp.dialogue import Dialogue
from exporter.smtp.events import ProblemKind
from exporter.smtp.plan import Credentials, Plan, State, TlsPlan
from tests.smtp.feeding import FEEDS, Feed
from tests.smtp.talking import BYE, EOF, GREETING, converse

S = State
OK = b"250 2.1.0 Ok\r\n"
PLAIN_EHLO = b"250-mx.example\r\n250 PIPELINING\r\n"
EHLO_STARTTLS = b"250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
EHLO_AUTH = b"250-mx.example\r\n250 AUTH PLAIN LOGIN\r\n"
GO_ON, DATA_GO_ON = b"220 go ahead\r\n", b"354 end with a dot\r\n"
TLS = TlsPlan("mx.example")
REQUIRED = TlsPlan("mx.example", required=True)
NO = b"550 5.1.1 unknown\r\n"
LATER = b"451 4.7.1 greylisted\r\n"


def plan(*steps: State, **arguments: Any) -> Plan:
    return Plan(b"me.example", (S.EHLO, *steps), **arguments)


def envelope(*recipients: str, after: tuple[State, ...] = (), **arguments: Any) -> Plan:
    return plan(S.MAIL, *[S.RCPT] * len(recipients), *after, recipients=recipients, **arguments)


# Envelope


@pytest.mark.parametrize("feed", FEEDS)
def test_a_transaction_is_reset_before_quit_so_that_nothing_is_delivered(feed: Feed) -> None:
    asked = envelope("a@b.example", reverse_path="p@q.example")
    dialogue, log = converse(asked, GREETING, PLAIN_EHLO, OK, OK, OK, BYE, feed=feed)
    assert log[2:] == [
        "< ehlo 250",
        "> MAIL FROM:<p@q.example>",
        "< mail 250",
        "> RCPT TO:<a@b.example>",
        "< rcpt 250",
        "> RSET",
        "< rset 250",
        "> QUIT",
        "< quit 221",
        ".",
    ]
    assert dialogue.result.problem is None
    assert dialogue.result.quit_clean


def test_every_recipient_is_asked_about_and_the_worst_answer_counts() -> None:
    asked = envelope("a@b", "c@d", "e@f", after=(S.DATA,))
    dialogue, log = converse(asked, GREETING, PLAIN_EHLO, OK, LATER, NO, OK, OK, BYE)
    assert [line for line in log if line.startswith(">")] == [
        "> EHLO me.example",
        "> MAIL FROM:<>",
        "> RCPT TO:<a@b>",
        "> RCPT TO:<c@d>",
        "> RCPT TO:<e@f>",
        "> RSET",  # and no DATA: a message for some of them is none
        "> QUIT",
    ]
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.reply is not None
    assert (dialogue.result.problem.stage, dialogue.result.problem.reply.code) == (Stage.RCPT, 550)


def test_a_refused_sender_ends_it_without_reset_for_nothing_was_begun() -> None:
    dialogue, log = converse(envelope("a@b"), GREETING, PLAIN_EHLO, NO, BYE)
    assert log[-4:] == ["< mail 550", "> QUIT", "< quit 221", "."]
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.stage is Stage.MAIL


@pytest.mark.parametrize("reset", [b"500 what\r\n", b"421 bye\r\n", EOF, b"junk\r\n", b"354 x\r\n"])
def test_what_is_said_to_the_parting_reset_fails_nothing(reset: bytes) -> None:
    dialogue, log = converse(envelope("a@b"), GREETING, PLAIN_EHLO, OK, OK, reset, BYE)
    assert dialogue.result.problem is None
    assert log[-1] == "."


def test_a_reset_of_the_module_is_a_stage_like_others() -> None:
    dialogue, log = converse(plan(S.MAIL, S.RSET), GREETING, PLAIN_EHLO, OK, b"500 what\r\n", BYE)
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.stage is Stage.RSET
    done, log = converse(plan(S.MAIL, S.RSET), GREETING, PLAIN_EHLO, OK, OK, BYE)
    assert done.result.problem is None
    assert log.count("> RSET") == 1


@pytest.mark.parametrize("stage", ["mail", "rcpt", "rset"])
def test_421_in_the_middle_ends_it_without_another_word(stage: str) -> None:
    turns = {"mail": (), "rcpt": (OK,), "rset": (OK, OK)}[stage]
    asked = envelope("a@b", after=(S.RSET,))
    dialogue, log = converse(asked, GREETING, PLAIN_EHLO, *turns, b"421 shutting down\r\n")
    assert log[-2:] == [f"< {stage} 421", "."]
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.stage == stage


def test_size_is_declared_only_where_it_is_offered() -> None:
    _, offered = converse(plan(S.MAIL, size=500), GREETING, EHLO_STARTTLS)
    _, silent = converse(plan(S.MAIL, size=500), GREETING, PLAIN_EHLO)
    assert offered[-1] == "> MAIL FROM:<> SIZE=500"
    assert silent[-1] == "> MAIL FROM:<>"


@pytest.mark.parametrize(("limit", "too_large"), [("1000", True), ("1001", False), ("0", False), ("", False)])
def test_a_size_over_the_announced_limit_is_not_even_tried(limit: str, too_large: bool) -> None:
    said = f"250-mx\r\n250 SIZE {limit}\r\n".encode()
    dialogue, log = converse(plan(S.MAIL, size=1001), GREETING, said, BYE)
    assert ("> MAIL FROM:<> SIZE=1001" not in log) == too_large
    if too_large:
        assert dialogue.result.problem is not None
        assert (dialogue.result.problem.stage, dialogue.result.problem.kind) == (Stage.MAIL, ProblemKind.TOO_LARGE)
        assert log[-3:] == ["> QUIT", "< quit 221", "."]


def test_an_international_address_is_sent_only_where_smtputf8_is_offered() -> None:
    asked = envelope("ü@b.example")
    refused, log = converse(asked, GREETING, PLAIN_EHLO, BYE)
    assert refused.result.problem is not None
    assert (refused.result.problem.stage, refused.result.problem.kind) == (Stage.MAIL, ProblemKind.INTERNATIONAL)
    assert "> QUIT" in log
    _, log = converse(asked, GREETING, b"250-mx\r\n250 SMTPUTF8\r\n", OK, OK)
    assert log[3] == "> MAIL FROM:<> SMTPUTF8"
    assert log[5] == "> RCPT TO:<ü@b.example>"


def test_an_expected_refusal_is_success() -> None:
    asked = envelope("nobody@b", expect=((Stage.RCPT, frozenset({550})),))
    dialogue, log = converse(asked, GREETING, PLAIN_EHLO, OK, NO, OK, BYE)
    assert dialogue.result.problem is None
    assert log[-6:] == ["< rcpt 550", "> RSET", "< rset 250", "> QUIT", "< quit 221", "."]
    taken, _ = converse(asked, GREETING, PLAIN_EHLO, OK, OK, OK, BYE)
    assert taken.result.problem is not None
    assert taken.result.problem.kind is ProblemKind.UNEXPECTED


# Questions


@pytest.mark.parametrize("code", ["250", "251", "252", "450", "502", "550"])
def test_questions_fail_nothing_however_they_are_answered(code: str) -> None:
    answer = f"{code} whatever\r\n".encode()
    asked = plan(S.VRFY, S.EXPN, S.MAIL, vrfy="root", expn="staff")
    dialogue, log = converse(asked, GREETING, PLAIN_EHLO, answer, answer, OK, OK, BYE)
    assert log[3:8] == ["> VRFY root", f"< vrfy {code}", "> EXPN staff", f"< expn {code}", "> MAIL FROM:<>"]
    assert dialogue.result.problem is None


def test_an_international_question_is_left_out_where_it_cannot_be_asked() -> None:
    asked = plan(S.VRFY, vrfy="jörg")
    _, log = converse(asked, GREETING, PLAIN_EHLO, BYE)
    assert [line for line in log if "VRFY" in line] == []
    _, log = converse(asked, GREETING, b"250-mx\r\n250 SMTPUTF8\r\n", OK, BYE)
    assert "> VRFY jörg SMTPUTF8" in log


# DATA


@pytest.mark.parametrize("feed", FEEDS)
def test_a_message_goes_with_its_dots_doubled_and_the_last_reply_counts(feed: Feed) -> None:
    asked = envelope("a@b", after=(S.DATA,))
    message = b"Subject: x\r\n\r\n.\r\n..a\nb\r\n"
    turns = (GREETING, PLAIN_EHLO, OK, OK, DATA_GO_ON, b"250 2.0.0 queued\r\n", BYE)
    dialogue, log = converse(asked, *turns, feed=feed, message=message)
    assert log[7:] == [
        "> DATA",
        "< data 354",
        "> Subject: x\r\n\r\n..\r\n...a\r\nb\r\n.",
        "< data 250",
        "> QUIT",  # no RSET: the transaction is over
        "< quit 221",
        ".",
    ]
    assert dialogue.result.problem is None


@pytest.mark.parametrize(
    ("turns", "stage", "reset"),
    [
        ((NO,), Stage.DATA, True),  # the command is refused, the transaction stands
        ((DATA_GO_ON, NO), Stage.DATA, False),
    ],
)
def test_a_refused_message(turns: tuple[bytes, ...], stage: Stage, reset: bool) -> None:
    asked = envelope("a@b", after=(S.DATA,))
    dialogue, log = converse(asked, GREETING, PLAIN_EHLO, OK, OK, *turns, OK, BYE, message=b"x\r\n")
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.stage is stage
    assert ("> RSET" in log) == reset


@pytest.mark.parametrize("answer", [OK, b"235 x\r\n", b"334 x\r\n"])
def test_a_message_is_never_sent_to_who_did_not_say_354(answer: bytes) -> None:
    dialogue, log = converse(envelope("a@b", after=(S.DATA,)), GREETING, PLAIN_EHLO, OK, OK, answer, message=b"x")
    assert log[-1] == "."
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.kind is ProblemKind.VIOLATION


# STARTTLS


@pytest.mark.parametrize("feed", FEEDS)
def test_after_the_handshake_ehlo_is_said_again_and_what_was_known_is_forgotten(feed: Feed) -> None:
    asked = plan(S.STARTTLS, S.MAIL, tls=TLS, size=500)
    dialogue, log = converse(asked, GREETING, EHLO_STARTTLS, GO_ON, PLAIN_EHLO, OK, OK, BYE, feed=feed)
    assert log[3:9] == [
        "> STARTTLS",
        "< starttls 220",
        "tls",
        "> EHLO me.example",
        "< ehlo_tls 250",
        "> MAIL FROM:<>",  # SIZE was offered before, and is not any more
    ]
    assert dialogue.result.problem is None
    assert dialogue.secure


@pytest.mark.parametrize("tls", [TLS, REQUIRED])
def test_starttls_that_is_not_offered_is_not_said(tls: TlsPlan) -> None:
    dialogue, log = converse(plan(S.STARTTLS, S.MAIL, tls=tls), GREETING, PLAIN_EHLO, OK, OK, BYE)
    assert "> STARTTLS" not in log
    assert (dialogue.result.problem is not None) == tls.required
    assert ("> MAIL FROM:<>" in log) != tls.required
    if dialogue.result.problem is not None:
        assert (dialogue.result.problem.stage, dialogue.result.problem.kind) == (
            Stage.STARTTLS,
            ProblemKind.NOT_OFFERED,
        )


@pytest.mark.parametrize("tls", [TLS, REQUIRED])
@pytest.mark.parametrize("refusal", [b"454 4.7.0 TLS not available\r\n", b"502 what\r\n"])
def test_a_refused_starttls_ends_it_only_where_it_is_required(tls: TlsPlan, refusal: bytes) -> None:
    dialogue, log = converse(plan(S.STARTTLS, S.MAIL, tls=tls), GREETING, EHLO_STARTTLS, refusal, OK, OK, BYE)
    assert "tls" not in log
    assert ("> MAIL FROM:<>" in log) != tls.required
    assert (dialogue.result.problem is not None) == tls.required


def test_starttls_answered_250_is_no_invitation() -> None:
    dialogue, log = converse(plan(S.STARTTLS, tls=TLS), GREETING, EHLO_STARTTLS, OK)
    assert "tls" not in log
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.kind is ProblemKind.VIOLATION


def test_plaintext_before_the_handshake_is_an_injection() -> None:
    dialogue, log = converse(plan(S.STARTTLS, tls=TLS), GREETING, EHLO_STARTTLS, GO_ON + b"250 injected\r\n")
    assert log[-1] == "."
    assert "tls" not in log
    assert dialogue.result.problem is not None
    assert (dialogue.result.problem.stage, dialogue.result.problem.kind) == (Stage.STARTTLS, ProblemKind.INJECTION)


def test_a_certificate_that_is_not_trusted_ends_it_with_quit() -> None:
    asked = plan(S.STARTTLS, S.MAIL, tls=replace(TLS, verify=True))
    dialogue, log = converse(asked, GREETING, EHLO_STARTTLS, GO_ON, BYE, trust=False)
    assert log[-4:] == ["tls", "> QUIT", "< quit 221", "."]
    assert dialogue.result.problem is not None
    assert (dialogue.result.problem.stage, dialogue.result.problem.kind) == (Stage.TLS, ProblemKind.CERTIFICATE)


@pytest.mark.parametrize("break_it", [Dialogue.receive_eof, Dialogue.expire, lambda d: d.handshake_failed("alert")])
def test_a_handshake_that_fails_is_the_end(break_it: Callable[[Dialogue], object]) -> None:
    dialogue, _ = converse(plan(S.STARTTLS, tls=TLS), GREETING, EHLO_STARTTLS, GO_ON, shake=False)
    assert dialogue.stage is Stage.TLS
    break_it(dialogue)
    while dialogue.next_event() is not None:
        pass
    assert dialogue.state.value == "finished"
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.stage is Stage.TLS


def test_ehlo_refused_after_the_handshake_is_a_failure_of_its_own() -> None:
    dialogue, log = converse(plan(S.STARTTLS, S.MAIL, tls=TLS), GREETING, EHLO_STARTTLS, GO_ON, NO, BYE)
    assert log[-3:] == ["> QUIT", "< quit 221", "."]
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.stage is Stage.EHLO_TLS


def test_implicit_tls_comes_before_the_greeting() -> None:
    asked = plan(tls=TlsPlan("mx.example", implicit=True, required=True))
    dialogue, log = converse(asked, GREETING, EHLO_AUTH, BYE)
    assert log == ["tls", "< banner 220", "> EHLO me.example", "< ehlo 250", "> QUIT", "< quit 221", "."]
    assert dialogue.result.problem is None
    distrusted, log = converse(asked, trust=False)
    assert log == ["tls", "."]
    assert distrusted.result.problem is not None


# AUTH

SECRET = "pa=ss wörd"
CREDENTIALS = Credentials("me@me.example", SECRET)
IMPLICIT = TlsPlan("mx.example", implicit=True, required=True, verify=True)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_auth_plain_goes_in_one_line() -> None:
    asked = plan(S.AUTH, tls=IMPLICIT, credentials=CREDENTIALS)
    dialogue, log = converse(asked, GREETING, EHLO_AUTH, b"235 2.7.0 ok\r\n", BYE)
    assert f"> AUTH PLAIN {_encoded(f'{chr(0)}me@me.example{chr(0)}{SECRET}')}" in log
    assert dialogue.result.problem is None


def test_auth_login_where_plain_is_not_offered() -> None:
    asked = plan(S.AUTH, tls=IMPLICIT, credentials=CREDENTIALS)
    said = (b"250-mx\r\n250 AUTH LOGIN CRAM-MD5\r\n", b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"235 ok\r\n")
    dialogue, log = converse(asked, GREETING, *said, BYE)
    assert log[4:10] == [
        "> AUTH LOGIN",
        "< auth 334",
        f"> {_encoded('me@me.example')}",
        "< auth 334",
        f"> {_encoded(SECRET)}",
        "< auth 235",
    ]
    assert dialogue.result.problem is None


def test_a_refused_password_ends_it() -> None:
    asked = plan(S.AUTH, S.MAIL, tls=IMPLICIT, credentials=CREDENTIALS)
    dialogue, log = converse(asked, GREETING, EHLO_AUTH, b"535 5.7.8 no\r\n", BYE)
    assert log[-4:] == ["< auth 535", "> QUIT", "< quit 221", "."]
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.stage is Stage.AUTH


def test_no_mechanism_of_ours_is_a_problem() -> None:
    asked = plan(S.AUTH, tls=IMPLICIT, credentials=CREDENTIALS)
    dialogue, _ = converse(asked, GREETING, b"250-mx\r\n250 AUTH GSSAPI\r\n", BYE)
    assert dialogue.result.problem is not None
    assert (dialogue.result.problem.stage, dialogue.result.problem.kind) == (Stage.AUTH, ProblemKind.NOT_OFFERED)


def test_a_password_never_goes_without_tls() -> None:
    """Neither by a plan that forgot TLS, nor where the server takes it away."""
    for asked in (
        plan(S.AUTH, credentials=CREDENTIALS),
        plan(S.STARTTLS, S.AUTH, tls=TLS, credentials=CREDENTIALS),
        plan(S.STARTTLS, S.AUTH, tls=REQUIRED, credentials=CREDENTIALS),
    ):
        for offer in (EHLO_AUTH, b"250-mx.example\r\n250 AUTH LOGIN\r\n"):
            dialogue, log = converse(asked, GREETING, offer, OK, OK, BYE)
            assert not any("AUTH" in line for line in log)
            assert dialogue.result.problem is not None


def test_what_a_server_repeats_of_a_password_is_masked() -> None:
    asked = plan(S.AUTH, tls=IMPLICIT, credentials=CREDENTIALS)
    for told in (SECRET, _encoded(SECRET), _encoded(f"\0me@me.example\0{SECRET}")):
        dialogue, _ = converse(asked, GREETING, EHLO_AUTH, f"535 not {told}!\r\n".encode(), BYE)
        assert dialogue.result.problem is not None
        assert dialogue.result.problem.reply is not None
        assert dialogue.result.problem.reply.text == "not ****!"
    assert SECRET not in repr(asked)


# Everything

EVERYTHING = Plan(
    b"me.example",
    (S.EHLO, S.STARTTLS, S.AUTH, S.VRFY, S.EXPN, S.MAIL, S.RCPT, S.RCPT, S.DATA),
    tls=TLS,
    credentials=CREDENTIALS,
    recipients=("a@b", "c@d"),
    vrfy="root",
    expn="staff",
    size=100,
)
TURNS = [GREETING, EHLO_STARTTLS, EHLO_AUTH, PLAIN_EHLO, OK, NO, LATER, GO_ON, DATA_GO_ON, BYE, EOF,
         b"334 x\r\n", b"235 ok\r\n", b"421 bye\r\n", b"252 perhaps\r\n", b"\0", b"250", b"-x\r\n"]  # fmt: skip
NAMED = {"EHLO", "HELO", "STARTTLS", "AUTH", "VRFY", "EXPN", "MAIL", "RCPT", "DATA", "RSET", "QUIT"}


@given(st.lists(st.sampled_from(TURNS), max_size=25), st.booleans(), st.booleans())
def test_no_server_makes_it_say_what_was_not_planned(turns: list[bytes], trust: bool, shake: bool) -> None:
    """Each command follows a reply or a handshake, only planned ones are said, DATA only after good recipients."""
    dialogue, log = converse(EVERYTHING, GREETING, EHLO_STARTTLS, *turns, trust=trust, shake=shake, message=b"x\r\n")
    said = [line[2:].split(" ")[0] for line in log if line.startswith(">")]
    assert {verb for verb in said if verb.isupper() and verb.isalpha()} <= NAMED
    for before, line in itertools.pairwise(log):
        if line.startswith(">"):
            assert before.startswith("<") or before == "tls"
    if "DATA" in said:
        assert "< rcpt 550" not in log
        assert "< rcpt 451" not in log
    if any(line.startswith("> AUTH") for line in log):
        assert log.index("tls") < next(index for index, line in enumerate(log) if line.startswith("> AUTH"))
    if "QUIT" in said:
        assert said[-1] == "QUIT"
        open_ = [line for line in log if line.startswith(("< mail 250", "< rset", "> RSET", "< data 250"))]
        assert not open_ or open_[-1] != "< mail 250"
    assert log.count(".") <= 1
    assert SECRET not in repr(dialogue.result.problem)
