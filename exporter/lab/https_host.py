"""An HTTPS server that follows a script: a handshake, perhaps, and then bytes, late, in pieces, or without an end.

The tests of MTA-STS use it as the policy host. It reads one request and answers with the bytes it was given.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.lab.host import StreamHost

_HOST = re.compile(rb"\r\nhost: ([^\r]*)")


@dataclass
class HttpsHost(StreamHost):
    """A server whose fields may be changed while it runs. Without a `context` it speaks no TLS.

    The answer is `answer`, or that of `answers` for the name which the Host field of the request has.
    """

    answer: Sequence[bytes]
    pause: float = 0.0  # seconds after each piece of the answer
    stays_open: bool = False  # until the client closes
    speaks_first: bool = False  # answers before it has read a request
    gate: asyncio.Event | None = None  # answers only once it is set
    answers: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # connections, concurrent, concurrent_max

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
