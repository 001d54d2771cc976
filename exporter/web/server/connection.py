"""One HTTP connection, with limits on the time that its client takes and on the bytes that the client leaves unread.

uvicorn's own timer runs only between an answer and the next byte, so a client that sends nothing, or drips its request,
or does not read its answer, would keep its connection for ever. Here each connection waits either for the exporter (a
request is being answered) or for its client, and the wait for a client has a timer. Where all connections are taken,
the one that has waited longest for its client is closed: a scraper always gets in.

An answer is sent in pieces, and the next piece is made when the last one is sent: bytes that a client does not read
are kept neither in our memory nor in the kernel's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, cast

import h11
from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from exporter.web.server.memory_shortage import report_memory_shortage
from exporter.web.server.request_limit import BUSY
from exporter.web.server.unread_bytes import UnreadBytes

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn.server import ServerState

# From an answer (or the connect) until the answer is read and the next request is there. Prometheus scrapes once a
# minute over a connection that it keeps.
CLIENT_SECONDS: Final = 75.0
# Until the client reads the next piece of an answer, and for all pieces of one answer together. A scraper reads as fast
# as the line carries; its own timeout is ten seconds by default.
STALL_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
# Written at once; a piece of a scrape has about the same size.
PIECE_BYTES: Final = 128 * 1024
# More is written only while less than this waits in our buffers, and in the kernel's beyond the bytes on the line.
HIGH_WATER: Final = 16 * 1024
_KERNEL_BYTES: Final = 128 * 1024
# From one answer to the next: a head has at most 16 KiB, and the only bodies are small forms. Over TLS the encrypted
# bytes count, so records of one byte and repeated key updates (RFC 8446 4.6.3) count too.
MAX_REQUEST_BYTES: Final = 128 * 1024
# Of requests that were sent before the answer to the first; no browser and no scraper does that today.
MAX_PIPELINED_BYTES: Final = 32 * 1024
# Answered however many connections there are: a supervisor restarts a process that does not answer, and scrapes have
# slots of their own.
_ALWAYS: Final = ("/-/healthy", "/-/ready", "/metrics")
_RESET: Final = struct.pack("ii", 1, 0)  # struct linger: on, 0 s


def abort(transport: asyncio.Transport) -> None:
    """End `transport` at once; it may be lost already."""
    # A transport that was closed with bytes left to write, and has written them, has lost the attributes it needs here.
    with contextlib.suppress(AttributeError):
        transport.abort()
    break_cycle(transport)


def break_cycle(transport: asyncio.Transport) -> None:
    """Break the reference cycle of a transport that is lost or aborted, so that it is freed at once.

    asyncio's transport refers to itself by its read method, so only a full garbage collection would free it. Those are
    rare with a heap as large as ours, and clients come by the hundred a second.
    """
    lost: Any = transport
    if getattr(lost, "_read_ready_cb", None) is not None:
        lost._read_ready_cb = None


class ClientGone(OSError):  # noqa: N818 - no error of the program
    """The client of an answer is gone (ASGI 2.4: raised by `send`)."""


class HttpConnection(H11Protocol):
    """A connection with limits on its client; for uvicorn's `http`."""

    client_seconds: float = CLIENT_SECONDS
    stall_seconds: float = STALL_SECONDS
    answer_seconds: float = ANSWER_SECONDS

    _since: float  # the start of the wait for the client
    _timer: asyncio.TimerHandle | None = None  # runs while the connection waits for its client
    _received = 0  # bytes since the last answer
    _held = 0  # bytes of an answer that are not written yet
    _read_for = 0.0  # seconds waited for the client while this answer was written

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        raw: asyncio.Transport,
        unread: UnreadBytes,
        places: int,
        most: int,
    ) -> None:
        """`raw` is the transport below TLS.

        From `places` connections on, a new one gets the answer that there are too many; beyond `most`, none at all.
        """
        super().__init__(config, server_state, {"client": self})
        self._raw = raw
        self._unread = unread
        self._places = places
        self._most = most
        self._app: ASGIApp = self.app
        self.app = self._answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio: the connection is accepted, and its TLS handshake done."""
        super().connection_made(transport)
        for layer in {transport, self._raw}:
            layer.set_write_buffer_limits(high=HIGH_WATER)
        _limit_kernel_buffer(self._raw)
        self._start_timer(self.client_seconds)
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        # In pieces: h11 measures only an incomplete head, so a complete one could be of any size.
        piece = self.config.h11_max_incomplete_event_size or len(data)
        for start in range(0, len(data), piece):
            if not self.transport.is_closing():
                super().data_received(data[start : start + piece])
        if self.transport is self._raw:
            self.count(len(data))
        if self.flow.read_paused and len(self.conn.trailing_data[0]) > MAX_PIPELINED_BYTES:
            self.reset()
        if self._is_answering():
            self._stop_timer()

    def count(self, received: int) -> None:
        """Count bytes from the client as they are on the line, and end the connection if they are too many."""
        self._received += received
        if self._received > MAX_REQUEST_BYTES and not self.transport.is_closing():
            self.reset()

    def send_400_response(self, msg: str) -> None:
        """uvicorn: the bytes are no HTTP. They may be the body of a request that is or was being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # discard the rest of the answer
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """uvicorn: the answer is passed to the transport, not yet read."""
        self._received = 0
        if not self.flow.write_paused:
            self._read_for = 0.0
        super().on_response_complete()
        self._unset_keepalive_if_required()  # the timer here covers it
        if not self._is_answering():  # a pipelined request may have begun
            self._start_timer(self.client_seconds)

    def pause_writing(self) -> None:
        """asyncio: the client must read before more is written."""
        super().pause_writing()
        self._start_timer(min(self.stall_seconds, self.client_seconds, self.answer_seconds - self._read_for))
        self._unread.begin(self, self._buffered() + self._held)

    def resume_writing(self) -> None:
        """asyncio: the client has read; a request that came meanwhile is answered now."""
        super().resume_writing()
        self._unread.end(self)
        if self._timer is not None:
            self._read_for += self.loop.time() - self._since
        self._stop_timer()
        if not self._is_answering():
            self._read_for = 0.0
            self._start_timer(self.client_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection has ended."""
        self._unread.end(self)
        self._stop_timer()
        super().connection_lost(exc)
        self._stop_timer()
        break_cycle(self._raw)
        self.app_state = {}
        self.app = self._app

    def waited(self) -> float:
        """Seconds that this answer has waited for its client to read."""
        return self._read_for + (self.loop.time() - self._since if self._timer is not None else 0.0)

    @property
    def is_reading(self) -> bool:
        """More could be written now."""
        return not self.flow.write_paused

    @property
    def is_gone(self) -> bool:
        """The connection is closing or closed, by either side."""
        return self.transport.is_closing()

    @property
    def idle_since(self) -> float | None:
        """The start of the wait for the client, by the event loop's clock; None while a request is being answered."""
        return self._since if self._timer is not None else None

    def reset(self) -> None:
        """End the connection with an RST, so that the kernel discards unread bytes too."""
        self._stop_timer()
        sock = self._raw.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        abort(self.transport)
        abort(self._raw)  # a TLS layer that is closing already would not abort it

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application and write its answer in pieces."""
        cycle = self.cycle

        async def send_in_pieces(message: Message) -> None:
            body = memoryview(message.get("body", b""))
            try:
                while len(body) > PIECE_BYTES:
                    self._held = len(body) - PIECE_BYTES
                    await send({**message, "body": body[:PIECE_BYTES], "more_body": True})
                    body = body[PIECE_BYTES:]
                    self._raise_if_gone(cycle)
            finally:
                self._held = 0
            await send({**message, "body": body} if "body" in message else message)
            if message.get("more_body"):
                self._raise_if_gone(cycle)

        app = _TOO_MANY if self._is_crowded() and not scope["path"].endswith(_ALWAYS) else self._app
        try:
            await app(scope, receive, send_in_pieces)
        except (ClientGone, asyncio.CancelledError):  # cancelled: the server ends, and the grace period is over
            self._abort_answer(cycle)
        except MemoryError:  # in the middle of an answer; before it, the application has answered
            report_memory_shortage("the rest of one")
            self._abort_answer(cycle)
        finally:
            scope["state"].pop("client", None)  # breaks a reference cycle

    def _abort_answer(self, cycle: RequestResponseCycle) -> None:
        cycle.disconnected = True  # so that uvicorn does not report an incomplete answer
        self.reset()

    def _raise_if_gone(self, cycle: RequestResponseCycle) -> None:
        # asyncio takes a client that has closed its side for one that has closed both: writes are discarded then.
        if cycle.disconnected or (self.transport.is_closing() and not cycle.response_complete):
            raise ClientGone(errno.EPIPE, "the client is gone")

    def _buffered(self) -> int:
        layers = {self.transport, self._raw}
        return sum(layer.get_write_buffer_size() for layer in layers)

    def _is_answering(self) -> bool:
        """The client waits for the exporter. Not so while an earlier answer is unread, whatever was requested since."""
        return self.cycle is not None and not self.cycle.response_complete and not self.flow.write_paused

    def _start_timer(self, seconds: float) -> None:
        if self._timer is None:
            self._since = self.loop.time()
            self._timer = self.loop.call_later(max(0.0, seconds), self.reset)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_crowded(self) -> bool:
        return max(len(self.connections), len(self.tasks)) >= self._places

    def _make_room(self) -> None:
        """Close the connections that have waited longest for their clients, as many as are over the limit."""
        others = [cast(HttpConnection, other) for other in self.connections if other is not self]
        # A closing connection counts while its answer is unread; an aborted one is gone in a moment.
        staying = [other for other in others if other._timer is not None or not other.transport.is_closing()]
        # The last place is for the answer that there are too many. More than one connection may be over the limit,
        # after a moment when requests were being answered on all of them.
        over = len(staying) + 1 - (self._places - 1)
        waiting = sorted((other for other in staying if other._timer is not None), key=lambda other: other._since)
        for other in waiting[: max(0, over)]:
            other.reset()
        if len(staying) - len(waiting[: max(0, over)]) >= self._most:
            self.reset()  # requests are being answered on all connections, and too many have been refused


_TOO_MANY: Final = PlainTextResponse("too many clients are being served\n", 503, {**BUSY, "Connection": "close"})


def _limit_kernel_buffer(transport: asyncio.Transport) -> None:
    """Limit the unsent bytes in the kernel: by default it takes megabytes for a client (tcp(7))."""
    sock = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, option, _KERNEL_BYTES)
