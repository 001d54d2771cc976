"""A server of TLS 1.3 that sends whatever records one likes, for those that no library would send; sans-IO.

TLS_AES_128_GCM_SHA256 and x25519 alone. What the client sends after its hello is not read: nothing here needs it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
WARNING: Final = b"\x01\x5a"  # user_canceled
UPDATE_REQUESTED: Final = b"\x18\0\0\1\1"  # RFC 8446 4.6.3
HELLO_REQUEST: Final = b"\0\0\0\0"  # of TLS 1.2
# RFC 8446 4.6.1: lifetime, age_add, nonce, a ticket of one byte, no extensions. As small as they come.
TICKET: Final = b"\x04\0\0\x0f" + b"\0\0\x1c\x20" + b"\0\0\0\0" + b"\1n" + b"\0\1t" + b"\0\0"
_SUITE: Final = b"\x13\x01"


def record(kind: int, body: bytes) -> bytes:
    """In the clear."""
    return bytes([kind]) + b"\x03\x03" + len(body).to_bytes(2, "big") + body


def message(kind: int, body: bytes) -> bytes:
    """Of a handshake."""
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def vector(body: bytes, size: int) -> bytes:
    """With its length before it."""
    return len(body).to_bytes(size, "big") + body


def retry(client_hello: bytes, group: int, padding: int = 0) -> bytes:
    """A HelloRetryRequest for `group`, behind a cookie of `padding` bytes."""
    random = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    cookie = b"\0\x2c" + vector(vector(b"c" * padding, 2), 2) if padding else b""
    return record(HANDSHAKE, _hello(client_hello, random, cookie + b"\0\x33\0\2" + group.to_bytes(2, "big")))


def _hello(client_hello: bytes, random: bytes, extensions: bytes) -> bytes:
    session = client_hello[43 : 44 + client_hello[43]]  # the record's header is not part of it: 5 + 4 + 2 + 32
    body = b"\x03\x03" + random + session + _SUITE + b"\0"
    return message(2, body + vector(b"\0\x2b\0\2\3\4" + extensions, 2))


class TlsAttacker:
    """One connection. `certificates` are sent as they are; the first should have `key`, an elliptic one on P-256."""

    def __init__(self, certificates: Sequence[bytes], key: ec.EllipticCurvePrivateKey) -> None:
        self._certificates = certificates
        self._key = key
        self._transcript = b""
        self._secret = b""
        self._number = 0

    def flight(
        self, client_hello: bytes, fragment: int = 16_000, padding: int = 0, certificate: bytes | None = None
    ) -> bytes:
        """All that a server sends in the handshake; its messages in records of `fragment` bytes with `padding`.

        `certificate`: the message in place of the one with the certificates.
        """
        ours = X25519PrivateKey.generate()
        share = b"\0\x33" + vector(b"\0\x1d" + vector(ours.public_key().public_bytes_raw(), 2), 2)
        hello = _hello(client_hello, b"r" * 32, share)
        self._transcript = client_hello[5:] + hello
        shared = ours.exchange(_share_of(client_hello))
        early = _extract(b"\0" * 32, b"\0" * 32)
        handshake = _extract(_derived(early, b"derived", hashlib.sha256(b"").digest()), shared)
        self._use(_derived(handshake, b"s hs traffic", self._hash()))
        listed = b"".join(vector(der, 3) + b"\0\0" for der in self._certificates)
        messages = [message(8, b"\0\0"), certificate or message(11, b"\0" + vector(listed, 3))]
        self._transcript += b"".join(messages)
        signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + self._hash()
        verify = message(15, b"\x04\x03" + vector(self._key.sign(signed, ec.ECDSA(hashes.SHA256())), 2))
        self._transcript += verify
        finished_key = _expand(self._secret, b"finished", b"", 32)
        finished = message(20, hmac.digest(finished_key, self._hash(), "sha256"))
        self._transcript += finished
        whole = b"".join((*messages, verify, finished))
        records = [self.seal(HANDSHAKE, whole[at : at + fragment], padding) for at in range(0, len(whole), fragment)]
        master = _extract(_derived(handshake, b"derived", hashlib.sha256(b"").digest()), b"\0" * 32)
        self._use(_derived(master, b"s ap traffic", self._hash()))
        return record(HANDSHAKE, hello) + record(CCS, b"\1") + b"".join(records)

    def seal(self, kind: int, body: bytes, padding: int = 0) -> bytes:
        """A record under the secret of the moment."""
        inner = body + bytes([kind]) + b"\0" * padding
        header = bytes([DATA]) + b"\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        nonce = (self._iv ^ self._number).to_bytes(12, "big")
        self._number += 1
        return header + self._aead.encrypt(nonce, inner, header)

    def update(self) -> bytes:
        """A new key for what follows, and the demand that the client do the same (RFC 8446 4.6.3, 7.2)."""
        sealed = self.seal(HANDSHAKE, UPDATE_REQUESTED)
        self._use(_expand(self._secret, b"traffic upd", b"", 32))
        return sealed

    def _use(self, secret: bytes) -> None:
        self._secret = secret
        self._aead = AESGCM(_expand(secret, b"key", b"", 16))
        self._iv = int.from_bytes(_expand(secret, b"iv", b"", 12), "big")
        self._number = 0

    def _hash(self) -> bytes:
        return hashlib.sha256(self._transcript).digest()


def _share_of(client_hello: bytes) -> X25519PublicKey:
    """The key of the client's share: group, length, and so many bytes."""
    place = client_hello.index(b"\0\x1d\0\x20") + 4
    return X25519PublicKey.from_public_bytes(client_hello[place : place + 32])


def _extract(salt: bytes, keys: bytes) -> bytes:
    return hmac.digest(salt, keys, "sha256")


def _expand(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    info = length.to_bytes(2, "big") + vector(b"tls13 " + label, 1) + vector(context, 1)
    return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


def _derived(secret: bytes, label: bytes, digest: bytes) -> bytes:
    return _expand(secret, label, digest, 32)
