"""One certificate of a stranger: what is read of it, and what is left of a broken one."""

from __future__ import annotations

import warnings
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from exporter.tls.certificate import (
    alternative_names,
    extension_of,
    library_warnings_ignored,
    load,
    shown_name,
    shown_names,
)
from exporter.tls.certificate_names import CertificateNames
from tests.support.certificates import issue

HOST = issue("mx.example", "192.0.2.1")
CLIENT = issue(
    extensions=[
        x509.SubjectAlternativeName(
            [
                x509.DNSName("prometheus.example"),
                x509.RFC822Name("ops@b.example"),
                x509.UniformResourceIdentifier("spiffe://b.example/scraper"),
                x509.IPAddress(ip_address("2001:db8::1")),
            ]
        )
    ]
)


def test_a_certificate_is_loaded() -> None:
    certificate = load(HOST.der)
    assert certificate is not None
    assert shown_name(certificate.subject) == "CN=mx.example"


@pytest.mark.parametrize(
    "der", [b"", b"\x30\x03\x02\x01\x01", HOST.der[:-1], HOST.der[: len(HOST.der) // 2], b"x" * 999]
)
def test_what_is_no_certificate_is_none(der: bytes) -> None:
    assert load(der) is None
    assert alternative_names(der) == frozenset()


@pytest.mark.parametrize("at", range(0, len(HOST.der), 7))
def test_a_certificate_with_a_wrong_byte_is_read_or_not_and_raises_nothing(at: int) -> None:
    broken = HOST.der[:at] + bytes([HOST.der[at] ^ 0xFF]) + HOST.der[at + 1 :]
    with library_warnings_ignored():
        certificate = load(broken)
        assert isinstance(alternative_names(broken), frozenset)
        if certificate is not None:
            assert shown_name(certificate.subject).isprintable()
            extension_of(certificate, x509.SubjectAlternativeName)


def test_names_of_every_kind_are_a_clients_names() -> None:
    assert alternative_names(CLIENT.der) == {
        "prometheus.example",
        "ops@b.example",
        "spiffe://b.example/scraper",
        "2001:db8::1",
    }
    assert alternative_names(issue().der) == frozenset()


def test_an_extension_that_is_not_there_is_none() -> None:
    assert extension_of(HOST.certificate, x509.BasicConstraints) is None
    found = extension_of(HOST.certificate, x509.SubjectAlternativeName)
    assert found is not None
    assert found.get_values_for_type(x509.DNSName) == ["mx.example"]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (CertificateNames(), ""),
        (CertificateNames(("a.example",), (ip_address("192.0.2.1"),)), "a.example, 192.0.2.1"),
        (CertificateNames(tuple(f"{name}.example" for name in "abcd")), "a.example, b.example, c.example, d.example"),
        (
            CertificateNames(tuple(f"{name}.example" for name in "abcdef")),
            "a.example, b.example, c.example, d.example and 2 more",
        ),
    ],
)
def test_the_first_names_are_shown(names: CertificateNames, shown: str) -> None:
    assert shown_names(names) == shown


def test_names_are_shown_escaped_and_not_without_end() -> None:
    hostile = "a\x1b[31m\n" + "x" * 10_000
    assert shown_names(CertificateNames((hostile,))).isprintable()
    assert len(shown_names(CertificateNames((hostile,)))) < 200
    subject = shown_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a\x1b\u202e" + "x" * 50)]))
    assert subject.isprintable()


def test_only_warnings_inside_are_ignored() -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with library_warnings_ignored():
            warnings.warn("inside", UserWarning, stacklevel=1)
        warnings.warn("outside", UserWarning, stacklevel=1)
    assert [str(each.message) for each in found] == ["outside"]
