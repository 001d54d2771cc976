"""The trust in a chain: each kind of wrong certificate by itself, all that is wrong with one at once."""

from __future__ import annotations

import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.failure import FailureClass, Stage
from exporter.tls.roots import Roots
from exporter.tls.verification import Trust, examine
from tests.support.certificates import DAY, NOW, Issued, authority, issue

C = FailureClass
NAME = "mx.example.org"
ROOT = authority()
MIDDLE = issue(by=ROOT, ca=True, subject="Lab Intermediate", end=400 * DAY)
ROOTS = Roots([ROOT.der])


def trust(issued: Issued, name: str = NAME, chain: tuple[bytes, ...] | None = None, roots: Roots = ROOTS) -> Trust:
    return examine(issued.chain if chain is None else chain, name, NOW.timestamp(), roots)


def classes(found: Trust) -> list[FailureClass]:
    assert all(fault.stage is Stage.TLS for fault in found.faults)
    assert found.verified == (not found.faults)
    return [fault.failure_class for fault in found.faults]


GOOD = issue(NAME, by=MIDDLE)


def test_a_good_certificate_is_verified_and_its_dates_are_those_of_the_whole_chain() -> None:
    found = trust(GOOD)
    assert found.verified
    assert found.not_after == pytest.approx((NOW + 90 * DAY).timestamp(), abs=1)
    assert found.not_before == pytest.approx((NOW - 30 * DAY).timestamp(), abs=1)
    assert found.subject == NAME
    assert found.issuer == "CN=Lab Intermediate"


def test_the_earliest_end_may_be_that_of_an_issuer() -> None:
    middle = issue(by=ROOT, ca=True, subject="Short", end=5 * DAY)
    found = trust(issue(NAME, by=middle))
    assert found.verified
    assert found.not_after == pytest.approx((NOW + 5 * DAY).timestamp(), abs=1)


@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        (issue(NAME, by=MIDDLE, start=-90 * DAY, end=-1 * DAY), [C.TLS_EXPIRED]),
        (issue(NAME, by=MIDDLE, start=1 * DAY), [C.TLS_NOT_YET_VALID]),
        (issue("other.example.org", by=MIDDLE), [C.TLS_NAME_MISMATCH]),
        (issue(by=MIDDLE, subject=NAME), []),  # the common name counts where there is no other
        (issue("192.0.2.1", by=MIDDLE, subject=NAME), []),
        (issue("other.example.org", by=MIDDLE, subject=NAME), [C.TLS_NAME_MISMATCH]),
        (issue("192.0.2.1", by=MIDDLE), [C.TLS_NAME_MISMATCH]),
        (issue(NAME), [C.TLS_UNTRUSTED]),  # self-signed
        (issue(NAME, by=authority("Nobody's")), [C.TLS_UNTRUSTED]),
        (issue(NAME, start=-90 * DAY, end=-1 * DAY), [C.TLS_EXPIRED, C.TLS_UNTRUSTED]),
        (
            issue("other.example.org", start=-90 * DAY, end=-1 * DAY),
            [C.TLS_EXPIRED, C.TLS_UNTRUSTED, C.TLS_NAME_MISMATCH],
        ),
        (issue(NAME, by=issue(by=ROOT, ca=True, subject="Old", end=-1 * DAY)), [C.TLS_EXPIRED]),
        (issue(NAME, by=issue(by=ROOT, ca=True, subject="New", start=1 * DAY)), [C.TLS_NOT_YET_VALID]),
        (issue(NAME, by=issue("ca.example", by=ROOT)), [C.TLS_UNTRUSTED]),  # its issuer is no authority
        (
            issue(NAME, by=MIDDLE, extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])]),
            [C.TLS_UNTRUSTED],
        ),
        (issue(NAME, by=MIDDLE, extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])]), []),
        (issue(NAME, "alias.example.org", by=MIDDLE), []),
        (issue(NAME.upper(), by=MIDDLE), []),
        (issue("*.example.org", by=MIDDLE), []),
        (issue("*.org", by=MIDDLE), [C.TLS_NAME_MISMATCH]),
    ],
)
def test_each_wrong_certificate_has_its_classes(issued: Issued, expected: list[FailureClass]) -> None:
    assert classes(trust(issued)) == expected


def test_a_verdict_holds_no_longer_than_the_dates_it_was_made_of() -> None:
    middle = issue(by=ROOT, ca=True, subject="Short", end=5 * DAY)
    chain = issue(NAME, by=middle, start=1 * DAY).chain

    def at(days: float) -> list[FailureClass]:
        found = examine(chain, NAME, (NOW + days * DAY).timestamp(), ROOTS)
        assert found == examine(chain, NAME, (NOW + days * DAY).timestamp(), Roots([ROOT.der])), "kept too long"
        return classes(found)

    second = 1 / 86400
    assert at(0.5) == at(1 - second) == [C.TLS_NOT_YET_VALID]
    assert at(1 + second) == at(1 + 2 * second) == at(4.5) == at(5 - second) == []
    assert at(5 + second) == at(5.5) == [C.TLS_EXPIRED]
    assert at(0.5) == [C.TLS_NOT_YET_VALID], "the clock was set back"


def test_a_verdict_is_of_one_name_one_chain_and_one_set_of_roots() -> None:
    for _ in range(2):
        assert trust(GOOD).verified
        assert classes(trust(GOOD, name="other.example.org")) == [C.TLS_NAME_MISMATCH]
        assert classes(trust(GOOD, chain=GOOD.chain[:1])) == [C.TLS_UNTRUSTED]
        assert classes(trust(GOOD, roots=Roots([]))) == [C.TLS_UNTRUSTED]


def test_an_address_needs_an_address_in_the_certificate() -> None:
    assert trust(issue("192.0.2.1", by=MIDDLE), "192.0.2.1").verified
    assert trust(issue("2001:db8::1", by=MIDDLE), "2001:db8:0::1").verified
    assert classes(trust(issue("192.0.2.2", by=MIDDLE), "192.0.2.1")) == [C.TLS_NAME_MISMATCH]


def test_a_chain_without_its_intermediate_is_untrusted() -> None:
    assert classes(trust(GOOD, chain=GOOD.chain[:1])) == [C.TLS_UNTRUSTED]


def test_a_root_of_the_same_name_is_not_said_to_be_missing() -> None:
    """Any authority may call itself as one that this system knows; so does an old one with a new key."""
    keys = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(2)]
    ids = [x509.SubjectKeyIdentifier.from_public_key(key) for key in keys]
    ours, theirs = (authority(extensions=[each]) for each in ids)
    own = issue(NAME, by=theirs, extensions=[x509.AuthorityKeyIdentifier(ids[1].digest, None, None)])
    found = trust(own, chain=own.chain[:1], roots=Roots([ours.der]))
    assert classes(found) == [C.TLS_UNTRUSTED]
    assert "CN=Lab Root" in found.faults[0].detail
    assert "is another" in found.faults[0].detail
    assert "intermediate" not in found.faults[0].detail


def test_the_order_of_the_chain_and_what_is_too_much_in_it_do_not_matter() -> None:
    middles = [issue(by=ROOT, ca=True, subject="Outer")]
    middles.append(issue(by=middles[0], ca=True, subject="Inner"))
    own = issue(NAME, by=middles[1])
    assert trust(own).verified
    reordered = (own.chain[0], *GOOD.chain[1:], own.chain[2], own.chain[1], ROOT.chain[0])
    assert trust(own, chain=reordered).verified


def test_an_expired_certificate_the_path_does_not_need_harms_nobody() -> None:
    """As when an old root has cross-signed the new one, which this system knows by itself."""
    old = authority("Old Root")
    crossed = issue(by=old, ca=True, subject="Lab Root", key=ROOT.key, start=-900 * DAY, end=-1 * DAY)
    own = issue(NAME, by=MIDDLE)
    found = trust(own, chain=(*own.chain, crossed.chain[0]))
    assert found.verified
    assert found.not_after == pytest.approx((NOW + 90 * DAY).timestamp(), abs=1), "the spare counts for nothing"


def test_a_server_certificate_that_is_trusted_itself() -> None:
    own = issue(NAME)
    assert trust(own, roots=Roots([own.der])).verified
    late = issue(NAME, start=-90 * DAY, end=-1 * DAY)
    assert classes(trust(late, roots=Roots([late.der]))) == [C.TLS_EXPIRED]


def test_without_roots_nothing_is_trusted_and_the_reason_is_ours() -> None:
    found = trust(GOOD, roots=Roots([]))
    assert classes(found) == [C.TLS_UNTRUSTED]
    assert "this system has no root certificates" in found.faults[0].detail


@pytest.mark.parametrize("chain", [(), (b"",), (b"garbage",), (b"\x30\x82\xff\xff",), (GOOD.chain[0][:-1],)])
def test_what_is_no_certificate_is_untrusted(chain: tuple[bytes, ...]) -> None:
    found = trust(GOOD, chain=chain)
    assert classes(found) == [C.TLS_UNTRUSTED]
    assert found.not_after is None


def test_garbage_behind_a_good_certificate_is_passed_over() -> None:
    assert trust(GOOD, chain=(*GOOD.chain, b"garbage")).verified


@given(st.binary(max_size=4), st.integers(0, len(GOOD.chain[0]) - 1))
def test_no_damage_to_a_certificate_raises(damage: bytes, place: int) -> None:
    own = GOOD.chain[0]
    found = trust(GOOD, chain=(own[:place] + damage + own[place + len(damage) :], *GOOD.chain[1:]))
    assert isinstance(found, Trust)


def test_a_chain_made_to_be_searched_for_ever_is_not() -> None:
    """Fifty authorities of one name and one key, each of which could be the issuer of each."""
    loop = authority("Loop")
    same = [issue(by=loop, ca=True, subject="Loop", key=loop.key, end=(100 + n) * DAY) for n in range(50)]
    chain = (issue(NAME, by=loop).chain[0], *(issued.chain[0] for issued in same))
    began = time.process_time()
    assert classes(trust(GOOD, chain=chain)) == [C.TLS_UNTRUSTED]
    assert time.process_time() - began < 5.0  # a search takes hours


def test_the_words_of_a_certificate_are_harmless() -> None:
    evil = issue("evil\x1b[31m.example\r\n", subject="\x1b]0;owned\x07\u202e")
    found = trust(evil)
    for text in (found.subject, found.issuer, *(fault.detail for fault in found.faults)):
        assert text.isprintable()
