"""Certificates with a key of any kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support.certificates import NOW


def self_signed(key: Any) -> bytes:
    """A certificate of this key, DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    plain = isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
    return builder.sign(key, None if plain else hashes.SHA256()).public_bytes(Encoding.DER)
