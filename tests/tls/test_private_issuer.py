"""The private issuer of a certificate, by name and key."""

from __future__ import annotations

from exporter.tls.private_issuer import private_issuer
from exporter.tls.roots import Roots
from exporter.tls.verification import examine
from tests.support.certificates import NOW, Issued, authority, issue

NAME = "mx.example.org"
KNOWN = authority("Known Root")
ROOTS = Roots([KNOWN.der])


def _issuer(issued: Issued) -> str:
    return private_issuer(issued.der, examine(issued.chain, NAME, NOW.timestamp(), ROOTS))


def test_a_public_authority_is_no_private_issuer() -> None:
    assert _issuer(issue(NAME, by=KNOWN)) == ""


def test_one_private_issuer_is_the_same_under_all_its_certificates() -> None:
    inspection = authority("Corporate Inspection")
    one, other = issue(NAME, by=inspection), issue("mx.other.example", by=inspection)
    assert _issuer(one).startswith("CN=Corporate Inspection, key ")
    assert _issuer(one) == _issuer(other)


def test_self_signed_certificates_of_one_name_differ_by_their_keys() -> None:
    assert _issuer(issue(NAME, subject="localhost")) != _issuer(issue(NAME, subject="localhost"))
