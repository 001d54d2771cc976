"""A policy host that does what it is told: TLS with a certificate of a lab authority, then scripted bytes."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class PolicyHost:
    """What it answers may be changed while it runs: `answer`, or by the name asked for `answers`.

    `pause` comes between the pieces of an answer.
    """

    answer: Sequence[bytes]
    pause: float = 0.0
    stays_open: bool = False
    speaks_first: bool = False
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # connections, concurrent, concurrent_max
    gate: asyncio.Event | None = None  # answers only once it is set
    answers: Mapping[str, Sequence[bytes]] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
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
            pass  # they went away
        finally:
            self.counts["concurrent"] -= 1
            writer.transport.abort()

    def _answer(self) -> Sequence[bytes]:
        asked = re.search(rb"\r\nhost: ([^\r]*)", self.requests[-1].lower()) if self.requests else None
        return self.answers.get(asked[1].decode(), self.answer) if asked is not None else self.answer


@asynccontextmanager
async def policy_host(
    host: PolicyHost, context: ssl.SSLContext | None, address: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[PolicyHost]:
    """`host` at work on `address`; without a context it speaks no TLS."""
    server = await asyncio.start_server(host.serve, address, port, ssl=context)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        if host.gate is not None:
            host.gate.set()
        server.close()
        await asyncio.sleep(0)


def http(
    body: bytes = b"",
    status: str = "200 OK",
    content_type: str = "text/plain",
    *more: str,
    length: int | None = None,
) -> bytes:
    """An answer with its length."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    head += [f"Content-Type: {content_type}"] if content_type else []
    return "\r\n".join([*head, *more, "", ""]).encode() + body
