"""A server's records of TLS 1.3 between its hello and its Finished, decrypted without OpenSSL (RFC 8446 5.2, 7.3)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from exporter.tls.records import HANDSHAKE, HEADER_BYTES

_IV_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class _Suite:
    digest: type[hashes.SHA256] | type[hashes.SHA384]
    aead: type[AESGCM] | type[ChaCha20Poly1305]
    key_bytes: int


# RFC 8446 B.4: the suites that OpenSSL offers by default.
_SUITES: Final = MappingProxyType(
    {
        0x1301: _Suite(hashes.SHA256, AESGCM, 16),
        0x1302: _Suite(hashes.SHA384, AESGCM, 32),
        0x1303: _Suite(hashes.SHA256, ChaCha20Poly1305, 32),
    }
)


class HandshakeDecryption:
    """The decryption of the records under one secret, in their order."""

    __slots__ = ("_aead", "_iv", "_number")

    def __init__(self, suite: int, secret: bytes) -> None:
        """Raises KeyError for a suite that is not offered."""
        chosen = _SUITES[suite]
        self._aead = chosen.aead(_expanded(chosen, secret, b"key", chosen.key_bytes))
        self._iv = int.from_bytes(_expanded(chosen, secret, b"iv", _IV_BYTES), "big")
        self._number = 0

    def messages_in(self, record: bytes) -> bytes | None:
        """The bytes of handshake messages in `record`; None where it cannot be decrypted."""
        nonce = (self._iv ^ self._number).to_bytes(_IV_BYTES, "big")
        self._number += 1
        try:
            inner = self._aead.decrypt(nonce, record[HEADER_BYTES:], record[:HEADER_BYTES])
        except (InvalidTag, ValueError):
            return None
        inner = inner.rstrip(b"\0")  # RFC 8446 5.4
        return inner[:-1] if inner[-1:] == bytes([HANDSHAKE]) else b""


def _expanded(suite: _Suite, secret: bytes, label: bytes, length: int) -> bytes:
    """RFC 8446 7.1: HKDF-Expand-Label without a context."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(full)]) + full + b"\0"
    return HKDFExpand(suite.digest(), length, info).derive(secret)
