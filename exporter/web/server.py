"""uvicorn in a thread and an event loop of its own, so that no scrape ever runs on the probes' clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from exporter.web.connection import Connection
from exporter.web.handshake import Handshake, Handshakes
from exporter.web.security import Security

log = logging.getLogger(__name__)

# Connections at once, and far from the open files that probes need. Beyond it the one idle longest makes room.
MAX_CONNECTIONS: Final = 512
_MAX_HEAD_BYTES: Final = 16384
_START_SECONDS: Final = 10.0
# After the grace, for uvicorn to end; what then still runs in a worker thread ends with the process.
_END_SECONDS: Final = 5.0


class WebServer:
    """Serves `app` on sockets that listen already, over TLS where `security` says so."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket], security: Security | None = None) -> None:
        self.addresses: Sequence[tuple[str, int]] = [sock.getsockname()[:2] for sock in sockets]
        self._sockets = list(sockets)
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                ws="none",
                limit_concurrency=MAX_CONNECTIONS,
                h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
                http=Connection,
            ),
            security or Security(),
        )
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Returns once requests are answered. Raises RuntimeError if they will not be."""
        self._thread.start()
        if not self._server.serving.wait(_START_SECONDS) or not self._server.started:
            raise RuntimeError("the web server did not start") from self._error

    def stop(self, grace: float) -> None:
        """Answer what is under way for `grace` seconds, then end; a second time does nothing."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace))
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(self._server.config.timeout_graceful_shutdown + _END_SECONDS)
        for sock in self._sockets:
            sock.close()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._server.serve(self._sockets))
        except Exception as error:  # for start(), in the thread that can tell
            log.exception("the web server ended")
            self._error = error
        finally:
            self._server.serving.set()


class _Server(uvicorn.Server):
    """Tells another thread when it serves, and leaves signals to the main thread."""

    def __init__(self, config: uvicorn.Config, security: Security) -> None:
        super().__init__(config)
        self.serving = threading.Event()
        self._security = security
        self._handshakes = Handshakes()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen as uvicorn would, but with a handshake before each connection."""
        loop = asyncio.get_running_loop()
        backlog = self.config.backlog
        self.servers = [await loop.create_server(self._accepted, sock=sock, backlog=backlog) for sock in sockets or ()]
        self.started = True
        self.serving.set()

    def _accepted(self) -> Handshake:
        return Handshake(self._security, self._handshakes, self._new_connection)

    def _new_connection(self) -> Connection:
        return Connection(self.config, self.server_state, {})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._handshakes.abort()
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # not read within the grace

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
