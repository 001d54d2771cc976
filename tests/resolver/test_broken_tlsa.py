"""TLSA records that are none: unusable, and the others beside them count."""

from __future__ import annotations

from exporter.model.policy import Tlsa
from exporter.policies.dane.usability import unusable
from exporter.resolver.answer import read_reply, tlsa_of

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
    wire = _message(b"\x03\x01\x01" + b"x" * 31, b"\x03\x01\x01" + b"y" * 32, b"\x03", b"")
    answer = read_reply("_25._tcp.mx.a.example", wire)
    assert set(answer.records) == {
        Tlsa(3, 1, 1, b"x" * 31),
        Tlsa(3, 1, 1, b"y" * 32),
        Tlsa(3, 255, 255, b""),
        Tlsa(255, 255, 255, b""),
    }
    assert answer.authenticated


def test_what_is_not_whole_is_unusable() -> None:
    assert all(unusable(tlsa_of(data)) for data in (b"", b"\x03", b"\x03\x01", b"\x03\x01\x01"))
