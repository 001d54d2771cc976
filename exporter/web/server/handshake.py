"""A connection before its first byte of HTTP: TLS as it is configured at this moment, bounded in time and number.

asyncio's own listener with TLS takes one context for good and lets a client be silent for a minute before anybody
knows of it. Here each connection takes the context of its moment, so certificates change and the listening sockets
stay; a handshake has a bound in time, and where too many are under way the oldest makes room: a scraper's takes
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
# Handshakes at once; beside them MAX_CONNECTIONS have theirs behind them.
MAX_HANDSHAKES: Final = 128
# Deciphered at once, and read at once: asyncio by itself keeps 256 KiB for each connection. A record has 16 KiB.
_READ_BYTES: Final = 16 * 1024
# To say goodbye (close_notify) to a client that does not answer to it.
_SHUTDOWN_SECONDS: Final = 1.0

asyncio.sslproto.SSLProtocol.max_size = _READ_BYTES


class ServerHandshakes:
    """Those under way, the oldest first."""

    def __init__(self, most: int) -> None:
        """With `most` at once, and MAX_HANDSHAKES at most."""
        self._most = most
        self._under_way: dict[ServerHandshake, None] = {}

    def begun(self, handshake: ServerHandshake) -> None:
        """One more; the oldest ends if that is too many."""
        self._under_way[handshake] = None
        if len(self._under_way) > min(self._most, MAX_HANDSHAKES):
            self.abort_oldest()

    def ended(self, handshake: ServerHandshake) -> None:
        """Done or failed."""
        self._under_way.pop(handshake, None)

    def abort_oldest(self) -> None:
        """End the one that takes longest."""
        oldest = next(iter(self._under_way), None)
        if oldest is not None:
            oldest.abort()

    def abort(self) -> None:
        """End all."""
        for handshake in list(self._under_way):
            handshake.abort()


class ServerHandshake(asyncio.Protocol):
    """Shakes hands where TLS is configured, then hands the transport on to a Connection."""

    seconds: float = HANDSHAKE_SECONDS

    def __init__(
        self,
        security: ActiveWebConfig,
        handshakes: ServerHandshakes,
        connection: Callable[[asyncio.Transport], HttpConnection],
    ) -> None:
        self._config = security.config
        self._handshakes = handshakes
        self._connection = connection
        self._early: list[bytes] = []
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: accepted."""
        self._transport = cast(asyncio.Transport, transport)
        # Head and body of an answer are two writes: the second must not wait until the first is acknowledged. asyncio
        # sees to it only where a socket knows its protocol, which those made of a listening one do not.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = self._config.tls
        if context is None:
            self._hand_on(self._transport)
            return
        self._transport.pause_reading()  # what the client says first is for the handshake
        self._handshakes.begun(self)
        self._task = asyncio.get_running_loop().create_task(self._shake_hands(context))

    def data_received(self, data: bytes) -> None:
        """asyncio: deciphered together with the end of the handshake, before the Connection is there."""
        self._early.append(data)

    def abort(self) -> None:
        """End it."""
        self._handshakes.ended(self)
        abort(self._transport)

    async def _shake_hands(self, context: ssl.SSLContext) -> None:
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
            # asyncio drops the alert that would have told the client.
            self._tell(getattr(error, "reason", None) or str(error) or type(error).__name__)
            abort(self._transport)
            return
        finally:
            self._handshakes.ended(self)
        if transport is None or transport.is_closing():
            abort(self._transport)
            return
        found = transport.get_extra_info("ssl_object")
        if admits(self._config, found.getpeercert(binary_form=True)):
            self._hand_on(transport)
            self._watch_the_line()
        else:
            self._tell("client_allowed_sans has none of the certificate's names")
            abort(transport)
            abort(self._transport)

    def _tell(self, problem: str) -> None:
        # For who looks: whoever reaches the port can make these by the thousand.
        client = str((self._transport.get_extra_info("peername") or ("",))[0])
        log.debug("TLS handshake failed", extra={"fields": {"client": client, "problem": problem}})

    def _hand_on(self, transport: asyncio.Transport) -> None:
        connection = self._counting = self._connection(self._transport)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        for data in self._early:
            connection.data_received(data)
        self._early.clear()

    def _watch_the_line(self) -> None:
        """Count what comes before it is deciphered: much of it may mean nothing."""
        layer = self._transport.get_protocol()
        if isinstance(layer, asyncio.BufferedProtocol) and not self._transport.is_closing():
            self._transport.set_protocol(_HandshakeQueue(layer, self._counting))


class _HandshakeQueue(asyncio.BufferedProtocol):
    """The line below TLS, read in small pieces, each counted for the connection above."""

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
