"""Large answers, made as they are read.

A scrape of many targets is megabytes of text. It is joined, and packed, a piece at a time in a worker thread, each
piece when the client has taken the one before (what `send` waits for), so an answer that nobody reads costs one piece.
What is held beside is the samples as they were when it began: of all answers under way together at most what was
probed in ANSWER_SECONDS.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from exporter.web.backend import Exposition
from exporter.web.server.connection import tell_of_memory
from exporter.web.server.request_limit import BUSY
from exporter.web.server.scrape_slots import ScrapeSlots, TooManyScrapesError

_GZIP_LEVEL: Final = 1  # level 6 makes it a quarter smaller and takes five times as long
_GZIP_WINDOW: Final = 31  # zlib's way to say: the largest window, in gzip's format
# Made at once, so that the way into another thread is worth it; sent in smaller pieces.
_MADE_BYTES: Final = 512 * 1024
# What is packed at once, and how much of it is sent at once; text of ours becomes a sixteenth.
_PACKED_AT_ONCE: Final = 256 * 1024
_PACKED_BYTES: Final = 256 * 1024


def worker_threads(count: int) -> Executor:
    """The threads in which answers are made; none is there before it is needed."""
    return ThreadPoolExecutor(count, "scrape")


class StreamedApp(Response):
    """An exposition, in pieces. What it needs of `expose` is asked for in a worker thread."""

    def __init__(
        self, expose: Callable[[], Exposition], workers: Executor, *, gzip: bool, scrapes: ScrapeSlots | None = None
    ) -> None:
        """With `scrapes` it needs a place there, from its first piece to its last."""
        self._expose = expose
        self._workers = workers
        self._gzip = gzip
        self._scrapes = scrapes
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if self._scrapes is None:
            await self._send(scope, receive, send)
            return
        try:
            address = (scope.get("client") or ("",))[0]
            async with self._scrapes.place(scope.get("state", {}).get("client"), address):
                await self._send(scope, receive, send)
        except TooManyScrapesError as reason:
            await PlainTextResponse(f"{reason}\n", 503, BUSY)(scope, receive, send)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            content_type, pieces, first, second = await loop.run_in_executor(self._workers, self._begin)
        except (MemoryError, RuntimeError) as error:
            if not _is_for_want_of_memory(error):
                raise
            tell_of_memory("a scrape")
            await PlainTextResponse("memory is short\n", 503, BUSY)(scope, receive, send)
            return
        headers = {"Vary": "Accept, Accept-Encoding", **({"Content-Encoding": "gzip"} if self._gzip else {})}
        if not second:
            await Response(first, headers=headers, media_type=content_type)(scope, receive, send)
            return
        await send(
            {"type": "http.response.start", "status": 200, "headers": _raw({**headers, "Content-Type": content_type})}
        )
        if scope["method"] != "HEAD":
            await send({"type": "http.response.body", "body": first, "more_body": True})
            del first
            while second:
                await send({"type": "http.response.body", "body": second, "more_body": True})
                second = await loop.run_in_executor(self._workers, next, pieces, b"")
        await send({"type": "http.response.body", "body": b""})

    def _begin(self) -> tuple[str, Iterator[bytes | memoryview], bytes | memoryview, bytes | memoryview]:
        """The format, and the pieces with the first two taken from them: many answers have no second."""
        exposition = self._expose()
        pieces = _packed(exposition.body) if self._gzip else _plain(exposition.body)
        first = next(pieces, b"")
        return exposition.content_type, pieces, first, next(pieces, b"")


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _is_for_want_of_memory(error: Exception) -> bool:
    # threading says so where the system has no memory (or no number) for one more.
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


def _plain(body: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """`body` in pieces of about _MADE_BYTES, none of them empty."""
    small: list[bytes] = []
    size = 0
    for piece in body:
        if size + len(piece) > _MADE_BYTES and small:
            yield b"".join(small)
            small, size = [], 0
        if len(piece) <= _MADE_BYTES:
            small.append(piece)
            size += len(piece)
        else:
            yield from _sliced(piece, _MADE_BYTES)
    if size:
        yield b"".join(small)


def _packed(body: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """`body` packed, in pieces; the whole text is never in memory, and zlib lets other threads run while it works."""
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
    packed = bytearray()
    for piece in body:
        for part in _sliced(piece, _PACKED_AT_ONCE):
            packed += packer.compress(part)
            if len(packed) >= _PACKED_BYTES:
                yield bytes(packed)
                packed.clear()
    packed += packer.flush()
    yield bytes(packed)


def _sliced(piece: bytes, size: int) -> Iterator[memoryview]:
    view = memoryview(piece)
    for begin in range(0, len(view), size):
        yield view[begin : begin + size]
