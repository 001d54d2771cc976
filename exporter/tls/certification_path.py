"""The certification path from a server's certificate to a root, as OpenSSL finds it.

Senders verify with OpenSSL, and two libraries differ in many a chain: cross-signed and expired spares, two issuers of
one name, names in two encodings of one text, constraints, the rights of issuers. So the path is OpenSSL's. pyOpenSSL
has no call for the purpose `sslserver`: its rules are checked here on the path that OpenSSL found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from OpenSSL.crypto import (
    FILETYPE_ASN1,
    X509,
    Error,
    X509StoreContext,
    X509StoreContextError,
    dump_certificate,
)

from exporter.tls.certificate import extension_of
from exporter.tls.dated_certificate import DatedCertificate, with_dates
from exporter.tls.roots import Roots

# RFC 5280 4.2.1.12, and the older purposes for the same: OpenSSL takes no anyExtendedKeyUsage for a server.
_SERVER_PURPOSES: Final = frozenset(
    {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),  # msSGC
        ObjectIdentifier("2.16.840.1.113730.4.1"),  # nsSGC
    }
)
# Netscape's own extension for the purpose: a bit string, of which these bits of the first octet say server and issuer.
_NETSCAPE_TYPE: Final = ObjectIdentifier("2.16.840.1.113730.1.1")
_NETSCAPE_SERVER: Final = 0x40
_NETSCAPE_ISSUER: Final = 0x04


@dataclass(frozen=True, slots=True)
class NoPath:
    """The reason why there is no path: OpenSSL's number and words; the certificate at fault, and its depth."""

    code: int
    words: str
    depth: int
    certificate: DatedCertificate | None


def find_path(
    chain: Sequence[DatedCertificate], roots: Roots, at: float | None
) -> tuple[DatedCertificate, ...] | NoPath:
    """The path from the first of `chain` to a root, both included, as of Unix time `at`; None: at any time."""
    own, *others = [one.read for one in chain]
    known = {one.der: one for one in chain}
    try:
        path = X509StoreContext(roots.store(at), own, others).get_verified_chain()
    except X509StoreContextError as error:
        code, depth, words = error.errors
        return NoPath(code, words, depth, _dated(error.certificate, known))
    except Error as error:
        return NoPath(0, f"{type(error).__name__}", 0, None)
    found = tuple(dated for one in path if (dated := _dated(one, known)) is not None)
    return found if len(found) == len(path) else NoPath(0, "a date in it cannot be read", 0, None)


def wrong_purpose(path: Sequence[DatedCertificate]) -> DatedCertificate | None:
    """The first certificate of `path` that is not for servers, or for issuing their certificates."""
    for depth, one in enumerate(path):
        parsed = one.parsed
        if parsed is not None and not (_serves(parsed) if depth == 0 else _issues(parsed)):
            return one
    return None


def _serves(certificate: x509.Certificate) -> bool:
    usage = extension_of(certificate, x509.KeyUsage)
    signs = usage is None or usage.digital_signature or usage.key_encipherment or usage.key_agreement
    return signs and _purpose_allows(certificate) and _netscape_allows(certificate, _NETSCAPE_SERVER)


def _issues(certificate: x509.Certificate) -> bool:
    """True where the certificates of an issuer may be for servers. OpenSSL checks its right to sign."""
    says = extension_of(certificate, x509.BasicConstraints) or extension_of(certificate, x509.KeyUsage)
    return _purpose_allows(certificate) and (says is not None or _netscape_allows(certificate, _NETSCAPE_ISSUER))


def _purpose_allows(certificate: x509.Certificate) -> bool:
    usage = extension_of(certificate, x509.ExtendedKeyUsage)
    return usage is None or not _SERVER_PURPOSES.isdisjoint(usage)


def _netscape_allows(certificate: x509.Certificate, bit: int) -> bool:
    try:
        extension = certificate.extensions.get_extension_for_oid(_NETSCAPE_TYPE).value
    except Exception:  # there is none, or the extensions cannot be read
        return True
    value = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
    return len(value) > 3 and bool(value[3] & bit)  # tag, length, unused bits, bits


def _dated(certificate: X509, known: Mapping[bytes, DatedCertificate]) -> DatedCertificate | None:
    try:
        # First of all: where OpenSSL fails without a certificate, as for a key that cannot be read, the library holds a
        # null pointer. To write that out raises an error; every other call would crash.
        der = dump_certificate(FILETYPE_ASN1, certificate)
    except (Error, RuntimeError, ValueError):
        return None
    return known.get(der) or with_dates(certificate, der)
