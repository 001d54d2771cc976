from __future__ import annotations

import hashlib

import pytest

from exporter.model.policy import CERT, DANE_EE, FULL, SPKI, Tlsa

CERTIFICATE, KEY = b"certificate", b"key"


@pytest.mark.parametrize(
    ("selector", "matching", "data", "associated"),
    [
        (CERT, FULL, CERTIFICATE, True),
        (SPKI, FULL, KEY, True),
        (CERT, FULL, KEY, False),
        (SPKI, 1, hashlib.sha256(KEY).digest(), True),
        (SPKI, 2, hashlib.sha512(KEY).digest(), True),
        (CERT, 1, hashlib.sha256(KEY).digest(), False),
        (SPKI, 3, KEY, False),  # no such matching type
        (2, FULL, KEY, False),  # no such selector
    ],
)
def test_a_record_matches_what_its_selector_and_matching_type_say(
    selector: int, matching: int, data: bytes, associated: bool
) -> None:
    assert Tlsa(DANE_EE, selector, matching, data).associates(CERTIFICATE, KEY) is associated


def test_a_record_as_in_a_zone_file_is_cut_after_a_digest() -> None:
    assert str(Tlsa(3, 1, 2, b"\xab" * 64)) == "3 1 2 " + "ab" * 64
    assert str(Tlsa(3, 1, 0, b"\xab" * 65)) == "3 1 0 " + "ab" * 64 + "…"
