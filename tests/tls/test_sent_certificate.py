"""Certificates of a chain as plain values."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exporter.model.certificate import KeyType
from exporter.tls.dated_certificate import dated
from exporter.tls.sent_certificate import sent_certificate
from tests.support.certificates import NOW, authority, issue
from tests.tls.keys import self_signed

KEYS = [
    (rsa.generate_private_key(65537, 2048), KeyType.RSA, 2048, "2048"),
    (rsa.generate_private_key(65537, 1032), KeyType.RSA, 1032, "other"),
    (ec.generate_private_key(ec.SECP256R1()), KeyType.EC, 256, "256"),
    (ec.generate_private_key(ec.SECP384R1()), KeyType.EC, 384, "384"),
    (ed25519.Ed25519PrivateKey.generate(), KeyType.ED25519, 256, "256"),
    (ed448.Ed448PrivateKey.generate(), KeyType.ED448, 456, "456"),
    (dsa.generate_private_key(1024), KeyType.DSA, 1024, "1024"),
]


@pytest.mark.parametrize(("key", "kind", "bits", "label"), KEYS)
def test_each_kind_of_key(key: rsa.RSAPrivateKey, kind: KeyType, bits: int, label: str) -> None:
    der = self_signed(key)
    certificate = dated(der)
    assert certificate is not None
    told = sent_certificate(certificate)
    assert (told.key_type, told.key_bits, told.bits_label) == (kind, bits, label)
    assert told.digest == hashlib.sha256(der).hexdigest()
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert told.key_digest == hashlib.sha256(spki).hexdigest()


def test_names_are_escaped_and_dates_are_those_of_the_certificate() -> None:
    root = authority()
    certificate = dated(issue("mx.example", by=root, subject="a\n<b>" + "c" * 50).der)
    assert certificate is not None
    told = sent_certificate(certificate)
    assert "\n" not in told.subject
    assert told.not_before < NOW.timestamp() < told.not_after
    assert sent_certificate(certificate) is told
