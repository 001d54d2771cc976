"""The varying parts of replies: what qualifies, and that no reader of texts sees a difference."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model.result import HostIdentity
from exporter.probe.host_result import host_result
from exporter.probe.session_record import SessionRecord
from exporter.probe.varying_words import VaryingReply, varying
from exporter.smtp.dialogue import Dialogue
from exporter.smtp.events import Answered
from exporter.smtp.plan import Plan

NOW = datetime(2026, 11, 30, 6, 22, 56, tzinfo=UTC)
# Greetings in the style of public collections of fingerprints. {rfc}, {ctime} … are dates, {id} and {hex} ids.
GREETINGS = {
    "postfix": "220 mx.example ESMTP Postfix (Debian/GNU)",
    "postfix alone": "220 mx.example ESMTP",
    "exim": "220 mx.example ESMTP Exim 4.96 {rfc}",
    "exim with a build": "220 mx.example ESMTP Exim 4.92.2 #89 {rfc} ",
    "cpanel": "220-mx.example ESMTP Exim 4.96.2 #2 {rfc} \n220-We do not authorize the use of this system\n220 spam.",
    "sendmail": "220 mx.example ESMTP Sendmail 8.15.2/8.15.2/Debian-8+deb9u1; {rfc}; (No UCE/UBE) from: [{address}]",
    "sendmail of old": "220 mx.example Sendmail 8.6.12/8.6.12 ESMTP ready at {ctime}",
    "exchange": "220 mx.example Microsoft ESMTP MAIL Service ready at {rfc}",
    "exchange online": "220 mx.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at {rfc} [08DD{hex}]",
    "gmail": "220 mx.google.com ESMTP {id}-{id}si{number}.{number} - gsmtp",
    "opensmtpd": "220 mx.example ESMTP OpenSMTPD",
    "qmail": "220 mx.example ESMTP",
    "communigate": "220 mx.example ESMTP CommuniGate Pro 6.2c3",
    "mdaemon": "220 mx.example ESMTP MDaemon 4.0.2; {rfc}",
    "domino": "220 mx.example ESMTP Service (IBM Domino Release 9.0.1) ready at {rfc}",
    "mailenable": "220 mx.example ESMTP MailEnable Service, Version: 10.27-- ready at {us}",
    "zoho": "220 mx.zohomail.com SMTP Server ready {long} {clock} AM PDT",
    "openvms": "220 mx.example V5.7-ECO4, OpenVMS V8.4 IA64 ready at {rfc} (BST)",
    "momentum": "220 mx.example ESMTP ecelerity 4.2.37.61980 r(:) {rfc}",
    "barracuda": "220 mx.example ESMTP ({hex}{hex})",
    "proofpoint": "220 mx.pphosted.com ESMTP mfa-m{number}",
    "gmx": "220 gmx.example (mxgmx{number}) Nemesis ESMTP Service ready",
    "mimecast": "220 eu-smtp-1.mimecast.example ESMTP; {rfc} [{id}.eu1]",
    "yandex": "220 mx.yandex.example (Want to use mail? Visit http://pdd.yandex.example) {number}-{id}",
    "iso": "220 mx.example ESMTP ready {iso}",
    "apple": "220 mx.example ESMTP mx-{id}-{number}",
    "haraka": "220 mx.example ESMTP Haraka/2.8.28 ready ({id})",
    "mailgun": "220 Mailgun Influx ready {id}",
    "node": "220 node{number}.example ESMTP ready",
    "farm": "220 mx{hex}.mail.example Microsoft ESMTP MAIL Service ready at {rfc}",
}
# Their names are facts: a farm has one expectation for as long as it greets by one node. An id alone may be any word.
NOT_MASKED = {"node", "farm", "mailgun", "yandex"}


def said(style: str, at: datetime, seed: int) -> bytes:
    """A greeting of this style, at this moment, with other ids each time."""
    token = f"{crc32(f'{style} {seed}'.encode()):x}{seed}"
    day = f"{at.day:2d}" if style == "sendmail of old" else f"{at.day}"
    text = GREETINGS[style].format(
        rfc=f"{at:%a}, {day} {at:%b %Y %H:%M:%S} +0000",
        ctime=f"{at:%a %b} {at.day:2d} {at:%H:%M:%S %Y}",
        us=f"{at:%m/%d/%y %H:%M:%S}",
        long=f"{at:%B} {at.day}, {at:%Y}",
        clock=f"{at.hour % 12 + 1}:{at:%M:%S}",
        iso=f"{at:%Y-%m-%dT%H:%M:%S}Z",
        id=f"a{token}",
        hex=f"{token[:6]:0>6}",
        number=seed * 7919 % 10007 + 1,
        address=f"192.0.2.{seed % 250}",
    )
    return text.replace("\n", "\r\n").encode() + b"\r\n"


def later(seed: int) -> datetime:
    return NOW + timedelta(seconds=seed * 98765)


@pytest.mark.parametrize("style", GREETINGS)
def test_two_greetings_show_what_varies_in_the_next_ones(style: str) -> None:
    first, second = (said(style, later(seed), seed) for seed in (1, 2))
    found = varying(b"", (first, second))
    assert (found is None) is (style in NOT_MASKED)
    if found is None:
        return
    for seed in range(3, 40):
        assert found.fits(said(style, later(seed), seed)), said(style, later(seed), seed)
    assert not found.fits(first.replace(b"220 ", b"221 ").replace(b"220-", b"221-"))
    assert not found.fits(first + b"220 more\r\n")
    assert not found.fits(first[:-2])
    assert not found.fits(first[:4] + b"q" + first[4:]), "the first word is a name"


def test_most_styles_qualify() -> None:
    """The figure of docs/explanation/performance.md: of the styles above, with dates and ids put in."""
    print(f"{len(GREETINGS) - len(NOT_MASKED)} of {len(GREETINGS)} styles of greetings qualify")
    assert 1 - len(NOT_MASKED) / len(GREETINGS) >= 0.85


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"220 a.example ESMTP\r\n", b"220 b.example ESMTP\r\n"),  # a name
        (b"220 a.example ESMTP 1\r\n", b"421 a.example ESMTP 2\r\n"),  # a code
        (b"554 a.example 1\r\n", b"554 a.example 2\r\n"),  # a refusal has a meaning
        (b"220 a.example ESMTP 1\r\n", b"220 a.example ESMTP 2\n"),  # a line end
        (b"220-a.example ESMTP 1\r\n220 x\r\n", b"220 a.example ESMTP 2\r\n"),  # lines
        (b"220 a.example ESMTP one\r\n", b"220 a.example ESMTP one two\r\n"),  # words
        (b"220 a.example ESMTP \xc3\xa4\r\n", b"220 a.example ESMTP \xc3\xb6\r\n"),  # of no kind
        (b"220 a.example ready xyz\r\n", b"220 a.example ready abc\r\n"),  # any word may be FTP's
        (b"220 a.example news 1\r\n", b"220 a.example news 2\r\n"),  # NNTP's
        (b"220 ******** 20\r\n", b"220 ******** 02\r\n"),  # a mask of a Cisco
        (b"220-******** 20\r\n220 ESMTP\r\n", b"220-******** 25\r\n220 ESMTP\r\n"),  # one that is none any more
    ],
)
def test_greetings_that_differ_by_more_have_no_form(first: bytes, second: bytes) -> None:
    assert varying(b"", (first, second)) is None


def test_a_line_that_is_longer_than_a_reader_takes_is_none_that_was_expected() -> None:
    form = varying(b"", [b"220 mx.example ESMTP" + b" %x" % number * 50 + b"\r\n" for number in (0xAB1, 0xAB2)])
    assert form is not None
    for size, fits in ((3, True), (128, False)):
        greeting = b"220 mx.example ESMTP" + (b" " + b"a" * size) * 50 + b"\r\n"
        assert form.fits(greeting) is fits
        assert (_read(greeting) == _read(b"220 mx.example ESMTP\r\n")) is fits


@pytest.mark.parametrize(
    ("first", "second", "has_form"),
    [
        (b"250-mx hello, [192.0.2.1]\r\n250 SIZE 1\r\n", b"250-mx hello, [192.0.2.20]\r\n250 SIZE 1\r\n", True),
        (b"250-mx Hello me [2001:db8::1]\r\n250 OK\r\n", b"250-mx Hello me [2001:db8::ff:2]\r\n250 OK\r\n", True),
        (b"250-mx at 1\r\n250 SIZE 1\r\n", b"250-mx at 2\r\n250 SIZE 2\r\n", False),
        (b"250-mx at 1\r\n250 XID 1\r\n", b"250-mx at 2\r\n250 XID 2\r\n", False),
        (b"250-a\r\n250 OK\r\n", b"250-b\r\n250 OK\r\n", False),
        (b"251 mx 1\r\n", b"251 mx 2\r\n", False),
    ],
)  # fmt: skip
def test_of_an_answer_to_ehlo_the_first_line_alone_may_vary(first: bytes, second: bytes, has_form: bool) -> None:
    assert (varying(b"EHLO me.example\r\n", (first, second)) is not None) is has_form


def _read(greeting: bytes) -> tuple[object, ...]:
    """All that is read from a greeting and shown of it."""
    dialogue = Dialogue(Plan(b"me.example"))
    replies = []
    for data in (greeting, b"250 mx\r\n", b"221 bye\r\n"):
        dialogue.receive_data(data)
        while (event := dialogue.next_event()) is not None:
            if isinstance(event, Answered):
                replies.append((event.stage, event.reply))
    result = dialogue.result
    record = SessionRecord(
        0.0, replies=tuple(replies), problem=result.problem, ehlo=result.ehlo, quit_clean=result.quit_clean, spoke=True
    )
    found = host_result(HostIdentity("mx.example", "192.0.2.1", 25, "default"), record)
    return found.outcome, found.facts, found.evidence


SPANS = st.from_regex(re.compile(rb"[0-9A-Za-z._=+/@:~$-]{1,60}"), fullmatch=True) | st.sampled_from(
    [b"FTP", b"vsFTPd", b"LMTP", b"posting", b"421", b"4.7.1", b"blocked", b"XXXX", b"mx.other.example", b"Dovecot"]
)


def _filled(form: VaryingReply, spans: list[bytes]) -> bytes:
    """A greeting of this form with these words, as far as they are of its kinds."""
    whole = b""
    for (fixed, kind), span in zip(form.parts, spans, strict=False):
        found = kind.pattern.match(span + b" ")
        whole += fixed + (span if found and found.end() == len(span) else b"7")
    return whole + form.end


@pytest.mark.parametrize("style", [style for style in GREETINGS if style not in NOT_MASKED])
@settings(max_examples=25, deadline=None)
@given(spans=st.lists(SPANS, min_size=8, max_size=8))
def test_no_reader_sees_a_difference_whatever_stands_in_what_varies(style: str, spans: list[bytes]) -> None:
    first, second = (said(style, later(seed), seed) for seed in (1, 2))
    form = varying(b"", (first, second))
    assert form is not None
    greeting = _filled(form, spans)
    if form.fits(greeting):
        assert _read(greeting) == _read(first)


@pytest.mark.parametrize("style", [style for style in GREETINGS if style not in NOT_MASKED])
def test_a_piece_may_be_the_begin_and_the_whole_is_none(style: str) -> None:
    first, second, third = (said(style, later(seed), seed) for seed in (1, 2, 3))
    form = varying(b"", (first, second))
    assert form is not None
    for place in range(len(third)):
        if form.may_begin_with(third[:place]):
            reader = Dialogue(Plan(b"me.example"))
            reader.receive_data(third[:place])
            assert reader.next_event() is None, "the full reading waits, too"
    assert form.may_begin_with(third[:8])
    assert not form.may_begin_with(third)
    assert not form.may_begin_with(b"221")
    assert not form.may_begin_with(third[:-2] + b"\0")


@pytest.mark.parametrize("product", [b"Postfix", b"Haraka/2.8.28", b"(Exim", b"gsmtp"])
def test_the_name_of_a_product_is_no_id(product: bytes) -> None:
    """The software is a fact: a greeting that names another one is read."""
    found = varying(b"", (b"220 mx.example ESMTP a1 x\r\n", b"220 mx.example ESMTP b2 x\r\n"))
    assert found is not None
    assert found.fits(b"220 mx.example ESMTP c3 x\r\n")
    assert not found.fits(b"220 mx.example ESMTP " + product + b" x\r\n")
    assert varying(b"", (b"220 mx.example ESMTP a1 x\r\n", b"220 mx.example ESMTP " + product + b" x\r\n")) is None
