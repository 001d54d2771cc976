"""The one reader of a certificate's names, as OpenSSL and Postfix read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from exporter.tls.certificate_names import CertificateNames, NameMatch, is_for
from tests.support.certificates import issue
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
    ("*.example.org", "xn--bcher-kva.example.org", True),
    ("mx.example.org\0.evil.example", "mx.example.org", False),
    ("", "mx.example.org", False),
    ("", "", False),
]


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
        if pair[0] and "\0" not in pair[0] and ".." not in pair[1] and pair[0][:2] != "m*" and pair[1][:1] != "."
    ],
)
def test_openssl_reads_them_alike(presented: str, wanted: str, matches: bool, tmp_path: Path) -> None:
    issued = issue(presented)
    (tmp_path / "own.pem").write_text(issued.pem)
    argv = [require_program("openssl"), "x509", "-noout", "-in", str(tmp_path / "own.pem")]
    argv += ["-checkhost", wanted.removesuffix(".")]
    said = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30).stdout
    assert ("does match" in said) is matches


def test_a_common_name_is_the_last_resort() -> None:
    names = CertificateNames(common=("mx.example.org",))
    assert names.match("mx.example.org") is NameMatch.COMMON
    assert CertificateNames(("other.example.org",), common=("mx.example.org",)).match("mx.example.org") is None
    assert CertificateNames(common=("192.0.2.1",)).match("192.0.2.1") is None
