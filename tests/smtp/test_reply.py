from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.smtp.reply import MAX_LINE_BYTES, MAX_REPLY_BYTES, Reply, ReplyReader
from tests.smtp.feeding import FEEDS, Feed, replies

WELL_FORMED = [
    pytest.param(b"220 mx.example ESMTP\r\n", Reply(220, (b"mx.example ESMTP",)), id="one-line"),
    pytest.param(b"220\r\n", Reply(220, (b"",)), id="code-alone"),
    pytest.param(b"220 \r\n", Reply(220, (b"",)), id="code-and-space"),
    pytest.param(b"220\tmx\r\n", Reply(220, (b"mx",)), id="tab"),
    pytest.param(b"250-a\r\n250-b\r\n250 c\r\n", Reply(250, (b"a", b"b", b"c")), id="multi-line"),
    pytest.param(b"250-a\r\n250\r\n", Reply(250, (b"a", b"")), id="multi-line-ends-with-code-alone"),
    pytest.param(b"220 mx\n", Reply(220, (b"mx",), bare_lf=True), id="bare-lf"),
    pytest.param(b"250-a\n250 b\r\n", Reply(250, (b"a", b"b"), bare_lf=True), id="bare-lf-in-one-line"),
    pytest.param(b"220 \xff\xfe\x1b[31m\r\n", Reply(220, (b"\xff\xfe\x1b[31m",)), id="bytes-stay-bytes"),
    pytest.param(b"220 a\rb\r\n", Reply(220, (b"a\rb",)), id="bare-cr-is-text"),
    pytest.param(b"571 no\r\n", Reply(571, (b"no",)), id="unusual-second-digit"),
]

LONG, ENDLESS = "line 1 is longer than 4096 bytes", "line 4097 makes it longer than 65536 bytes"
MALFORMED = [
    pytest.param(b"22\r\n", 'line 1 begins with 22, which is no reply code: "22"', id="two-digits"),
    pytest.param(b"2200 x\r\n", 'line 1 begins with 2200, which is no reply code: "2200 x"', id="four-digits"),
    pytest.param(b"999 x\r\n", 'line 1 begins with 999, which is no reply code: "999 x"', id="code-out-of-range"),
    pytest.param(b"100 x\r\n", 'line 1 begins with 100, which is no reply code: "100 x"', id="code-1xx"),
    pytest.param(b"9" * 90, "line 1 begins with 99999999…, which is no reply code", id="many-digits"),
    pytest.param(b"220x\r\n", 'line 1 has neither space nor hyphen behind its code: "220x"', id="no-separator"),
    pytest.param(b"\r\n", "line 1 is empty", id="empty-line"),
    pytest.param(b"250-a\r\n\r\n250 b\r\n", "line 2 is empty", id="empty-line-within"),
    pytest.param(b"250-a\n  \n250 b\r\n", "line 2 is empty", id="blank-line-within"),
    pytest.param(b" 220 x\r\n", 'line 1 begins with white space: " 220 x"', id="leading-space"),
    pytest.param(b"hello\r\n", 'line 1 has no reply code: "hello"', id="words"),
    pytest.param(b"hello", 'line 1 has no reply code: "hello"', id="words-without-an-end"),
    pytest.param(b"250-a\r\n250-b\r\nc \x1b[31m\r\n", 'line 3 has no reply code: "c \\x1b[31m"', id="shown-harmlessly"),
    pytest.param(b"220 a\0b\r\n", 'line 1 has a NUL byte: "220 a\\x00b"', id="nul"),
    pytest.param(b"220-a\r\n120 b\r\n", 'line 2 begins with 120, which is no reply code: "120 b"', id="two-codes"),
    pytest.param(b"220 " + b"a" * MAX_LINE_BYTES, f'{LONG}: "220 aaa', id="endless-line"),
    pytest.param(b"220 " + b"a" * MAX_LINE_BYTES + b"\r\n", f'{LONG}: "220 aaa', id="long-line"),
    pytest.param(b"220-aaaaaaaaaa\r\n" * (MAX_REPLY_BYTES // 16 + 1), ENDLESS, id="endless-reply"),
]
# What is broken or cut off, and the refusal in it.
REFUSING = [
    pytest.param(b"hello\r\n554 5.7.1 no\r\n", Reply(554, (b"5.7.1 no",)), id="behind-a-line-without-a-code"),
    pytest.param(b"\r\n421 busy\r\n", Reply(421, (b"busy",)), id="behind-an-empty-line"),
    pytest.param(b"x\r\n554-a\r\n554 b\r\n", Reply(554, (b"a", b"b")), id="of-several-lines"),
    pytest.param(b"554-a\r\nb\r\n554 c\r\nd\r\n", Reply(554, (b"a", b"c")), id="around-a-line-without-a-code"),
    pytest.param(b" 554 no\r\n", Reply(554, (b"no",)), id="behind-white-space"),
    pytest.param(b"\xef\xbb\xbf554 no\r\n", Reply(554, (b"no",)), id="behind-a-mark-of-utf-8"),
    pytest.param(b"554 a\0b\r\n", Reply(554, (b"ab",)), id="with-a-nul"),
    pytest.param(b"554 no\r\0\n", Reply(554, (b"no",)), id="that-ends-with-cr-nul"),
    pytest.param(b"x\r\n554-a\r\n554", Reply(554, (b"a", b""), cut=True), id="cut-off"),
    pytest.param(
        b"250-a\r\nx\r\n550 b\r\n", Reply(550, (b"b",), contradictory=True), id="behind-a-line-with-another-code"
    ),
    pytest.param(
        b"554-" + b"a" * MAX_LINE_BYTES + b"\r\n554 b\r\n",
        Reply(554, (b"a" * (MAX_LINE_BYTES - 4),), cut=True),
        id="too-long",
    ),
]


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(("data", "expected"), WELL_FORMED)
def test_a_well_formed_reply_is_read_however_it_is_cut(data: bytes, expected: Reply, feed: Feed) -> None:
    assert replies(data, feed) == [expected]


@pytest.mark.parametrize(("data", "expected"), WELL_FORMED)
def test_bytes_after_a_reply_belong_to_the_next(data: bytes, expected: Reply) -> None:
    assert replies(data + b"421 bye\r\n") == [expected, Reply(421, (b"bye",))]


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(("data", "words"), MALFORMED)
def test_a_malformed_reply_is_a_violation_that_says_what_is_wrong(data: bytes, words: str, feed: Feed) -> None:
    (found,) = replies(data, feed)
    assert isinstance(found, str)
    assert found.startswith(f"a malformed reply: {words}")
    assert found.isprintable()
    assert len(found) < 250


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(("data", "expected"), REFUSING)
def test_a_refusal_in_what_is_broken_is_found(data: bytes, expected: Reply, feed: Feed) -> None:
    assert replies(data, feed) == [expected]


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"220-mx\r\n554 no\r\n", Reply(554, (b"no",), contradictory=True)),
        (b"220-mx\r\n521-5.7.1 a\r\n521 5.7.1 b\r\n", Reply(521, (b"5.7.1 a", b"5.7.1 b"), contradictory=True)),
        (b"421-busy\r\n554 no\r\n", Reply(554, (b"busy", b"no"), contradictory=True)),
        (b"354-go\r\n451 no\r\n", Reply(451, (b"no",), contradictory=True)),
        (b"220-a\r\n250 b\r\n", Reply(250, (b"a", b"b"), contradictory=True)),
        (
            b"554-no\r\n250 b\r\n",
            Reply(250, (b"no", b"b"), contradictory=True, refusal=Reply(554, (b"no",), contradictory=True)),
        ),
    ],
)
def test_of_several_codes_the_last_decides(data: bytes, expected: Reply, feed: Feed) -> None:
    assert replies(data, feed) == [expected]


@pytest.mark.parametrize(
    ("data", "refusal", "unfinished"),
    [
        (b"554 5.7.1 no", Reply(554, (b"5.7.1 no",), cut=True), ""),
        (b"554", Reply(554, (b"",), cut=True), ""),
        (b"554-a\r\n554-b\r", Reply(554, (b"a", b"b"), cut=True), ""),
        (b"220-mx\r\n554-a", Reply(554, (b"a",), contradictory=True, cut=True), ""),
        (b"55", None, 'line 1 of its reply has no end: "55"'),
        (b"220 mx", None, 'line 1 of its reply has no end: "220 mx"'),
        (b"250-mx\r\n250-SIZE\r\n", None, 'line 2 of its reply announces another that never came: "250-SIZE"'),
        (b"", None, ""),
    ],
)
def test_what_is_cut_off_is_a_refusal_or_tells_what_is_missing(
    data: bytes, refusal: Reply | None, unfinished: str
) -> None:
    for feed in FEEDS:
        reader = ReplyReader()
        for piece in feed(data):
            reader.receive_data(piece)
            assert reader.next_reply() is None
        assert reader.refusal() == refusal
        assert reader.refusal(ended=False) is None
        if refusal is None:
            assert reader.unfinished() == unfinished


def test_what_nobody_may_see_is_in_no_sentence() -> None:
    for data in (b"hello secret\r\n", b"554-secret\r\nx\r\n", b"250-secret\r\n"):
        reader = ReplyReader(lambda line: line.replace(b"secret", b"****"))
        reader.receive_data(data)
        reader.next_reply()
        said = f"{reader.refusal()} {reader.error_detail()} {reader.unfinished()}"
        assert "****" in said
        assert "secret" not in said


def test_an_incomplete_reply_waits_for_more() -> None:
    for data in (b"", b"2", b"220", b"220 mx", b"220 mx\r", b"250-mx\r\n", b"250-mx\r\n250"):
        assert replies(data) == []


def test_pending_tells_whether_bytes_wait() -> None:
    reader = ReplyReader()
    seen = [reader.pending]
    reader.receive_data(b"250-a\r\n")
    assert reader.next_reply() is None
    seen.append(reader.pending)
    reader.receive_data(b"250 b\r\nx")
    assert reader.next_reply() == Reply(250, (b"a", b"b"))
    seen.append(reader.pending)
    assert seen == [False, True, True]


@pytest.mark.parametrize(
    ("reply", "enhanced"),
    [
        (Reply(550, (b"5.7.1 denied",)), "5.7.1"),
        (Reply(550, (b"5.007.001 denied",)), "5.7.1"),
        (Reply(421, (b"4.7.0 try later",)), "4.7.0"),
        (Reply(550, (b"hello", b"5.1.1 unknown")), "5.1.1"),
        (Reply(550, (b"4.7.1 another class",)), None),
        (Reply(550, (b"5.7.1.2 an address",)), None),
        (Reply(550, (b"denied 5.7.1",)), None),
        (Reply(550, (b"",)), None),
    ],
)
def test_the_enhanced_code_counts_at_the_start_of_a_line_and_in_its_class(reply: Reply, enhanced: str | None) -> None:
    assert reply.enhanced == enhanced


SPOKEN = [b"2", b"20", b"220", b"554", b"421", b"-", b" ", b"\t", b"\r\n", b"\n", b"\r", b"\0", b"x", b"5.7.1 no"]


@given(st.lists(st.binary(max_size=40) | st.sampled_from(SPOKEN), max_size=20))
def test_any_bytes_in_any_pieces_give_what_they_give_in_one(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    assert replies(data, lambda _: iter(pieces)) == replies(data)


@given(st.binary(max_size=64))
def test_the_text_of_any_reply_is_bounded_and_decodes(noise: bytes) -> None:
    reply = Reply(250, (noise * 200,))
    assert len(reply.text) <= 2048 + len(noise)
