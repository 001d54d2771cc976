"""The one reader of a certificate's names, as OpenSSL and Postfix read them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from exporter.model.failure import FailureClass
from exporter.model.policy import CERT, DANE_TA, FULL, Tlsa
from exporter.policies.dane.match import match_chain
from exporter.tls.certificate_names import CertificateNames, NameMatch, is_for, names_of
from exporter.tls.roots import Roots
from exporter.tls.verification import examine
from tests.support.certificates import NOW, Issued, authority, issue
from tests.support.require import require_program

PAIRS = [
    ("mx.example.org", "MX.Example.ORG.", True),
    ("*.example.org", "mx.example.org", True),
    ("*.example.org", "a.mx.example.org", False),
    ("*.example.org", "example.org", False),
    ("*.example.org", ".example.org", False),
    ("*..example.org", "mx..example.org", False),
    ("mx..example.org", "mx..example.org", False),
    ("m*.example.org", "mx.example.org", False),
    ("mx.*.org", "mx.example.org", False),
    ("*", "localhost", False),
    ("*.", "localhost.", False),
    ("*.org", "example.org", False),
    ("*.com", "example.com", False),
    ("mx.example.org.", "mx.example.org", False),
    ("*.example.org.", "mx.example.org", False),
    (".example.org", "mx.example.org", False),
    ("xn--bcher-kva.example", "xn--bcher-kva.example", True),
    ("XN--bcher-KVA.example", "xn--bcher-kva.example", True),
    ("xn--*.example.org", "xn--bcher-kva.example.org", False),
    ("*.example.org", "xn--bcher-kva.example.org", True),
    ("mx.example.org\0.evil.example", "mx.example.org", False),
    ("*.example.org", "mx.example.org.", True),
    ("*.example.org", "mx.example.org..", False),
    ("*.example.org", "*.mx.example.org", False),
    ("*.*.org", "mx.example.org", False),
    ("**.example.org", "mx.example.org", False),
    ("*mx.example.org", "mx.example.org", False),
    ("*.mx.example.org", "mx.example.org", False),
    ("*.co.example", "mx.co.example", True),  # no list of registries is asked, as no sender asks one
    ("mx.example.or", "mx.example.org", False),
    ("", "mx.example.org", False),
    ("", "", False),
]


# Wildcards within a label, which OpenSSL takes.
_WITHIN = {"m*.example.org", "*mx.example.org"}


@pytest.mark.parametrize(("presented", "wanted", "matches"), PAIRS)
def test_one_name_against_another(presented: str, wanted: str, matches: bool) -> None:
    assert is_for(presented, wanted) is matches
    assert CertificateNames((presented,)).match(wanted) is (NameMatch.ALTERNATIVE if matches else None)


@pytest.mark.parametrize(
    ("presented", "wanted", "matches"),
    # OpenSSL takes a wildcard within a label, too, which RFC 9525 6.3 gave up and Postfix never took; and to it a
    # leading dot asks for any host of a domain.
    [
        pair
        for pair in PAIRS
        if pair[0] and "\0" not in pair[0] and ".." not in pair[1] and pair[0] not in _WITHIN and pair[1][:1] != "."
    ],
)
def test_openssl_reads_them_alike(presented: str, wanted: str, matches: bool, tmp_path: Path) -> None:
    issued = issue(presented)
    (tmp_path / "own.pem").write_text(issued.pem)
    argv = [require_program("openssl"), "x509", "-noout", "-in", str(tmp_path / "own.pem")]
    argv += ["-checkhost", wanted.removesuffix(".")]
    said = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30).stdout
    assert ("does match" in said) is matches


@pytest.mark.parametrize(
    ("presented", "wanted"),
    # Letters whose small form is an ASCII one, or that IDNA maps to other names: a certificate has A-labels.
    [
        ("mx.example.\N{KELVIN SIGN}", "mx.example.k"),
        ("\N{LATIN SMALL LETTER LONG S}mtp.example.org", "smtp.example.org"),
        ("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example"),
        ("mx\N{IDEOGRAPHIC FULL STOP}example.org", "mx.example.org"),
    ],
)
def test_letters_outside_ascii_are_nobodys_name(presented: str, wanted: str) -> None:
    assert not is_for(presented, wanted)
    assert CertificateNames(common=(presented,)).match(wanted) is None


@pytest.mark.parametrize(
    ("names", "wanted", "matches"),
    [
        (CertificateNames(addresses=(ip_address("192.0.2.1"),)), "192.0.2.1", True),
        (CertificateNames(addresses=(ip_address("192.0.2.1"),)), "192.0.2.1.", True),
        (CertificateNames(addresses=(ip_address("2001:db8::1"),)), "2001:DB8:0::1", True),
        (CertificateNames(addresses=(ip_address("192.0.2.1"),)), "192.0.2.2", False),
        (CertificateNames(addresses=(ip_address("192.0.2.1"),)), "::ffff:192.0.2.1", False),
        (CertificateNames(dns=("192.0.2.1",)), "192.0.2.1", False),
        (CertificateNames(dns=("192.0.2.1",)), "192.0.2.1.", False),
        (CertificateNames(dns=("*.0.2.1",)), "192.0.2.1", False),
        (CertificateNames(dns=("mx.example.org",), addresses=(ip_address("192.0.2.1"),)), "mx.example.org", True),
    ],
)
def test_an_address_is_no_name(names: CertificateNames, wanted: str, matches: bool) -> None:
    """RFC 6125 1.7.2, RFC 9525 4.3."""
    assert names.match(wanted) is (NameMatch.ALTERNATIVE if matches else None)


ROOT = authority()
ROOTS = Roots([ROOT.der])
ANCHOR = Tlsa(DANE_TA, CERT, FULL, ROOT.der)


def _issued(alternatives: Sequence[x509.GeneralName], common: str) -> Issued:
    extensions = [x509.SubjectAlternativeName(alternatives)] if alternatives else []
    return issue(by=ROOT, subject=common, extensions=extensions)


SUBJECTS = [
    *(pytest.param([x509.DNSName(presented)], "Lab", wanted) for presented, wanted, _ in PAIRS),
    *(pytest.param([], presented, wanted) for presented, wanted, _ in PAIRS if presented),
    ([], "mx.example.\N{KELVIN SIGN}", "mx.example.k"),
    ([x509.DNSName("other.example.org")], "mx.example.org", "mx.example.org"),
    ([x509.IPAddress(ip_address("192.0.2.1"))], "mx.example.org", "mx.example.org"),
    ([x509.IPAddress(ip_address("192.0.2.1"))], "Lab", "192.0.2.1"),
    ([x509.DNSName("192.0.2.1")], "192.0.2.1", "192.0.2.1"),
    ([x509.RFC822Name("a@example.org")], "mx.example.org", "mx.example.org"),
]


@pytest.mark.parametrize(("alternatives", "common", "wanted"), SUBJECTS)
def test_dane_and_the_system_s_roots_agree_on_a_name(
    alternatives: Sequence[x509.GeneralName], common: str, wanted: str
) -> None:
    """RFC 7672 3.2.3 reads the names of a certificate as RFC 6125 does: there are no two answers."""
    issued = _issued(alternatives, common)
    at = NOW.timestamp()
    dane = match_chain([ANCHOR], [issued.der, ROOT.der], (wanted,), at)
    faults = {fault.failure_class for fault in examine(issued.chain, wanted, at, ROOTS).faults}
    assert faults <= {FailureClass.TLS_NAME_MISMATCH}
    assert (dane.record is not None) is (not faults), dane.reason
    assert (dane.record is not None) is (names_of(issued.certificate).match(wanted) is not None)


def test_a_common_name_is_the_last_resort() -> None:
    names = CertificateNames(common=("mx.example.org",))
    assert names.match("mx.example.org") is NameMatch.COMMON
    assert CertificateNames(("other.example.org",), common=("mx.example.org",)).match("mx.example.org") is None
    assert CertificateNames(common=("192.0.2.1",)).match("192.0.2.1") is None
