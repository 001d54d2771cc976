"""TLS to a policy host, bounded as a whole: bytes and records, of the handshake and after it, ours and theirs.

asyncio's own TLS streams read whatever a server sends: requests for new keys and session tickets without end, each
worth microseconds of ours, and a finite-field Diffie-Hellman group as large as the server likes. Here the socket is a
plain stream, and records go to OpenSSL a few kilobytes at a time, so that no read keeps the loop for long.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from exporter.tls.overheard import Overheard

# Records are handed to OpenSSL in pieces of this size, and others have their turn between two of them: 4 KiB hold 150
# requests for new keys, or 230 tickets, of about 10 µs each.
READ_BYTES: Final = 4096
# The chains of real hosts have under 10 KiB.
MAX_HANDSHAKE_BYTES: Final = 65_536
# A policy of the largest size in records of 100 bytes; requests for new keys are a record each.
MAX_RECORDS: Final = 1024
# After the handshake: what is no text, so headers of records, padding, tickets.
MAX_OVERHEAD_BYTES: Final = 32_768
# Without finite-field Diffie-Hellman, of which the server says how much work it is (see exporter.tls.client); else what
# Python takes by default.
CIPHERS: Final = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
# A record is text only once it is whole.
_IN_FLIGHT: Final = 16_384 + 512
_HEADER: Final = 5  # RFC 8446 5.1: type, version, length


class LimitError(Exception):
    """The server sends more than any honest one; says what, as the end of "the host …"."""


class Records:
    """Counts the records in a stream of bytes. Pure."""

    __slots__ = ("_header", "_skip", "count")

    def __init__(self) -> None:
        self.count = 0
        self._header = bytearray()
        self._skip = 0

    def receive(self, data: bytes) -> None:
        """The next bytes of the stream."""
        place = 0
        while place < len(data):
            if self._skip:
                step = min(self._skip, len(data) - place)
                self._skip -= step
            else:
                step = min(_HEADER - len(self._header), len(data) - place)
                self._header += data[place : place + step]
                if len(self._header) == _HEADER:
                    self.count += 1
                    self._skip = int.from_bytes(self._header[3:], "big")
                    self._header.clear()
            place += step


class SecureStream:
    """A TLS connection over the streams of a TCP connection; :meth:`shake`, then write and read."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, name: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._from_server = ssl.MemoryBIO()
        self._to_server = ssl.MemoryBIO()
        self._engine = context.wrap_bio(self._from_server, self._to_server, server_hostname=name)
        self._overheard: Overheard | None = Overheard()
        self._records = Records()
        self._received = 0
        self._beside = 0  # bytes after the handshake that were no text

    async def shake(self) -> None:
        """Do the handshake. Raises OSError, the library's own and its verdict on the certificate among them."""
        while True:
            try:
                self._engine.do_handshake()
            except ssl.SSLWantReadError:
                self._send()
            except ssl.SSLError:
                self._send()  # the alert that says why
                raise
            else:
                break
            if not await self._receive():
                raise ConnectionResetError("closed in the handshake")
            if self._received > MAX_HANDSHAKE_BYTES:
                raise LimitError(f"sends more than {MAX_HANDSHAKE_BYTES} bytes in the handshake")
        self._overheard = None
        self._send()

    def write(self, data: bytes) -> None:
        """Send `data`; it is little."""
        self._engine.write(data)
        self._send()

    async def read(self) -> bytes:
        """Some of what the server says; empty at its end."""
        while True:
            try:
                text = self._engine.read(READ_BYTES)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                return b""
            else:
                self._beside -= len(text)
                return text
            self._send()  # new keys that the server asked for
            if not await self._receive():
                return b""

    def abort(self) -> None:
        """Leave at once: nothing is left to be said, and a farewell would have to be waited for."""
        self._writer.transport.abort()

    def _send(self) -> None:
        records = self._to_server.read()
        if records:
            self._writer.write(records)

    async def _receive(self) -> bool:
        """Hand some records to the engine; False at the end of the connection."""
        # A stream with something in its buffer does not wait for anybody.
        await asyncio.sleep(0)
        data = await self._reader.read(READ_BYTES)
        if not data:
            return False
        self._received += len(data)
        self._records.receive(data)
        if self._records.count > MAX_RECORDS:
            raise LimitError(f"sends more than {MAX_RECORDS} TLS records")
        if self._overheard is None:
            self._beside += len(data)
            if self._beside > MAX_OVERHEAD_BYTES + _IN_FLIGHT:
                raise LimitError(f"sends more than {MAX_OVERHEAD_BYTES} bytes of TLS that are no text")
        else:
            self._overheard.receive(data)
            if self._overheard.finite_field:
                raise LimitError("wants finite-field Diffie-Hellman")
        self._from_server.write(data)
        return True
