"""A connection before its first byte of HTTP: the TLS handshake, limited in time and number.

asyncio's own listener keeps one TLS context for its whole life, and lets a client be silent for a minute. Here each
connection uses the context that is configured at its moment, so certificates change while the listening sockets stay.
A handshake is limited in time, and where too many are in progress the oldest is aborted: that of a scraper takes
milliseconds.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final, cast

from exporter.web.access.active_config import ActiveWebConfig, admits
from exporter.web.server.connection import HttpConnection, abort

log = logging.getLogger(__name__)

# Three round trips and some arithmetic; over the slowest of lines, and with a packet lost.
HANDSHAKE_SECONDS: Final = 10.0
# Handshakes at once, in addition to MAX_CONNECTIONS, whose handshakes are done.
MAX_HANDSHAKES: Final = 128
# Decrypted at once, and read at once: asyncio by itself keeps 256 KiB for each connection. A record has 16 KiB.
_READ_BYTES: Final = 16 * 1024
# For the close_notify of a client that does not answer ours.
_SHUTDOWN_SECONDS: Final = 1.0

asyncio.sslproto.SSLProtocol.max_size = _READ_BYTES


class ServerHandshakes:
    """The handshakes in progress, the oldest first."""

    def __init__(self, most: int) -> None:
        """Allow `most` at once, and never more than MAX_HANDSHAKES."""
        self._most = most
        self._in_progress: dict[ServerHandshake, None] = {}

    def add(self, handshake: ServerHandshake) -> None:
        """Add a handshake; abort the oldest if there are too many."""
        self._in_progress[handshake] = None
        if len(self._in_progress) > min(self._most, MAX_HANDSHAKES):
            self.abort_oldest()

    def remove(self, handshake: ServerHandshake) -> None:
        """Remove a handshake that is done or has failed."""
        self._in_progress.pop(handshake, None)

    def abort_oldest(self) -> None:
        """Abort the handshake that has taken longest."""
        oldest = next(iter(self._in_progress), None)
        if oldest is not None:
            oldest.abort()

    def abort_all(self) -> None:
        """Abort all handshakes."""
        for handshake in list(self._in_progress):
            handshake.abort()


class ServerHandshake(asyncio.Protocol):
    """Makes the handshake where TLS is configured, then passes the transport to an HttpConnection."""

    seconds: float = HANDSHAKE_SECONDS

    def __init__(
        self,
        security: ActiveWebConfig,
        handshakes: ServerHandshakes,
        connection: Callable[[asyncio.Transport], HttpConnection],
    ) -> None:
        self._config = security.config
        self._handshakes = handshakes
        self._new_connection = connection
        self._early: list[bytes] = []
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is accepted."""
        self._transport = cast(asyncio.Transport, transport)
        # Head and body of an answer are two writes: the second must not wait until the first is acknowledged. asyncio
        # sets this option only on sockets that know their protocol, and accepted ones do not.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = self._config.tls
        if context is None:
            self._start_http(self._transport)
            return
        self._transport.pause_reading()  # the first bytes of the client belong to the handshake
        self._handshakes.add(self)
        self._task = asyncio.get_running_loop().create_task(self._make_handshake(context))

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes that were decrypted together with the end of the handshake, before HTTP starts."""
        self._early.append(data)

    def abort(self) -> None:
        """End the connection."""
        self._handshakes.remove(self)
        abort(self._transport)

    async def _make_handshake(self, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self._transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self.seconds,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
            )
        except (OSError, EOFError) as error:  # ssl.SSLError and the timeout are OSErrors
            # asyncio drops the TLS alert that would have informed the client.
            self._log_failure(getattr(error, "reason", None) or str(error) or type(error).__name__)
            abort(self._transport)
            return
        finally:
            self._handshakes.remove(self)
        if transport is None or transport.is_closing():
            abort(self._transport)
            return
        found = transport.get_extra_info("ssl_object")
        if admits(self._config, found.getpeercert(binary_form=True)):
            self._count_encrypted_bytes(self._start_http(transport))
        else:
            self._log_failure("client_allowed_sans has none of the certificate's names")
            abort(transport)
            abort(self._transport)

    def _log_failure(self, problem: str) -> None:
        # At debug level only: every client that reaches the port can cause these by the thousand.
        client = str((self._transport.get_extra_info("peername") or ("",))[0])
        log.debug("TLS handshake failed", extra={"fields": {"client": client, "problem": problem}})

    def _start_http(self, transport: asyncio.Transport) -> HttpConnection:
        connection = self._new_connection(self._transport)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        for data in self._early:
            connection.data_received(data)
        self._early.clear()
        return connection

    def _count_encrypted_bytes(self, connection: HttpConnection) -> None:
        """Count the bytes before decryption: records may be empty, and then no byte of HTTP comes of them."""
        tls = self._transport.get_protocol()
        if isinstance(tls, asyncio.BufferedProtocol) and not self._transport.is_closing():
            self._transport.set_protocol(_CountedTls(tls, connection))


class _CountedTls(asyncio.BufferedProtocol):
    """The TLS layer of asyncio, fed in small pieces, each counted for the connection above."""

    def __init__(self, tls: asyncio.BufferedProtocol, connection: HttpConnection) -> None:
        self._tls = tls
        self._connection = connection

    def get_buffer(self, sizehint: int) -> memoryview:
        """asyncio."""
        return memoryview(self._tls.get_buffer(sizehint))[:_READ_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio."""
        self._connection.count(nbytes)
        self._tls.buffer_updated(nbytes)

    def eof_received(self) -> bool | None:
        """asyncio."""
        return self._tls.eof_received()

    def pause_writing(self) -> None:
        """asyncio."""
        self._tls.pause_writing()

    def resume_writing(self) -> None:
        """asyncio."""
        self._tls.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._tls.connection_lost(exc)
