"""TLS to a policy host over streams, with limits for the bytes and records of the server.

The TLS streams of asyncio have no limits: a server may send requests for new keys and session tickets without end, each
of which costs microseconds, certificates that take seconds to decode, and a finite-field Diffie-Hellman group of any
size. Here the socket is a plain stream, and OpenSSL gets one record at a time, those of the handshake after
:class:`ServerHandshakeReader` has read them, so that no record keeps the event loop for long.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Final
from weakref import WeakKeyDictionary

from exporter.tls.keylog import KeyLog
from exporter.tls.record_counter import RecordCounter, RecordLimits
from exporter.tls.records import Records
from exporter.tls.server_handshake import ServerHandshakeReader

READ_BYTES: Final = 4096
# The chains of real hosts have under 10 KiB.
MAX_HANDSHAKE_BYTES: Final = 65_536
# A policy of the largest size in records of 100 bytes; requests for new keys are a record each.
MAX_RECORDS: Final = 1024
# Bytes after the handshake that are no text: headers of records, padding, tickets.
MAX_OVERHEAD_BYTES: Final = 32_768
_LIMITS: Final = RecordLimits(MAX_HANDSHAKE_BYTES, records=MAX_RECORDS, bytes_beside_text=MAX_OVERHEAD_BYTES)


class LimitError(Exception):
    """The server sends more than any honest one; the message is the predicate of a sentence about the server."""


class SecureStream:
    """A TLS connection over the streams of a TCP connection; :meth:`handshake`, then write and read."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, name: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._from_server = ssl.MemoryBIO()
        self._to_server = ssl.MemoryBIO()
        self._log = _log_of(context)
        self._engine = context.wrap_bio(self._from_server, self._to_server, server_hostname=name)
        self._handshake_reader: ServerHandshakeReader | None = None  # in the handshake alone
        self._records = Records()
        self._whole: deque[bytes] = deque()
        self._counter = RecordCounter(_LIMITS)

    async def handshake(self) -> None:
        """Do the handshake. Raises OSError, the library's own and the verification of the certificate among them."""
        while not self._step():
            if self._handshake_reader is None:
                self._handshake_reader = ServerHandshakeReader(self._log.secret_of(self._to_server))
            self._send()
            if not await self._receive():
                raise ConnectionResetError("closed in the handshake")
        self._handshake_reader = None
        self._counter.in_handshake = False
        self._send()

    def write(self, data: bytes) -> None:
        """Send `data`; it is little."""
        self._engine.write(data)
        self._send()

    async def read(self) -> bytes:
        """Some text of the server; empty at its end."""
        while True:
            try:
                text = self._engine.read(READ_BYTES)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                return b""
            else:
                self._counter.add_text(len(text))
                return text
            self._send()  # new keys that the server asked for
            if not await self._receive():
                return b""

    def abort(self) -> None:
        """Close at once, without close_notify, which would have to be waited for."""
        self._log.empty()
        self._writer.transport.abort()

    def _step(self) -> bool:
        """Continue the handshake; True where it is done."""
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
        self._raise_for(self._counter.excess_of_answers(self._to_server.pending))
        records = self._to_server.read()
        if records:
            self._writer.write(records)

    async def _receive(self) -> bool:
        """Hand a record to the engine; False at the end of the connection."""
        # A stream with bytes in its buffer does not let other tasks run.
        await asyncio.sleep(0)
        while not self._whole:
            data = await self._reader.read(READ_BYTES)
            if not data:
                return False
            self._counter.add_bytes(len(data))
            self._raise_for(self._counter.excess_of_bytes())
            self._whole.extend(self._records.split(data))
        record = self._whole.popleft()
        self._examine(record)
        self._from_server.write(record)
        return True

    def _examine(self, record: bytes) -> None:
        """Count a record, and read one of the handshake, before OpenSSL gets it. Raises LimitError."""
        self._counter.begin_record(len(record))
        self._raise_for(self._counter.excess_of_records())
        reader = self._handshake_reader
        if reader is not None and (not self._records.broken or self._whole):
            reader.read_record(record)
            self._raise_for("wants finite-field Diffie-Hellman" if reader.finite_field else reader.excess)

    @staticmethod
    def _raise_for(excess: str | None) -> None:
        if excess is not None:
            raise LimitError(excess)


_LOGS: Final[WeakKeyDictionary[ssl.SSLContext, KeyLog]] = WeakKeyDictionary()


def _log_of(context: ssl.SSLContext) -> KeyLog:
    """The key log of a context: with its secrets the certificates are read before OpenSSL decodes them."""
    log = _LOGS.get(context)
    if log is None:
        log = _LOGS[context] = KeyLog(context)
    return log
