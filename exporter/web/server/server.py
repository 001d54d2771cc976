"""uvicorn in a thread and an event loop of its own, so that no scrape delays the timers of the probes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp

from exporter.net.open_files import OpenFiles, open_files
from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.server.accept import Listener
from exporter.web.server.connection import HttpConnection
from exporter.web.server.handshake import ServerHandshake, ServerHandshakes
from exporter.web.server.log_limit import LogLimit
from exporter.web.server.unread_bytes import UnreadBytes

log = logging.getLogger(__name__)

# Connections at once, where the limit of open files is not low. Above it, the one idle longest is closed.
MAX_CONNECTIONS: Final = 512
# Further connections, which only get the answer that there are too many.
_MAX_REFUSED: Final = 64
_MAX_HEAD_BYTES: Final = 16384
_START_SECONDS: Final = 10.0
# After the grace period, for uvicorn to end; worker threads that still run then end with the process.
_END_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ConnectionSlots:
    """The numbers of clients at once; together they use at most a quarter of the open files."""

    connections: int
    refused: int  # further connections, which only get the answer that there are too many
    handshakes: int  # and MAX_HANDSHAKES at most

    @classmethod
    def of(cls, files: OpenFiles) -> ConnectionSlots:
        """Divide the quarter, where the limit of open files is low; else the maximum of each."""
        most = files.web
        return cls(
            connections=max(2, min(MAX_CONNECTIONS, most * 5 // 8)),
            refused=max(1, min(_MAX_REFUSED, most // 8)),
            handshakes=max(1, most // 4),
        )


class WebServer:
    """Serves `app` on listening sockets, over TLS where `security` configures it."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket], security: ActiveWebConfig | None = None) -> None:
        self.addresses: Sequence[tuple[str, int]] = [sock.getsockname()[:2] for sock in sockets]
        self._sockets = list(sockets)
        files = open_files()
        self._server = _UvicornServer(
            uvicorn.Config(
                app,
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                ws="none",
                h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
                http=HttpConnection,
            ),
            security or ActiveWebConfig(),
            files,
        )
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Start the thread, and return when requests are answered. Raises RuntimeError on failure."""
        self._thread.start()
        if not self._server.serving.wait(_START_SECONDS) or not self._server.started:
            raise RuntimeError("the web server did not start") from self._error

    def stop(self, grace: float) -> None:
        """Answer the requests in progress for `grace` seconds, then end; a second call does nothing."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace))
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(self._server.config.timeout_graceful_shutdown + _END_SECONDS)
        for sock in self._sockets:
            sock.close()

    def _run(self) -> None:
        warnings, limit = logging.getLogger("uvicorn.error"), _UvicornLogLimit()
        warnings.addFilter(limit)
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._server.serve(self._sockets))
        except Exception as error:  # raised by start(), in the thread that waits
            log.exception("internal error in the web server")
            self._error = error
        finally:
            warnings.removeFilter(limit)
            self._server.serving.set()


class _UvicornServer(uvicorn.Server):
    """uvicorn with its own listeners; sets an event when it serves, and leaves signals to the main thread."""

    def __init__(self, config: uvicorn.Config, security: ActiveWebConfig, files: OpenFiles) -> None:
        super().__init__(config)
        self.serving = threading.Event()
        self._security = security
        self._files = files
        slots = ConnectionSlots.of(files)
        self._places = slots.connections
        self._most = slots.connections + slots.refused
        self._handshakes = ServerHandshakes(slots.handshakes)
        self._unread = UnreadBytes()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen with a handshake before each connection, in place of uvicorn's own listeners."""
        shortage = LogLimit(log, "web client refused, no file descriptor left")
        self.servers = [
            Listener(
                sock,
                self._accepted,
                make_room=self._make_room,
                most_files=self._files.below,
                shortage=shortage,
            )  # type: ignore[misc]
            for sock in sockets or ()
        ]
        self.started = True
        self.serving.set()

    def _accepted(self) -> ServerHandshake:
        return ServerHandshake(self._security, self._handshakes, self._new_connection)

    def _new_connection(self, raw: asyncio.Transport) -> HttpConnection:
        return HttpConnection(self.config, self.server_state, raw, self._unread, self._places, self._most)

    def _make_room(self) -> None:
        """End the connection that has waited longest for its client, or the oldest handshake."""
        connections = [cast(HttpConnection, each) for each in self.server_state.connections]
        idle = min((each for each in connections if each.idle_since is not None), key=_since, default=None)
        if idle is not None:
            idle.reset()
        else:
            self._handshakes.abort_oldest()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._handshakes.abort_all()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            cast(HttpConnection, connection).reset()  # its answer was not read within the grace period

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _since(connection: HttpConnection) -> float:
    return connection.idle_since or 0.0


class _UvicornLogLimit(logging.Filter):
    """Passes each kind of uvicorn's warnings once a minute: every client that reaches the port can cause them."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[str, LogLimit] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """True for a record that is due; its field `times` has the number since the last one."""
        kind = f"{record.msg} {record.exc_info[0] if record.exc_info else ''}"
        times = self._kinds.setdefault(kind, LogLimit(log, kind)).due()
        record.fields = {"times": times}
        return times > 0
