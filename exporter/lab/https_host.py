"""An HTTPS server that follows a script: a handshake, perhaps, and then bytes, late, in pieces, or without an end.

The tests of MTA-STS use it as the policy host. It reads one request and answers with the bytes it was given.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.lab.host import LOOPBACK, require_loopback

_HOST = re.compile(rb"\r\nhost: ([^\r]*)")


@dataclass
class HttpsHost:
    """A server whose fields may be changed while it runs. Without a `context` it speaks no TLS.

    The answer is `answer`, or that of `answers` for the name which the Host field of the request has.
    """

    answer: Sequence[bytes]
    pause: float = 0.0  # seconds after each piece of the answer
    stays_open: bool = False  # until the client closes
    speaks_first: bool = False  # answers before it has read a request
    gate: asyncio.Event | None = None  # answers only once it is set
    answers: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # connections, concurrent, concurrent_max
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

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

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.counts["connections"] += 1
        self.counts["concurrent"] += 1
        self.counts["concurrent_max"] = max(self.counts["concurrent_max"], self.counts["concurrent"])
        try:
            if not self.speaks_first:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if self.gate is not None:
                await self.gate.wait()
            for piece in self._answer():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(self.pause)
            if self.stays_open:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            self.counts["concurrent"] -= 1
            writer.transport.abort()

    def _answer(self) -> Sequence[bytes]:
        asked = _HOST.search(self.requests[-1].lower()) if self.requests else None
        return self.answers.get(asked[1].decode(), self.answer) if asked is not None else self.answer

    # Not a coroutine: asyncio would make the task itself, and stumbles over its cancellation before Python 3.12.
    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self.serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def http(
    body: bytes = b"",
    status: str = "200 OK",
    content_type: str = "text/plain",
    *more: str,
    length: int | None = None,
) -> bytes:
    """Make an HTTP/1.1 answer; `length` is sent in place of the true one, `more` are header lines."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    head += [f"Content-Type: {content_type}"] if content_type else []
    return "\r\n".join([*head, *more, "", ""]).encode() + body
