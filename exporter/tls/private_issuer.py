"""The private issuer of a certificate: where unrelated hosts share one, the egress is intercepted."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exporter.model.failure import FailureClass
from exporter.tls.certificate import library_warnings_ignored, load, shown_name
from exporter.tls.verification import Trust

_KEY_CHARS: Final = 16


def private_issuer(own: bytes, trust: Trust) -> str:
    """The issuer's name and key of the server's own certificate (DER); "" where a public authority issued it.

    Names alone prove nothing: thousands of devices are delivered with one issuer name and a key of their own.
    """
    if all(fault.failure_class is not FailureClass.TLS_UNTRUSTED for fault in trust.faults):
        return ""
    return _issuer(own)


@lru_cache(maxsize=1024)
def _issuer(own: bytes) -> str:
    with library_warnings_ignored():
        certificate = load(own)
        if certificate is None:
            return ""
        try:
            key = _issuer_key(certificate)
        except (ValueError, UnsupportedAlgorithm):
            return ""
        return f"{shown_name(certificate.issuer)}, key {key}" if key else ""


def _issuer_key(certificate: x509.Certificate) -> str:
    """The key that signed the certificate: its identifier (RFC 5280 4.2.1.1), or a hash of a self-signed one's key."""
    if certificate.issuer == certificate.subject:
        own_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(own_key).hexdigest()[:_KEY_CHARS]
    try:
        identifier = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return "without identifier"
    return identifier.hex()[:_KEY_CHARS] if identifier else "without identifier"
