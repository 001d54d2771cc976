"""The connection of one client, as a scripted server sees it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Final, cast

# A command line beyond it comes from no mail client.
MAX_COMMAND_BYTES: Final = 8192
# onoff=1, linger=0: close() sends RST instead of FIN (socket(7)).
_LINGER_RESET: Final = struct.pack("ii", 1, 0)


class ClientConnection(asyncio.Protocol):
    """One connection: lines in, bytes out, and whether the client is still there."""

    def __init__(self, accept: Callable[[ClientConnection], None]) -> None:
        self._accept = accept
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._tls = False
        self._half_closed = False
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._gone = asyncio.Event()  # the client will say nothing more
        self.lost = asyncio.Event()  # and can be sent nothing more
        self.error: Exception | None = None
        self.peer = ""
        self.tls_version = ""  # where the connection has been TLS from its beginning

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases
        self._writable.set()
        self.peer = str((transport.get_extra_info("peername") or ("",))[0])  # none once the client has reset it
        engine = transport.get_extra_info("ssl_object")
        if engine is not None:
            self._tls, self.tls_version = True, str(engine.version())
        self._accept(self)

    def data_received(self, data: bytes) -> None:
        """The client said something."""
        self._buffer += data
        self._news.set()

    def eof_received(self) -> bool:
        """The client will say nothing more; the answer keeps our side open."""
        self._gone.set()
        self._news.set()
        return not self._tls  # TLS has no half-closed state

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self.error = exc
        for event in (self._gone, self.lost, self._news, self._writable):
            event.set()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable.set()

    # Called by the server

    async def read_line(self) -> bytes | None:
        """The next line without its end; None when the client has gone, or sends a line beyond all measure."""
        while (end := self._buffer.find(b"\n")) < 0:
            if self._gone.is_set() or len(self._buffer) > MAX_COMMAND_BYTES:
                return None
            self._news.clear()
            await self._news.wait()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    async def send(self, data: bytes) -> None:
        """Give `data` to the client; raises ConnectionResetError when it has gone, or we have."""
        if self._transport is None or self._half_closed or self.lost.is_set():
            raise ConnectionResetError("the client has gone")
        self._transport.write(data)
        await self._writable.wait()
        if self.lost.is_set():
            raise ConnectionResetError("the client has gone")

    async def wait_gone(self, seconds: float) -> bool:
        """Wait a while; True as soon as the client has gone."""
        if seconds <= 0:
            await asyncio.sleep(0)
        else:
            try:
                async with asyncio.timeout(seconds):
                    await self._gone.wait()
            except TimeoutError:
                pass
        return self._gone.is_set()

    async def start_tls(self, context: ssl.SSLContext) -> str:
        """Take the handshake; returns the TLS version. Plaintext sent ahead of it is dropped (RFC 3207 4.2)."""
        if self._transport is None:
            raise ConnectionResetError("the client has gone")
        self._buffer.clear()
        self._tls = True
        try:
            secured = await asyncio.get_running_loop().start_tls(self._transport, self, context, server_side=True)
        except BaseException as error:
            # After a failed handshake the event loop calls the protocol no more.
            self._transport.abort()
            self.connection_lost(error if isinstance(error, Exception) else None)
            raise
        if secured is None:
            raise ConnectionResetError("the client has gone")
        self._transport = secured
        return str(secured.get_extra_info("ssl_object").version())

    def half_close(self) -> None:
        """Say that nothing more will come."""
        if self._transport is not None and self._transport.can_write_eof():
            self._transport.write_eof()
            self._half_closed = True

    def reset(self) -> None:
        """RST."""
        if self._transport is not None and not self.lost.is_set():
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            self._transport.abort()

    def close(self) -> None:
        """FIN, after everything sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()
