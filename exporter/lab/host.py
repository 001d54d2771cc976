"""The common side of all hosts of the lab: each is started on an address of loopback, and stopped.

:func:`listening` keeps a host up for a block of a coroutine, :func:`listening_in_thread` for a block of code without an
event loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")
Started = TypeVar("Started")
StartedCovariant = TypeVar("StartedCovariant", covariant=True)

LOOPBACK: Final = "127.0.0.1"
# Nothing a host does takes longer than a few handshakes of SilentHost with itself.
CALL_SECONDS: Final = 30.0


class LabHost(Protocol[StartedCovariant]):
    """Something that listens; `start` tells where: the port, or the address and the port."""

    async def start(self, address: str = LOOPBACK, port: int = 0) -> StartedCovariant:
        """Listen; port 0 is one that is free. OSError where that is not possible."""
        ...

    async def stop(self) -> None:
        """Listen no more, and drop every connection."""
        ...


def require_loopback(address: str) -> None:
    """Raise ValueError for an address that another machine could reach, or that is none."""
    if not ip_address(address).is_loopback:
        raise ValueError(f"{address} is not a loopback address, and the lab listens on no other")


@dataclass(kw_only=True)
class StreamHost(ABC):
    """A host that serves each connection by a task of its own. Without a `context` it speaks no TLS."""

    context: ssl.SSLContext | None = None
    port: int = 0  # of the last start
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""

    async def start(self, address: str = LOOPBACK, port: int = 0) -> int:
        """Listen; returns the port."""
        require_loopback(address)
        self._server = await asyncio.start_server(self._accept, address, port, ssl=self.context)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # in which the event loop closes aborted connections

    # Not a coroutine: asyncio would make the task itself, and stumbles over its cancellation before Python 3.12.
    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self.serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextlib.asynccontextmanager
async def listening(host: LabHost[Started], address: str = LOOPBACK, port: int = 0) -> AsyncIterator[Started]:
    """Keep `host` up for the block, on the event loop that runs; gives the result of its `start`."""
    started = await host.start(address, port)
    try:
        yield started
    finally:
        await host.stop()


@contextlib.contextmanager
def listening_in_thread(host: LabHost[Started], address: str = LOOPBACK, port: int = 0) -> Iterator[Started]:
    """Keep `host` up for the block, in a thread of its own; gives the result of its `start`."""
    with LoopThread("lab host") as thread:
        started = thread.call(host.start(address, port))
        try:
            yield started
        finally:
            thread.call(host.stop())


class LoopThread:
    """An event loop in a thread of its own, from `with` to its end.

    A loop shared with the client that is measured would add to the latencies that it measures.
    """

    def __init__(self, name: str, enter: Callable[[], None] | None = None) -> None:
        """`enter` is run in the thread before the loop is."""
        self._name = name
        self._enter = enter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LoopThread:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """True between start and stop."""
        return self._loop is not None

    def start(self) -> None:
        """Run the loop."""
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name=self._name, daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, T], seconds: float = CALL_SECONDS) -> T:
        """Run it in the thread and wait for it. RuntimeError where nothing runs, TimeoutError after `seconds`."""
        if self._loop is None:
            coroutine.close()
            raise RuntimeError(f"{self._name} is not running")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)

    def stop(self) -> None:
        """End the loop; a second time does nothing."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._enter is not None:
            self._enter()
        loop.run_forever()
