"""The offers of the client: the usual one, and one old version alone."""

from __future__ import annotations

import ssl

import pytest

from exporter.tls.client_contexts import finite_field_context, finite_field_suites, usual_context, version_context


@pytest.mark.parametrize(("version", "number"), [("TLSv1", b"\x03\x01"), ("TLSv1.1", b"\x03\x02")])
def test_a_version_alone_is_what_the_hello_says(version: str, number: bytes) -> None:
    context, _ = version_context(version)
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    hello = outgoing.read()
    assert hello[9:11] == number  # behind the headers of record and message


def test_the_suites_of_finite_fields_are_known_by_their_numbers() -> None:
    suites = finite_field_suites()
    assert {0x0033, 0x0039, 0x009E} <= suites  # DHE-RSA with AES
    assert not {0x002F, 0xC013, 0xC00A} & suites  # RSA alone, and curves


def test_each_context_is_made_once() -> None:
    assert usual_context() is usual_context()
    assert finite_field_context() is not usual_context()
    assert version_context("TLSv1") is not version_context("TLSv1.1")
