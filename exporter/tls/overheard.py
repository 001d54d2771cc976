"""What a server says in the clear as a handshake begins: its hello, and whether it asks for a certificate.

OpenSSL tells how a handshake ended and not what the server had chosen by then; the reason is often there. Read along
with the records, nothing is kept but what is asked for, and whatever cannot be read is passed over.
"""

from __future__ import annotations

from typing import Final

_RECORD_HEADER: Final = 5  # RFC 8446 5.1: type, version, length
_MESSAGE_HEADER: Final = 4  # RFC 8446 4: type, length
_HANDSHAKE: Final = 22
_SERVER_HELLO, _CERTIFICATE_REQUEST = 2, 13
# Real ones have a hundred bytes; of a longer one the end is not looked at.
_MAX_HELLO: Final = 1024
_KEY_SHARE: Final = 51
_SUPPORTED_VERSIONS: Final = 43
# RFC 8446 4.1.3: the random of a hello that asks for another one.
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_FINITE_FIELD_GROUPS: Final = range(0x0100, 0x0200)  # RFC 7919 2
VERSIONS: Final = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}


class Overheard:
    """Feed it every record; it stops listening at the first that is no handshake in the clear."""

    __slots__ = ("_message", "_records", "_skip", "asks_for_certificate", "finite_field", "version")

    def __init__(self) -> None:
        self.version = 0  # that the server chose
        self.asks_for_certificate = False
        self.finite_field = False  # of the groups offered it wants one that is no curve
        self._records: bytearray | None = bytearray()
        self._message = bytearray()  # the header of a message, or a whole hello
        self._skip = 0  # bytes of a message that are not looked at

    def receive(self, data: bytes) -> None:
        """Part of what the server sent."""
        records = self._records
        if records is None:
            return
        records += data
        while len(records) >= _RECORD_HEADER:
            length = int.from_bytes(records[3:5], "big")
            if records[0] != _HANDSHAKE:
                self._records = None
                return
            if len(records) < _RECORD_HEADER + length:
                return
            self._read(memoryview(bytes(records[_RECORD_HEADER : _RECORD_HEADER + length])))
            del records[: _RECORD_HEADER + length]

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
        return _MESSAGE_HEADER + (min(length, _MAX_HELLO) if self._message[0] == _SERVER_HELLO else 0)

    def _whole(self) -> None:
        kind, length = self._message[0], int.from_bytes(self._message[1:4], "big")
        body = bytes(self._message[_MESSAGE_HEADER:])
        self._skip = length - len(body)
        self._message.clear()
        if kind == _SERVER_HELLO:
            self._read_hello(body)
        self.asks_for_certificate |= kind == _CERTIFICATE_REQUEST

    def _read_hello(self, body: bytes) -> None:
        """RFC 8446 4.1.3: version, random, session, cipher, compression, extensions."""
        self.version = int.from_bytes(body[:2], "big")
        retry = body[2:34] == _RETRY
        place = 35 + (body[34] if len(body) > 34 else 0) + 3 + 2
        while place + 4 <= len(body):
            kind, length, value = (int.from_bytes(body[at : at + 2], "big") for at in range(place, place + 6, 2))
            if kind == _SUPPORTED_VERSIONS:
                self.version = value
            elif kind == _KEY_SHARE and retry:
                self.finite_field = value in _FINITE_FIELD_GROUPS
            place += 4 + length
