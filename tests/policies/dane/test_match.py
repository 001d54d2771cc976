"""Chains against TLSA records: what a sender that honours DANE accepts."""

from __future__ import annotations

import hashlib
import time
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.policy import Tlsa
from exporter.policies.dane.match import MAX_ISSUERS, MAX_RECORDS, match_chain
from tests.support.chains import NOW, Issued, issue

AT = NOW.timestamp()
MX = "mx.a.example"
NAMES = (MX, "a.example")
_NO_SIGNING = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
_SIGNING = x509.KeyUsage(False, False, False, False, False, True, False, False, False)


def _digest(usage: int, selector: int, of: Issued, matching: int = 1) -> Tlsa:
    data = of.spki if selector else of.der
    algorithms = {1: hashlib.sha256, 2: hashlib.sha512}
    return Tlsa(usage, selector, matching, algorithms[matching](data).digest() if matching else data)


def _matches(records: list[Tlsa], *chain: Issued, names: tuple[str, ...] = NAMES) -> bool:
    return match_chain(records, [one.der for one in chain], names, AT).record is not None


def _reason(records: list[Tlsa], *chain: Issued, names: tuple[str, ...] = NAMES) -> str:
    found = match_chain(records, [one.der for one in chain], names, AT)
    assert found.record is None
    return found.reason


@cache
def _root() -> Issued:
    return issue("root", authority=True)


@cache
def _middle() -> Issued:
    return issue("middle", _root(), authority=True, path_length=0, extensions=(_SIGNING,))


@cache
def _leaf() -> Issued:
    return issue("leaf", _middle(), names=(MX,))


COMBINATIONS = [(selector, matching) for selector in (0, 1) for matching in (0, 1, 2)]


# Usage 3, the end entity


@pytest.mark.parametrize(("selector", "matching"), COMBINATIONS)
def test_an_end_entity_matches_whatever_its_names_and_dates_are(selector: int, matching: int) -> None:
    for certificate in (
        issue("elsewhere.example"),
        issue("expired", names=("elsewhere.example",), days=(-60, -30)),
        issue("not yet", days=(30, 60)),
        issue("no purpose", extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),)),
        _leaf(),
    ):
        assert _matches([_digest(3, selector, certificate, matching)], certificate)


def test_an_end_entity_record_about_an_issuer_does_not_match() -> None:
    assert _reason([_digest(3, 1, _middle())], _leaf(), _middle()) == (
        "no record is about a certificate that the server sent"
    )


def test_a_new_certificate_with_the_same_key_matches_by_key_only() -> None:
    renewed = issue("renewed", key=_leaf().key)
    assert _matches([_digest(3, 1, _leaf())], renewed)
    assert not _matches([_digest(3, 0, _leaf())], renewed)


def test_one_of_several_records_is_enough() -> None:
    """RFC 7671 8.1: a rollover publishes the next certificate beside the present one."""
    records = [_digest(3, 1, issue("next")), _digest(3, 1, _leaf())]
    assert match_chain(records, [_leaf().der], NAMES, AT).record == records[1]


# Usage 2, the trust anchor


@pytest.mark.parametrize(("selector", "matching"), COMBINATIONS)
@pytest.mark.parametrize("anchor", [_root, _middle])
def test_a_trust_anchor_that_was_sent_matches(anchor: object, selector: int, matching: int) -> None:
    assert callable(anchor)
    assert _matches([_digest(2, selector, anchor(), matching)], _leaf(), _middle(), _root())


def test_the_order_of_the_issuers_does_not_matter_nor_do_strangers_among_them() -> None:
    assert _matches([_digest(2, 0, _root())], _leaf(), issue("stranger", authority=True), _root(), _middle())


def test_a_digest_of_an_anchor_that_was_not_sent_does_not_match() -> None:
    assert not _matches([_digest(2, 0, _root())], _leaf(), _middle())
    assert not _matches([_digest(2, 1, _root())], _leaf(), _middle())


@pytest.mark.parametrize("selector", [0, 1])
def test_an_anchor_published_as_a_whole_need_not_be_sent(selector: int) -> None:
    assert _matches([_digest(2, selector, _root(), 0)], _leaf(), _middle())
    assert _matches([_digest(2, selector, _middle(), 0)], _leaf())
    assert not _matches([_digest(2, selector, _root(), 0)], _leaf())
    assert not _matches([_digest(2, selector, issue("root", authority=True), 0)], _leaf(), _middle())


@pytest.mark.parametrize("scheme", ["ed25519", "rsa", "rsa-pss"])
def test_a_bare_key_signs_in_every_usual_way(scheme: str) -> None:
    key = (
        ed25519.Ed25519PrivateKey.generate()
        if scheme == "ed25519"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    anchor = issue("anchor", authority=True, key=key)
    leaf = issue("leaf", anchor, names=(MX,), pss=scheme == "rsa-pss")
    assert _matches([_digest(2, 1, anchor, 0)], leaf)
    assert not _matches([_digest(2, 1, issue("anchor", authority=True), 0)], leaf)


def test_the_servers_own_certificate_is_no_anchor() -> None:
    alone = issue(MX, names=(MX,), authority=True)
    assert not _matches([_digest(2, 0, alone)], alone)
    assert not _matches([_digest(2, 0, alone)], alone, alone)
    assert not _matches([_digest(2, 0, _leaf())], _leaf(), _middle())


@pytest.mark.parametrize(
    ("presented", "names", "matches"),
    [
        ((MX,), (MX,), True),
        (("MX.A.Example",), (MX,), True),
        (("a.example",), NAMES, True),
        (("*.a.example",), (MX,), True),
        (("*.example",), (MX,), False),
        (("m*.a.example",), (MX,), False),
        (("*",), (MX,), False),
        (("mx.*.example",), (MX,), False),
        (("*.a.example",), ("a.example",), False),
        (("other.example", MX), (MX,), True),
        (("other.example",), NAMES, False),
    ],
)
def test_under_an_anchor_the_name_counts(presented: tuple[str, ...], names: tuple[str, ...], matches: bool) -> None:
    leaf = issue(MX, _root(), names=presented)
    record = _digest(2, 0, _root())
    assert _matches([record], leaf, _root(), names=names) is matches
    if not matches:
        assert "not for" in _reason([record], leaf, _root(), names=names)


def test_the_common_name_counts_where_there_is_no_other() -> None:
    """RFC 7672 3.2.3."""
    assert _matches([_digest(2, 0, _root())], issue(MX, _root()), _root())
    assert not _matches([_digest(2, 0, _root())], issue("other.example", _root()), _root())


@pytest.mark.parametrize(
    ("leaf", "reason"),
    [
        (lambda: issue("l", _root(), names=(MX,), days=(-60, -30)), "expired on 2030-05-02"),
        (lambda: issue("l", _root(), names=(MX,), days=(30, 60)), "not valid before 2030-07-01"),
        (
            lambda: issue(
                "l", _root(), names=(MX,), extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),)
            ),
            "not for servers",
        ),
    ],
)
def test_under_an_anchor_dates_and_purpose_count(leaf: object, reason: str) -> None:
    assert callable(leaf)
    assert reason in _reason([_digest(2, 0, _root())], leaf(), _root())


@pytest.mark.parametrize(
    ("middle", "reason"),
    [
        (lambda: issue("m", _root(), authority=True, days=(-60, -30)), "expired"),
        (lambda: issue("m", _root(), authority=False), "may not sign others"),
        (lambda: issue("m", _root()), "may not sign others"),
        (lambda: issue("m", _root(), authority=True, extensions=(_NO_SIGNING,)), "may not sign others"),
    ],
)
def test_who_may_not_sign_does_not_lead_to_the_anchor(middle: object, reason: str) -> None:
    assert callable(middle)
    between = middle()
    assert reason in _reason([_digest(2, 0, _root())], issue("l", between, names=(MX,)), between, _root())


def test_the_length_of_a_path_is_what_its_issuers_allow() -> None:
    root = issue("r", authority=True, path_length=0)
    middle = issue("m", root, authority=True)
    leaf = issue("l", middle, names=(MX,))
    assert "so deep" in _reason([_digest(2, 0, root)], leaf, middle, root)
    assert _matches([_digest(2, 0, middle)], leaf, middle, root)


def test_a_signature_by_another_key_of_the_same_name_is_none() -> None:
    assert not _matches([_digest(2, 0, impostor := issue("middle", authority=True))], _leaf(), impostor)


def test_of_two_issuers_of_one_name_and_key_the_one_that_leads_on_is_found() -> None:
    """A cross-signed authority."""
    alone = issue("middle", authority=True, key=_middle().key)
    assert _matches([_digest(2, 0, _root())], _leaf(), alone, _middle(), _root())
    assert _matches([_digest(2, 0, alone)], _leaf(), _middle(), alone, _root())


def test_a_broken_anchor_does_not_hide_an_end_entity_that_matches() -> None:
    leaf = issue("l", _root(), names=("other.example",))
    assert _matches([_digest(2, 0, _root()), _digest(3, 1, leaf)], leaf, _root())


# What is sent


def test_no_certificate_and_no_records_match_nothing() -> None:
    assert "no certificate" in match_chain([_digest(3, 1, _leaf())], [], NAMES, AT).reason
    assert match_chain([], [_leaf().der], NAMES, AT).record is None


@given(st.binary(max_size=200))
def test_garbage_matches_nothing_and_raises_nothing(data: bytes) -> None:
    record = Tlsa(3, 0, 1, hashlib.sha256(data).digest())
    found = match_chain([record, Tlsa(2, 0, 0, data), Tlsa(2, 1, 0, data)], [data, data], NAMES, AT)
    assert (found.record, found.reason) == (None, "the server's certificate cannot be read")
    behind = match_chain([Tlsa(2, 0, 1, hashlib.sha256(data).digest())], [_leaf().der, data], NAMES, AT)
    assert behind.record is None


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_certificate_with_a_byte_changed_raises_nothing(place: int, byte: int) -> None:
    der = bytearray(_leaf().der)
    der[place % len(der)] = byte
    match_chain(
        [_digest(2, 0, _root()), _digest(2, 1, _middle(), 0)], [bytes(der), _middle().der, _root().der], NAMES, AT
    )


def test_a_chain_and_a_set_without_end_cost_a_bounded_time() -> None:
    """Every certificate could have issued every other: the worst a server can send."""
    key = issue("x").key
    chain = [issue("x", authority=True, key=key).der for _ in range(50)]
    records = [_digest(2, 1, issue("y"), 0) for _ in range(500)]
    began = time.process_time()
    assert match_chain(records, chain, NAMES, AT).record is None
    assert time.process_time() - began < 5.0
    assert len(chain) > MAX_ISSUERS + 1
    assert len(records) > MAX_RECORDS
