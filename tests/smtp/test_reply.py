from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.smtp.reply import MAX_LINE_BYTES, MAX_REPLY_BYTES, Reply, ReplyReader, Violation
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

MALFORMED = [
    pytest.param(b"22\r\n", "no SMTP reply", id="two-digits"),
    pytest.param(b"2200 x\r\n", "no SMTP reply", id="four-digits"),
    pytest.param(b"999 x\r\n", "no SMTP reply", id="code-out-of-range"),
    pytest.param(b"100 x\r\n", "no SMTP reply", id="code-1xx"),
    pytest.param(b"220x\r\n", "no SMTP reply", id="no-separator"),
    pytest.param(b"\r\n", "no SMTP reply", id="empty-line"),
    pytest.param(b" 220 x\r\n", "no SMTP reply", id="leading-space"),
    pytest.param(b"hello\r\n", "no SMTP reply", id="words"),
    pytest.param(b"220 a\0b\r\n", "NUL", id="nul"),
    pytest.param(b"220-a\r\n554 b\r\n", "two codes", id="contradictory-codes"),
    pytest.param(b"220 " + b"a" * MAX_LINE_BYTES, "line of more than", id="endless-line"),
    pytest.param(b"220 " + b"a" * MAX_LINE_BYTES + b"\r\n", "line of more than", id="long-line"),
    pytest.param(b"220-aaaaaaaaaa\r\n" * (MAX_REPLY_BYTES // 16 + 1), "reply of more than", id="endless-reply"),
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
    assert isinstance(found, Violation)
    assert words in found.detail


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


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_in_any_pieces_give_what_they_give_in_one(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    assert replies(data, lambda _: iter(pieces)) == replies(data)


@given(st.binary(max_size=64))
def test_the_text_of_any_reply_is_bounded_and_decodes(noise: bytes) -> None:
    reply = Reply(250, (noise * 200,))
    assert len(reply.text) <= 2048 + len(noise)
