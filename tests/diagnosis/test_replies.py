"""Refusing replies and their class: real ones, and a few of each kind in words of our own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.replies import MAX_EXAMINED_CHARS, classify
from exporter.result import FailureClass as C
from exporter.result import Stage
from exporter.smtp.foreign import recognise

DATA = Path(__file__).parent.parent / "data"
# Interception, which no reply shows by itself, and a few debatable labels are what is missing.
LEAST_RIGHT = {"replies.jsonl": 0.94, "replies-sisimai.jsonl": 0.91}
_CODE = re.compile(r"\s*(\d{3})[ -]?")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


def _class_of(line: dict[str, Any]) -> str:
    reply: str = line["reply"]
    if line["stage"] == "banner" and recognise(reply.encode() + b"\r\n"):
        return C.NOT_SMTP
    texts = [_CODE.sub("", part, count=1) for part in reply.split("\r\n")]
    code, status = _CODE.match(reply), _STATUS.match(texts[0])
    if code is None:
        return C.PROTOCOL_ERROR
    return classify(Stage(line["stage"]), int(code[1]), " ".join(texts), status[0] if status else None) or "ok"


@pytest.mark.parametrize("file", LEAST_RIGHT)
def test_most_real_replies_get_a_class_that_counts_as_right(file: str) -> None:
    lines = [json.loads(line) for line in (DATA / file).read_text(encoding="utf-8").splitlines()]
    wrong = [
        (line["reply"], line["accept"], _class_of(line)) for line in lines if _class_of(line) not in line["accept"]
    ]
    assert 1 - len(wrong) / len(lines) >= LEAST_RIGHT[file], wrong


@pytest.mark.parametrize(
    ("stage", "code", "text", "expected"),
    [
        (Stage.BANNER, 554, "No mail service at this address", C.BANNER_REJECTED),
        (Stage.BANNER, 421, "Shutting down for maintenance", C.BANNER_TEMPFAIL),
        (Stage.BANNER, 554, "Your address 192.0.2.1 is listed by zen.spamhaus.org", C.REPUTATION_BLOCKED),
        (Stage.BANNER, 421, "Too many simultaneous connections", C.RATE_LIMITED),
        (Stage.BANNER, 550, "5.7.25 We want a PTR record for your address", C.RDNS_REQUIRED),
        (Stage.EHLO, 550, "5.7.1 Helo domain is on the Spamhaus list", C.REPUTATION_BLOCKED),
        (Stage.EHLO, 502, "What was that?", C.EHLO_REJECTED),
        (Stage.MAIL, 530, "5.7.0 Say STARTTLS first", C.TLS_REQUIRED),
        (Stage.MAIL, 550, "5.7.23 SPF check failed for your domain", C.SENDER_AUTH_FAILED),
        (Stage.MAIL, 503, "5.5.1 say EHLO before that", C.PROTOCOL_ERROR),
        (Stage.RCPT, 450, "4.2.0 Greylisted, come back in five minutes", C.GREYLISTED),
        (Stage.RCPT, 450, "4.2.1 This user is receiving mail at a rate we do not allow", C.RATE_LIMITED),
        (Stage.RCPT, 550, "5.1.1 No such user here", C.MAILBOX_UNKNOWN),
        (Stage.RCPT, 552, "5.2.2 Mailbox full", C.MAILBOX_FULL),
        (Stage.RCPT, 554, "5.7.1 Relaying denied", C.RELAY_DENIED),
        (Stage.DATA, 552, "5.3.4 Message too big for us", C.MESSAGE_TOO_LARGE),
        (Stage.DATA, 451, "See http://pobox.com/~djb/docs/smtplf.html", C.PROTOCOL_ERROR),
        (Stage.DATA, 451, "4.3.0 Something broke over here", C.TEMPFAIL),
    ],
)
def test_what_servers_say_in_other_words(stage: Stage, code: int, text: str, expected: C) -> None:
    assert classify(stage, code, text) is expected


@pytest.mark.parametrize("mailbox", ["spam@a.example", "greylist@a.example", "blacklist.spf@a.example"])
def test_the_name_of_a_mailbox_is_no_verdict(mailbox: str) -> None:
    assert classify(Stage.RCPT, 550, f"5.1.1 <{mailbox}>: user unknown") is C.MAILBOX_UNKNOWN


@given(st.sampled_from(Stage), st.integers(200, 599), st.text(max_size=3000))
def test_any_text_gets_a_class_and_only_a_refusal_does(stage: Stage, code: int, text: str) -> None:
    found = classify(stage, code, text)
    assert found is None or code >= 400
    # VRFY and EXPN may decline without refusing anybody.
    assert found is not None or code < 400 or stage in (Stage.VRFY, Stage.EXPN)


def test_what_lies_beyond_the_bound_is_not_looked_at() -> None:
    assert classify(Stage.BANNER, 554, "x " * MAX_EXAMINED_CHARS + "listed by spamhaus") is C.BANNER_REJECTED
