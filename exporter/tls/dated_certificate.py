"""A certificate as OpenSSL reads it, with its dates: that of a server, of an issuer, or of a root."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509
from OpenSSL.crypto import FILETYPE_ASN1, X509, Error, load_certificate

from exporter.tls.certificate import load
from exporter.tls.expensive_certificates import brings_own_curve


@dataclass(frozen=True)
class DatedCertificate:
    """A certificate as OpenSSL reads it, with its dates in Unix time. To read it takes a moment, so it is read once."""

    der: bytes
    not_before: float
    not_after: float
    read: X509 = field(repr=False, compare=False)

    @cached_property
    def parsed(self) -> x509.Certificate | None:
        """The certificate with its names; None where only OpenSSL can read it."""
        return load(self.der)


def certificate_of(der: bytes) -> X509 | None:
    """The certificate, or None where OpenSSL cannot read it, or not in time."""
    if brings_own_curve(der):
        return None
    try:
        return load_certificate(FILETYPE_ASN1, der)
    except Error:
        return None


def dated(der: bytes) -> DatedCertificate | None:
    """The certificate with its dates, or None where OpenSSL cannot read them."""
    certificate = certificate_of(der)
    return None if certificate is None else with_dates(certificate, der)


def with_dates(certificate: X509, der: bytes) -> DatedCertificate | None:
    """A certificate that OpenSSL has read, with its dates; None where these cannot be read."""
    try:
        before, after = certificate.get_notBefore(), certificate.get_notAfter()
        if before is None or after is None:
            return None
        return DatedCertificate(der, _unix(before), _unix(after), certificate)
    except (Error, RuntimeError, ValueError):  # no date, or none that the calendar knows
        return None


def _unix(time: bytes) -> float:
    """RFC 5280 4.1.2.5.2: YYYYMMDDHHMMSSZ, which OpenSSL makes of the shorter form, too."""
    return datetime.strptime(time.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
