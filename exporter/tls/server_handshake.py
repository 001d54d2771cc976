"""What a server says as a handshake begins: its hello, whether it asks for a certificate, and which ones it has.

OpenSSL tells how a handshake ended and not what the server had chosen by then; the reason is often there. And what
OpenSSL would take long to read must not come so far. Every record is read here first: in the clear, or, once a server
of TLS 1.3 has said hello, with the secret of its handshake. Whatever cannot be read is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exporter.tls.encrypted_flight import EncryptedFlight
from exporter.tls.expensive_certificates import excess_in
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
    """Feed it all of a handshake before OpenSSL gets it: by :meth:`hear`, or where nobody counts by :meth:`receive`."""

    __slots__ = (
        "_certified",
        "_deaf",
        "_flight",
        "_message",
        "_records",
        "_secret",
        "_skip",
        "_suite",
        "asks_for_certificate",
        "excess",
        "finite_field",
        "version",
    )

    def __init__(self, secret: Callable[[], bytes | None] = lambda: None) -> None:
        """`secret` is that of the server's handshake, once there is one."""
        self.version = 0  # that the server chose
        self.asks_for_certificate = False
        self.finite_field = False  # of the groups offered it wants one that is no curve
        self.excess: str | None = None  # what is too much in its certificates
        self._secret = secret
        self._suite = 0
        self._flight: EncryptedFlight | None = None
        self._records = Records()
        self._certified = False  # it has shown its certificates
        self._deaf = False  # there is nothing more to be heard, or no way to hear it
        self._message = bytearray()  # the header of a message, or as much of it as is wanted
        self._skip = 0  # bytes of a message that are not looked at

    @property
    def expects_secret(self) -> bool:
        """A hello of TLS 1.3 was the last that was heard: OpenSSL has the secret once it has read so far."""
        return self.version == _TLS_1_3 and self._flight is None and not self._deaf

    def receive(self, data: bytes) -> None:
        """Part of what the server sent."""
        for record in self._records.split(data):
            if not self._records.broken:
                self.hear(record)

    def hear(self, record: bytes) -> None:
        """The next record, whole."""
        if self._deaf:
            return
        if record[0] == HANDSHAKE:
            self._read(memoryview(record)[HEADER_BYTES:])
        elif record[0] == APPLICATION_DATA and self.version == _TLS_1_3:
            self._read_ciphered(record)
        elif record[0] == CHANGE_CIPHER_SPEC and self._certified:
            self._deaf = True  # RFC 5246 7.1: ciphered from here on

    def _read_ciphered(self, record: bytes) -> None:
        if self._flight is None:
            secret = self._secret()
            try:
                self._flight = None if secret is None else EncryptedFlight(self._suite, secret)
            except KeyError:
                pass
        found = None if self._flight is None else self._flight.handshake_in(record)
        if found is None:
            self._deaf = True
        else:
            self._read(memoryview(found))

    def _read(self, part: memoryview) -> None:
        while part:
            skipped = min(self._skip, len(part))
            self._skip -= skipped
            part = part[skipped:]
            if not part:
                return
            wanted = self._wanted() - len(self._message)
            self._message += part[:wanted]
            part = part[wanted:]
            if len(self._message) == self._wanted():
                self._whole()

    def _wanted(self) -> int:
        """How many bytes of the message are kept; what follows them is passed over."""
        if len(self._message) < _MESSAGE_HEADER:
            return _MESSAGE_HEADER
        length = int.from_bytes(self._message[1:4], "big")
        kept = {_SERVER_HELLO: _MAX_HELLO, _CERTIFICATE: _MAX_CERTIFICATES}.get(self._message[0], 0)
        return _MESSAGE_HEADER + min(length, kept)

    def _whole(self) -> None:
        kind, length = self._message[0], int.from_bytes(self._message[1:4], "big")
        body = bytes(self._message[_MESSAGE_HEADER:])
        self._skip = length - len(body)
        self._message.clear()
        if kind == _SERVER_HELLO:
            self._read_hello(body)
        elif kind == _CERTIFICATE:
            self.excess = self.excess or excess_in(body, tls13=self.version == _TLS_1_3)
            self._certified = True
            # RFC 8446 2: whether it asks for one has been said before.
            self._deaf = self.version == _TLS_1_3
        elif kind == _COMPRESSED_CERTIFICATE:
            self.excess = _COMPRESSED
        self.asks_for_certificate |= kind == _CERTIFICATE_REQUEST

    def _read_hello(self, body: bytes) -> None:
        """RFC 8446 4.1.3: version, random, session, cipher, compression, extensions."""
        self.version = int.from_bytes(body[:2], "big")
        retry = body[2:34] == _RETRY
        place = 35 + (body[34] if len(body) > 34 else 0)
        self._suite = int.from_bytes(body[place : place + 2], "big")
        place += 3 + 2
        while place + 4 <= len(body):
            kind, length, value = (int.from_bytes(body[at : at + 2], "big") for at in range(place, place + 6, 2))
            if kind == _SUPPORTED_VERSIONS:
                self.version = value
            elif kind == _KEY_SHARE and retry:
                self.finite_field = value in _FINITE_FIELD_GROUPS
            place += 4 + length
