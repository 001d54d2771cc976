"""Records of a server's flight, sealed here with each suite as RFC 8446 5.2 says, and decrypted."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from exporter.tls.handshake_decryption import HandshakeDecryption

Aead = type[AESGCM] | type[ChaCha20Poly1305]
SUITES: dict[int, tuple[hashes.HashAlgorithm, Aead, int]] = {
    0x1301: (hashes.SHA256(), AESGCM, 16),
    0x1302: (hashes.SHA384(), AESGCM, 32),
    0x1303: (hashes.SHA256(), ChaCha20Poly1305, 32),
}
SECRET = bytes(range(48))
HANDSHAKE, ALERT, APPLICATION = b"\x16", b"\x15", b"\x17"


def expand(digest: hashes.HashAlgorithm, label: bytes, length: int) -> bytes:
    """RFC 8446 7.1, written out."""
    info = length.to_bytes(2, "big") + bytes([6 + len(label)]) + b"tls13 " + label + b"\0"
    return HKDFExpand(digest, length, info).derive(SECRET)


def sealed(suite: int, number: int, inner: bytes) -> bytes:
    """A record as a server sends it."""
    digest, cipher, size = SUITES[suite]
    iv = int.from_bytes(expand(digest, b"iv", 12), "big")
    header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
    key = expand(digest, b"key", size)
    return header + cipher(key).encrypt((iv ^ number).to_bytes(12, "big"), inner, header)


@pytest.mark.parametrize("suite", SUITES)
def test_records_are_decrypted_in_their_order(suite: int) -> None:
    decryption = HandshakeDecryption(suite, SECRET)
    for number, text in enumerate((b"\x08\0\0\x02\0\0", b"\x0b\0\0\x01x", b"\x14\0\0\0")):
        assert decryption.messages_in(sealed(suite, number, text + HANDSHAKE)) == text


def test_padding_is_taken_off() -> None:
    padded = sealed(0x1301, 0, b"\x14\0\0\0" + HANDSHAKE + bytes(100))
    assert HandshakeDecryption(0x1301, SECRET).messages_in(padded) == b"\x14\0\0\0"


@pytest.mark.parametrize("inner", [b"\x02\x28" + ALERT, b"text" + APPLICATION, b"", bytes(20)])
def test_what_is_no_handshake_message_is_empty(inner: bytes) -> None:
    assert HandshakeDecryption(0x1301, SECRET).messages_in(sealed(0x1301, 0, inner)) == b""


def test_a_record_out_of_its_order_or_changed_is_not_decrypted() -> None:
    first = sealed(0x1301, 0, b"\x14\0\0\0" + HANDSHAKE)
    decryption = HandshakeDecryption(0x1301, SECRET)
    assert decryption.messages_in(first[:-1] + bytes([first[-1] ^ 1])) is None
    assert decryption.messages_in(first) is None, "it is the second now"
    assert decryption.messages_in(sealed(0x1301, 2, b"x" + HANDSHAKE)) == b"x"


@pytest.mark.parametrize("record", [b"", b"\x17\x03\x03\x00\x00", b"\x17\x03\x03\x00\x04abcd"])
def test_a_record_too_short_for_its_tag_is_not_decrypted(record: bytes) -> None:
    assert HandshakeDecryption(0x1303, SECRET).messages_in(record) is None


def test_a_suite_that_is_not_offered_has_no_decryption() -> None:
    with pytest.raises(KeyError):
        HandshakeDecryption(0x1304, SECRET)
