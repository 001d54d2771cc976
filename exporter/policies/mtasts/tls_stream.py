"""TLS to a policy host, bounded as a whole: bytes and records, of the handshake and after it, ours and theirs.

asyncio's own TLS streams read whatever a server sends: requests for new keys and session tickets without end, each
worth microseconds of ours, certificates that take seconds to decode, and a finite-field Diffie-Hellman group as large
as the server likes. Here the socket is a plain stream, and OpenSSL gets a record at a time, those of a handshake once
they have been looked at, so that none of them keeps the loop for long.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Final
from weakref import WeakKeyDictionary

from exporter.tls.keylog import KeyLog
from exporter.tls.records import Records
from exporter.tls.server_handshake import ServerHandshakeReader

READ_BYTES: Final = 4096
# The chains of real hosts have under 10 KiB.
MAX_HANDSHAKE_BYTES: Final = 65_536
# A policy of the largest size in records of 100 bytes; requests for new keys are a record each.
MAX_RECORDS: Final = 1024
# After the handshake: what is no text, so headers of records, padding, tickets.
MAX_OVERHEAD_BYTES: Final = 32_768
# What one record may have us answer: a new key, an alert.
_MAX_ANSWER_BYTES: Final = 8192


class LimitError(Exception):
    """The server sends more than any honest one; says what, as the end of "the host …"."""


class SecureStream:
    """A TLS connection over the streams of a TCP connection; :meth:`shake`, then write and read."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, name: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._from_server = ssl.MemoryBIO()
        self._to_server = ssl.MemoryBIO()
        self._log = _log_of(context)
        self._engine = context.wrap_bio(self._from_server, self._to_server, server_hostname=name)
        self._overheard: ServerHandshakeReader | None = None  # in the handshake alone
        self._records = Records()
        self._whole: deque[bytes] = deque()
        self._count = 0  # records
        self._received = 0
        self._beside = 0  # bytes after the handshake that were no text

    async def shake(self) -> None:
        """Do the handshake. Raises OSError, the library's own and its verdict on the certificate among them."""
        while not self._step():
            if self._overheard is None:
                self._overheard = ServerHandshakeReader(self._log.secret_of(self._to_server))
            self._send()
            if not await self._receive():
                raise ConnectionResetError("closed in the handshake")
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
        self._log.empty()
        self._writer.transport.abort()

    def _step(self) -> bool:
        """Whether the handshake is done."""
        try:
            self._engine.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            self._send()  # the alert that says why
            raise
        finally:
            self._log.empty()
        return True

    def _send(self) -> None:
        if self._to_server.pending > _MAX_ANSWER_BYTES:
            raise LimitError("demands answers without end")
        records = self._to_server.read()
        if records:
            self._writer.write(records)

    async def _receive(self) -> bool:
        """Hand a record to the engine; False at the end of the connection."""
        # A stream with something in its buffer does not wait for anybody.
        await asyncio.sleep(0)
        while not self._whole:
            data = await self._reader.read(READ_BYTES)
            if not data:
                return False
            self._received += len(data)
            if self._overheard is not None and self._received > MAX_HANDSHAKE_BYTES:
                raise LimitError(f"sends more than {MAX_HANDSHAKE_BYTES} bytes in the handshake")
            self._whole.extend(self._records.split(data))
        record = self._whole.popleft()
        self._look_at(record)
        self._from_server.write(record)
        return True

    def _look_at(self, record: bytes) -> None:
        self._count += 1
        if self._count > MAX_RECORDS:
            raise LimitError(f"sends more than {MAX_RECORDS} TLS records")
        overheard = self._overheard
        if overheard is None:
            self._beside += len(record)
            if self._beside > MAX_OVERHEAD_BYTES:
                raise LimitError(f"sends more than {MAX_OVERHEAD_BYTES} bytes of TLS that are no text")
        elif not self._records.broken or self._whole:
            overheard.hear(record)
            if overheard.finite_field:
                raise LimitError("wants finite-field Diffie-Hellman")
            if overheard.excess is not None:
                raise LimitError(overheard.excess)


_LOGS: Final[WeakKeyDictionary[ssl.SSLContext, KeyLog]] = WeakKeyDictionary()


def _log_of(context: ssl.SSLContext) -> KeyLog:
    """With the secrets of our own handshakes their certificates are looked at before OpenSSL decodes them."""
    log = _LOGS.get(context)
    if log is None:
        log = _LOGS[context] = KeyLog(context)
    return log
