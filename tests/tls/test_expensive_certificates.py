"""Certificates that take long to read, found by their bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tls.expensive_certificates import (
    MAX_CERTIFICATES,
    MAX_NAME_BYTES,
    OWN_CURVE,
    brings_own_curve,
    excess_in,
    has_endless_name,
)
from tests.support.chains import issue
from tests.support.der import certificate_with, element, key_on_own_curve, sequence

ORDINARY = issue("leaf", names=("mx.example",)).der
OWN = certificate_with(key_on_own_curve(3))


def listed(*certificates: bytes, tls13: bool) -> bytes:
    """The body of a Certificate message (RFC 8446 4.4.2, RFC 5246 7.4.2)."""
    behind = b"\0\0" if tls13 else b""
    entries = b"".join(len(der).to_bytes(3, "big") + der + behind for der in certificates)
    return (b"\0" if tls13 else b"") + len(entries).to_bytes(3, "big") + entries


@pytest.mark.parametrize("tls13", [False, True])
def test_ordinary_certificates_are_not_too_much(tls13: bool) -> None:
    assert excess_in(listed(tls13=tls13), tls13=tls13) is None
    assert excess_in(listed(*[ORDINARY] * MAX_CERTIFICATES, tls13=tls13), tls13=tls13) is None


@pytest.mark.parametrize("tls13", [False, True])
def test_certificates_are_counted(tls13: bool) -> None:
    found = excess_in(listed(*[ORDINARY] * (MAX_CERTIFICATES + 1), tls13=tls13), tls13=tls13)
    assert found == f"sent {MAX_CERTIFICATES + 1} certificates, and {MAX_CERTIFICATES} are looked at"


@pytest.mark.parametrize("tls13", [False, True])
def test_a_curve_of_its_own_is_too_much_wherever_it_stands(tls13: bool) -> None:
    assert excess_in(listed(ORDINARY, OWN, tls13=tls13), tls13=tls13) == OWN_CURVE
    assert brings_own_curve(OWN)
    assert not brings_own_curve(ORDINARY)


def test_a_crowd_on_the_slow_curve_is_too_much() -> None:
    named = certificate_with(sequence(bytes.fromhex("06052b81040021")))
    assert excess_in(listed(*[named] * 8, tls13=True), tls13=True) is None
    assert "secp224r1" in (excess_in(listed(*[named] * 9, tls13=True), tls13=True) or "")


@pytest.mark.parametrize(("size", "endless"), [(MAX_NAME_BYTES - 8, False), (MAX_NAME_BYTES, True), (70_000, True)])
def test_a_name_is_measured_by_its_bytes(size: int, endless: bool) -> None:
    assert has_endless_name(certificate_with(b"\x30\0", element(0x30, b"x" * size))) is endless


def test_an_ordinary_name_has_an_end() -> None:
    assert not has_endless_name(ORDINARY)


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    has_endless_name(data)
    has_endless_name(b"\x30\x82\x10\x00\x30\x82\x08\x00" + data)
    excess_in(data, tls13=True)
    excess_in(data, tls13=False)
