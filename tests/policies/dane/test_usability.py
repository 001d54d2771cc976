"""The TLSA records that a sender of mail can use."""

from __future__ import annotations

import hashlib
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.policy import Tlsa
from exporter.policies.dane.usability import preferred, unusable
from tests.support.chains import issue

CERTIFICATE = issue("mx.a.example")
DATA = {
    (0, 0): CERTIFICATE.der,
    (1, 0): CERTIFICATE.spki,
    (0, 1): hashlib.sha256(CERTIFICATE.der).digest(),
    (1, 1): hashlib.sha256(CERTIFICATE.spki).digest(),
    (0, 2): hashlib.sha512(CERTIFICATE.der).digest(),
    (1, 2): hashlib.sha512(CERTIFICATE.spki).digest(),
}


@pytest.mark.parametrize(("selector", "matching"), list(DATA))
@pytest.mark.parametrize("usage", [2, 3])
def test_trust_anchors_and_end_entities_of_the_domain_are_usable(usage: int, selector: int, matching: int) -> None:
    record = Tlsa(usage, selector, matching, DATA[selector, matching])
    assert unusable(record) is None
    assert record.associates(CERTIFICATE.der, CERTIFICATE.spki)


@pytest.mark.parametrize(("selector", "matching"), list(DATA))
@pytest.mark.parametrize("usage", [0, 1, 4, 255])
def test_other_usages_are_not(usage: int, selector: int, matching: int) -> None:
    assert "usage" in (unusable(Tlsa(usage, selector, matching, DATA[selector, matching])) or "")


@pytest.mark.parametrize(
    ("selector", "matching", "data", "reason"),
    [
        (2, 1, DATA[0, 1], "selector"),
        (255, 0, DATA[0, 0], "selector"),
        (0, 3, DATA[0, 1], "matching type"),
        (1, 255, DATA[0, 1], "matching type"),
        (0, 1, DATA[0, 1][:-1], "31 bytes"),
        (0, 1, DATA[0, 2], "64 bytes"),
        (1, 2, DATA[0, 1], "32 bytes"),
        (0, 1, b"", "0 bytes"),
        (0, 0, b"", "certificate"),
        (0, 0, DATA[1, 0], "certificate"),
        (0, 0, DATA[0, 0][:-1], "certificate"),
        (1, 0, DATA[0, 0], "key"),
        (1, 0, b"\x30\x00", "key"),
    ],
    ids=lambda value: "data" if isinstance(value, bytes) else None,  # the key is another one in each run
)
def test_what_is_unknown_or_malformed_is_not(selector: int, matching: int, data: bytes, reason: str) -> None:
    assert reason in (unusable(Tlsa(3, selector, matching, data)) or "")


@pytest.mark.parametrize(("one", "other"), [pair for pair in product(DATA, DATA) if pair[0] != pair[1]])
def test_an_association_holds_for_its_own_selector_and_matching_only(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    assert not Tlsa(3, *one, DATA[other]).associates(CERTIFICATE.der, CERTIFICATE.spki)


def test_of_digests_of_one_kind_the_strongest_alone_counts() -> None:
    """RFC 7671 9. Whole data is no digest, and other usages and selectors are other kinds."""
    old, new = (Tlsa(3, 1, matching, DATA[1, matching]) for matching in (1, 2))
    whole, cert, anchor = Tlsa(3, 1, 0, DATA[1, 0]), Tlsa(3, 0, 1, DATA[0, 1]), Tlsa(2, 1, 1, DATA[1, 1])
    assert preferred([old, new, whole, cert, anchor]) == [new, whole, cert, anchor]
    assert preferred([old, cert]) == [old, cert]
    # One that nobody can use is no stronger than any.
    assert preferred([old, Tlsa(3, 1, 2, b"short"), Tlsa(3, 1, 9, b"")]) == [old]


def test_its_text_is_that_of_a_zone_file_and_bounded() -> None:
    assert str(Tlsa(3, 1, 1, b"\xab" * 32)) == "3 1 1 " + "ab" * 32
    assert len(str(Tlsa(3, 0, 0, b"\xab" * 5000))) < 200


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=100))
def test_no_record_raises(usage: int, selector: int, matching: int, data: bytes) -> None:
    record = Tlsa(usage, selector, matching, data)
    reason = unusable(record)
    assert reason is None or reason.isprintable()
    assert not record.associates(CERTIFICATE.der, CERTIFICATE.spki)
