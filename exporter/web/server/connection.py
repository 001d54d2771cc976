"""How long a client may keep us waiting, and how much it may leave unread.

uvicorn's own timer runs only between an answer and the next byte, so a client that says nothing, or drips its request,
or does not read its answer, would keep its place for good. Here a connection is either ours (a request is being
answered) or its client's, and a client's turn is bounded. Where all places are taken, the one that has waited longest
for its client makes room: a scraper always gets in.

An answer goes out in pieces, and the next piece is made once the last is on its way: what a client does not read is not
written, neither into our memory nor into the kernel's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, cast

import h11
from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from exporter.web.server.log_limit import LogLimit
from exporter.web.server.request_limit import BUSY
from exporter.web.server.unread_bytes import UnreadBytes

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn.server import ServerState

log = logging.getLogger(__name__)

# From an answer (or the connecting) until it is read and the next request is there. Prometheus scrapes once a minute
# over a connection it keeps.
CLIENT_SECONDS: Final = 75.0
# Until a client that has something to read reads the next piece of it, and for all pieces of one answer together. A
# scraper reads as fast as the line carries; its own timeout is ten seconds by default.
STALL_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
# Written at once; a piece of a scrape has about the same size.
PIECE_BYTES: Final = 128 * 1024
# More is written only while less than this waits in our buffers, and in the kernel's beyond what is on the line.
HIGH_WATER: Final = 16 * 1024
_KERNEL_BYTES: Final = 128 * 1024
# From one answer to the next: a head has at most 16 KiB, and no body of ours is larger than a form. Over TLS counted as
# it comes, so that neither records of one byte nor new keys again and again (RFC 8446 4.6.3) come for nothing.
MAX_REQUEST_BYTES: Final = 128 * 1024
# Of requests that were sent before the answer to the first; no browser and no scraper does that today.
MAX_PIPELINED_BYTES: Final = 32 * 1024
# Answered however many others there are: a supervisor restarts what does not answer, and scrapes have their own places.
_ALWAYS: Final = ("/-/healthy", "/-/ready", "/metrics")
_RESET: Final = struct.pack("ii", 1, 0)  # struct linger: on, 0 s

_memory = LogLimit(log, "web answer dropped, memory is short")


def tell_of_memory(answer: str) -> None:
    """Log that there was not enough for `answer`."""
    _memory.tell(logging.ERROR, answer=answer)


def abort(transport: asyncio.Transport) -> None:
    """End `transport` at once. It may be lost already."""
    # Closed while bytes were left to write, and these written: such a one has been taken apart without knowing it.
    with contextlib.suppress(AttributeError):
        transport.abort()
    untie(transport)


def untie(transport: asyncio.Transport) -> None:
    """Let go of a transport that is lost or aborted: nothing is read from it any more.

    asyncio's holds itself by the method that it reads with, so only a full collection would end it. Those are seldom
    with a heap as large as ours, and clients come by the hundred a second.
    """
    lost: Any = transport
    if getattr(lost, "_read_ready_cb", None) is not None:
        lost._read_ready_cb = None


class ClientGone(OSError):  # noqa: N818 - no error of the program
    """Nobody reads the answer any more (ASGI 2.4: what `send` raises then)."""


class HttpConnection(H11Protocol):
    """A connection with bounds on its client; for uvicorn's `http`."""

    client_seconds: float = CLIENT_SECONDS
    stall_seconds: float = STALL_SECONDS
    answer_seconds: float = ANSWER_SECONDS

    _since: float  # the client's turn began
    _turn: asyncio.TimerHandle | None = None
    _received = 0  # bytes since the last answer
    _held = 0  # bytes of an answer that are not written yet
    _read_for = 0.0  # seconds that were waited for the client while the answer was written

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        raw: asyncio.Transport,
        unread: UnreadBytes,
        places: int,
        most: int,
    ) -> None:
        """`raw` is the transport below all TLS.

        With `places` connections the next is told that there are too many; beyond `most` none is served at all.
        """
        super().__init__(config, server_state, {"client": self})
        self._raw = raw
        self._unread = unread
        self._places = places
        self._most = most
        self._app: ASGIApp = self.app
        self.app = self._answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio."""
        super().connection_made(transport)
        for layer in {transport, self._raw}:
            layer.set_write_buffer_limits(high=HIGH_WATER)
        _keep_little_in_the_kernel(self._raw)
        self._clients_turn(self.client_seconds)
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        # In pieces: h11 measures only what is not yet a whole head, and one that came at once could be of any size.
        piece = self.config.h11_max_incomplete_event_size or len(data)
        for start in range(0, len(data), piece):
            if not self.transport.is_closing():
                super().data_received(data[start : start + piece])
        if self.transport is self._raw:
            self.count(len(data))
        if self.flow.read_paused and len(self.conn.trailing_data[0]) > MAX_PIPELINED_BYTES:
            self.cut()
        if self._answering():
            self._end_turn()

    def count(self, received: int) -> None:
        """So many bytes came from the client, as they are on the line."""
        self._received += received
        if self._received > MAX_REQUEST_BYTES and not self.transport.is_closing():
            self.cut()

    def send_400_response(self, msg: str) -> None:
        """uvicorn: what came is no HTTP. It may be the body of a request that is being answered, or was."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # the rest of its answer goes nowhere
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """uvicorn: the answer is handed to the transport, not yet read."""
        self._received = 0
        if not self.flow.write_paused:
            self._read_for = 0.0
        super().on_response_complete()
        self._unset_keepalive_if_required()  # ours covers it
        if not self._answering():  # a pipelined request may have begun
            self._clients_turn(self.client_seconds)

    def pause_writing(self) -> None:
        """asyncio: the client has to read before more is written."""
        super().pause_writing()
        self._clients_turn(min(self.stall_seconds, self.client_seconds, self.answer_seconds - self._read_for))
        self._unread.begin(self, self._buffered() + self._held)

    def resume_writing(self) -> None:
        """asyncio: it has read, and what was asked meanwhile has its turn."""
        super().resume_writing()
        self._unread.end(self)
        if self._turn is not None:
            self._read_for += self.loop.time() - self._since
        self._end_turn()
        if not self._answering():
            self._read_for = 0.0
            self._clients_turn(self.client_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._unread.end(self)
        self._end_turn()
        super().connection_lost(exc)
        self._end_turn()
        untie(self._raw)
        self.app_state = {}
        self.app = self._app

    def waited(self) -> float:
        """Seconds that this answer has waited for its client."""
        return self._read_for + (self.loop.time() - self._since if self._turn is not None else 0.0)

    @property
    def is_reading(self) -> bool:
        """Whether more could be written now."""
        return not self.flow.write_paused

    @property
    def is_gone(self) -> bool:
        """Whether the connection is closing or closed, by either side."""
        return self.transport.is_closing()

    @property
    def idle_since(self) -> float | None:
        """When its client's turn began, by the event loop's clock; None while it is ours."""
        return self._since if self._turn is not None else None

    def cut(self) -> None:
        """End it at once, and have the kernel forget what is unread as well."""
        self._end_turn()
        sock = self._raw.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        abort(self.transport)
        abort(self._raw)  # TLS that is closing already does not hear of it

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, its answer written in pieces."""
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
        except (ClientGone, asyncio.CancelledError):  # cancelled: the server ends, and the grace is over
            self._give_up(cycle)
        except MemoryError:  # half way; else the application has answered
            tell_of_memory("the rest of one")
            self._give_up(cycle)
        finally:
            scope["state"].pop("client", None)  # no cycle that only the collector would end

    def _give_up(self, cycle: RequestResponseCycle) -> None:
        cycle.disconnected = True  # so that uvicorn does not miss the rest
        self.cut()

    def _raise_if_gone(self, cycle: RequestResponseCycle) -> None:
        # A client that has closed its side has closed both, to asyncio: what is written then goes nowhere.
        if cycle.disconnected or (self.transport.is_closing() and not cycle.response_complete):
            raise ClientGone(errno.EPIPE, "the client is gone")

    def _buffered(self) -> int:
        layers = {self.transport, self._raw}
        return sum(layer.get_write_buffer_size() for layer in layers)

    def _answering(self) -> bool:
        """Whether it is our turn. Not while an earlier answer is left unread, whatever was asked since."""
        return self.cycle is not None and not self.cycle.response_complete and not self.flow.write_paused

    def _clients_turn(self, seconds: float) -> None:
        if self._turn is None:
            self._since = self.loop.time()
            self._turn = self.loop.call_later(max(0.0, seconds), self.cut)

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _is_crowded(self) -> bool:
        return max(len(self.connections), len(self.tasks)) >= self._places

    def _make_room(self) -> None:
        others = [cast(HttpConnection, other) for other in self.connections if other is not self]
        # What is closing keeps its place while its answer is left unread; what was aborted is gone in a moment.
        staying = [other for other in others if other._turn is not None or not other.transport.is_closing()]
        # The last place is for being told. More than one may be over it, from a moment when every place was ours.
        over = len(staying) + 1 - (self._places - 1)
        waiting = sorted((other for other in staying if other._turn is not None), key=lambda other: other._since)
        for other in waiting[: max(0, over)]:
            other.cut()
        if len(staying) - len(waiting[: max(0, over)]) >= self._most:
            self.cut()  # every place is ours, and those who are told so have theirs too


_TOO_MANY: Final = PlainTextResponse("too many clients are being served\n", 503, {**BUSY, "Connection": "close"})


def _keep_little_in_the_kernel(transport: asyncio.Transport) -> None:
    """Leave what is not on the line yet with us: by itself the kernel takes megabytes for a client (tcp(7))."""
    sock = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, option, _KERNEL_BYTES)
