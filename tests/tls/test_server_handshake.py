"""A reader of the server's part of a handshake: its choices, its requests, and certificates that cost too much."""

from __future__ import annotations

import pytest

from exporter.tls.expensive_certificates import OWN_CURVE
from exporter.tls.server_handshake import ServerHandshakeReader
from tests.support.der import certificate_with, key_on_own_curve
from tests.tls.test_client import hello


def _record(kind: int, body: bytes) -> bytes:
    message = bytes([kind]) + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message


def _certificates(*ders: bytes) -> bytes:
    """A Certificate message of TLS 1.2 (RFC 5246 7.4.2)."""
    entries = b"".join(len(der).to_bytes(3, "big") + der for der in ders)
    return _record(11, len(entries).to_bytes(3, "big") + entries)


def _read(data: bytes, size: int) -> ServerHandshakeReader:
    reader = ServerHandshakeReader()
    for begin in range(0, len(data), size):
        reader.receive(data[begin : begin + size])
    return reader


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_the_choices_of_a_server_are_read_in_any_pieces(size: int) -> None:
    reader = _read(hello(0x0302) + _certificates(b"x" * 300) + _record(13, b"\1\1\0\0"), size)
    assert reader.version == 0x0302
    assert reader.asks_for_certificate
    assert (reader.excess, reader.finite_field) == (None, False)


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_certificate_that_costs_too_much_is_found(size: int) -> None:
    reader = _read(hello() + _certificates(certificate_with(key_on_own_curve(3))), size)
    assert reader.excess == OWN_CURVE


def test_after_the_hello_of_tls_1_3_the_secret_is_needed() -> None:
    reader = ServerHandshakeReader()
    reader.receive(hello(extensions=b"\0\x2b\0\2\3\4"))
    waiting = reader.expects_secret
    assert waiting
    reader.receive(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    assert not reader.expects_secret
    assert (reader.excess, reader.asks_for_certificate) == (None, False)


def test_records_of_another_kind_and_garbage_are_passed_over() -> None:
    reader = _read(b"\x15\x03\x03\x00\x02\x02\x28" + b"\0" * 50, 10)
    assert (reader.version, reader.excess) == (0, None)
