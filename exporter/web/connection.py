"""How long a client may keep us waiting.

uvicorn's own timer runs only between an answer and the next byte, so a client that says nothing, or drips its request,
or does not read its answer, would keep its place for good. Here a connection is either ours (a request is being
answered) or its client's, and a client's turn is bounded. Where all places are taken, the one that has waited longest
for its client makes room: a scraper always gets in.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# From an answer (or the connecting) until it is read and the next request is there. Prometheus scrapes once a minute
# over a connection it keeps.
CLIENT_SECONDS: Final = 75.0


class Connection(H11Protocol):
    """A connection with a bound on its client's turns; for uvicorn's `http`."""

    client_seconds: float = CLIENT_SECONDS

    _since: float  # the client's turn began
    _turn: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio."""
        super().connection_made(transport)
        self._clients_turn()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        # In pieces: h11 measures only what is not yet a whole head, and one that came at once could be of any size.
        piece = self.config.h11_max_incomplete_event_size or len(data)
        for start in range(0, len(data), piece):
            if not self.transport.is_closing():
                super().data_received(data[start : start + piece])
        if self._answering():
            self._end_turn()

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
        super().on_response_complete()
        self._unset_keepalive_if_required()  # ours covers it
        if not self._answering():  # a pipelined request may have begun
            self._clients_turn()

    def resume_writing(self) -> None:
        """asyncio: an answer was read, and what was asked meanwhile has its turn."""
        super().resume_writing()
        if self._answering():
            self._end_turn()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._end_turn()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        """Whether it is our turn. Not while an earlier answer is left unread, whatever was asked since."""
        return self.cycle is not None and not self.cycle.response_complete and not self.flow.write_paused

    def _clients_turn(self) -> None:
        if self._turn is None:
            self._since = self.loop.time()
            self._turn = self.loop.call_later(self.client_seconds, self._turn_is_over)

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _turn_is_over(self) -> None:
        self._end_turn()
        self.transport.abort()  # close() would wait for what is unread

    def _make_room(self) -> None:
        if self.limit_concurrency is None:
            return
        others = [cast(Connection, other) for other in self.connections if other is not self]
        # What is closing keeps its place while its answer is left unread; what was aborted is gone in a moment.
        staying = [other for other in others if other._turn is not None or not other.transport.is_closing()]
        # uvicorn answers 503 at the limit, the asking one counted in. More than one may be over it, from a moment when
        # every place was ours.
        over = len(staying) + 1 - (self.limit_concurrency - 1)
        waiting = sorted((other for other in staying if other._turn is not None), key=lambda other: other._since)
        for other in waiting[: max(0, over)]:
            other._turn_is_over()
