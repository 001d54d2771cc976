"""TLSA answers that dnspython does not read."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.dane.tlsa import Tlsa, unusable
from exporter.resolver.answer import read_answer
from exporter.resolver.unknown_type import tlsa_of, with_tlsa_unread

NAME = b"\x03_25\x04_tcp\x02mx\x01a\x07example\x00"


def _message(*records: bytes, kind: int = 52, question: int = 52) -> bytes:
    """An authenticated answer whose records point to the question for their name."""
    head = b"\x12\x34\x81\xa0\x00\x01" + len(records).to_bytes(2, "big") + b"\x00\x00\x00\x00"
    body = b"".join(
        b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\x00\x01\x00\x00\x00\x3c" + len(data).to_bytes(2, "big") + data
        for data in records
    )
    return head + NAME + question.to_bytes(2, "big") + b"\x00\x01" + body


def test_records_of_every_length_are_read() -> None:
    unread = with_tlsa_unread(_message(b"\x03\x01\x01" + b"x" * 31, b"\x03\x01\x01" + b"y" * 32, b"\x03", b""))
    assert unread is not None
    answer = read_answer("_25._tcp.mx.a.example", dns.message.from_wire(unread))
    assert set(answer.records) == {
        Tlsa(3, 1, 1, b"x" * 31),
        Tlsa(3, 1, 1, b"y" * 32),
        Tlsa(3, 255, 255, b""),
        Tlsa(255, 255, 255, b""),
    }
    assert answer.authenticated


def test_what_is_not_whole_is_unusable() -> None:
    assert all(unusable(tlsa_of(data)) for data in (b"", b"\x03", b"\x03\x01", b"\x03\x01\x01"))


@pytest.mark.parametrize("wire", [b"", b"\x00" * 5, _message(question=1), _message()[:20], _message(b"x" * 9)[:-12]])
def test_other_messages_and_pieces_are_left_alone(wire: bytes) -> None:
    assert with_tlsa_unread(wire) is None


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda data: _message(data) + data))
def test_no_bytes_raise(wire: bytes) -> None:
    unread = with_tlsa_unread(wire)
    assert unread is None or len(unread) == len(wire)
