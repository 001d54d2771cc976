"""A reader of the server's part of a handshake: its hello, its certificates, its request for a client certificate.

OpenSSL reports how a handshake ended, but not the choices of the server, which often are the reason. And certificates
that take OpenSSL long to decode must not reach it. So every record is read here first: in the clear, or after the hello
of TLS 1.3 with the secret of the handshake. A record that cannot be read is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exporter.tls.expensive_certificates import excess_in
from exporter.tls.handshake_decryption import HandshakeDecryption
from exporter.tls.records import APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER_BYTES, Records

_MESSAGE_HEADER: Final = 4  # RFC 8446 4: type, length
_SERVER_HELLO, _CERTIFICATE, _CERTIFICATE_REQUEST, _COMPRESSED_CERTIFICATE = 2, 11, 13, 25
_COMPRESSED: Final = "sent its certificates compressed, which was not offered (RFC 8879)"
# Real ones have a hundred bytes. OpenSSL takes none that is longer than this.
_MAX_HELLO: Final = 20_000
# OpenSSL takes no longer message of certificates; of a longer one nothing needs to be looked at.
_MAX_CERTIFICATES: Final = 102_400
_KEY_SHARE: Final = 51
_SUPPORTED_VERSIONS: Final = 43
_TLS_1_3: Final = 0x0304
# RFC 8446 4.1.3: the random of a hello that asks for another one.
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_FINITE_FIELD_GROUPS: Final = range(0x0100, 0x0200)  # RFC 7919 2
VERSIONS: Final = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}


class ServerHandshakeReader:
    """Takes the records of a handshake before OpenSSL gets them, whole by :meth:`read_record` or in pieces."""

    __slots__ = (
        "_decryption",
        "_has_certificates",
        "_is_done",
        "_message",
        "_records",
        "_secret",
        "_skip",
        "asks_for_certificate",
        "excess",
        "finite_field",
        "suite",
        "version",
    )

    def __init__(self, secret: Callable[[], bytes | None] = lambda: None) -> None:
        """`secret` gives the secret of the server's handshake, once there is one."""
        self.version = 0  # that the server chose
        self.suite = 0  # the ciphers, likewise
        self.asks_for_certificate = False
        self.finite_field = False  # the server wants a group that is no curve
        self.excess: str | None = None  # a sentence about certificates that cost too much
        self._secret = secret
        self._decryption: HandshakeDecryption | None = None
        self._records = Records()
        self._has_certificates = False
        self._is_done = False  # nothing more is to be read, or can be
        self._message = bytearray()  # the begin of a message, as far as it is kept
        self._skip = 0  # bytes of a message that are not kept

    @property
    def expects_secret(self) -> bool:
        """The last message was a hello of TLS 1.3: OpenSSL has the secret once it has read the hello."""
        return self.version == _TLS_1_3 and self._decryption is None and not self._is_done

    def receive(self, data: bytes) -> None:
        """Read a piece of the server's stream."""
        for record in self._records.split(data):
            if not self._records.broken:
                self.read_record(record)

    def read_record(self, record: bytes) -> None:
        """Read the next record, which is whole."""
        if self._is_done:
            return
        if record[0] == HANDSHAKE:
            self._read(memoryview(record)[HEADER_BYTES:])
        elif record[0] == APPLICATION_DATA and self.version == _TLS_1_3:
            self._read_encrypted(record)
        elif record[0] == CHANGE_CIPHER_SPEC and self._has_certificates:
            self._is_done = True  # RFC 5246 7.1: encrypted from here on

    def _read_encrypted(self, record: bytes) -> None:
        if self._decryption is None:
            secret = self._secret()
            try:
                self._decryption = None if secret is None else HandshakeDecryption(self.suite, secret)
            except KeyError:
                pass
        found = None if self._decryption is None else self._decryption.messages_in(record)
        if found is None:
            self._is_done = True
        else:
            self._read(memoryview(found))

    def _read(self, part: memoryview) -> None:
        while part:
            skipped = min(self._skip, len(part))
            self._skip -= skipped
            part = part[skipped:]
            if not part:
                return
            missing = self._kept_bytes() - len(self._message)
            self._message += part[:missing]
            part = part[missing:]
            if len(self._message) == self._kept_bytes():
                self._end_message()

    def _kept_bytes(self) -> int:
        """The number of bytes of the message that are kept; the rest is passed over."""
        if len(self._message) < _MESSAGE_HEADER:
            return _MESSAGE_HEADER
        length = int.from_bytes(self._message[1:4], "big")
        kept = {_SERVER_HELLO: _MAX_HELLO, _CERTIFICATE: _MAX_CERTIFICATES}.get(self._message[0], 0)
        return _MESSAGE_HEADER + min(length, kept)

    def _end_message(self) -> None:
        kind, length = self._message[0], int.from_bytes(self._message[1:4], "big")
        body = bytes(self._message[_MESSAGE_HEADER:])
        self._skip = length - len(body)
        self._message.clear()
        if kind == _SERVER_HELLO:
            self._read_hello(body)
        elif kind == _CERTIFICATE:
            self.excess = self.excess or excess_in(body, tls13=self.version == _TLS_1_3)
            self._has_certificates = True
            # RFC 8446 2: a request for a client certificate comes before.
            self._is_done = self.version == _TLS_1_3
        elif kind == _COMPRESSED_CERTIFICATE:
            self.excess = _COMPRESSED
        self.asks_for_certificate |= kind == _CERTIFICATE_REQUEST

    def _read_hello(self, body: bytes) -> None:
        """RFC 8446 4.1.3: version, random, session, cipher, compression, extensions."""
        self.version = int.from_bytes(body[:2], "big")
        retry = body[2:34] == _RETRY
        place = 35 + (body[34] if len(body) > 34 else 0)
        self.suite = int.from_bytes(body[place : place + 2], "big")
        place += 3 + 2
        while place + 4 <= len(body):
            kind, length, value = (int.from_bytes(body[at : at + 2], "big") for at in range(place, place + 6, 2))
            if kind == _SUPPORTED_VERSIONS:
                self.version = value
            elif kind == _KEY_SHARE and retry:
                self.finite_field = value in _FINITE_FIELD_GROUPS
            place += 4 + length
