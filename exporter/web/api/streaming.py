"""Large answers, made piece by piece while the client reads.

A scrape of many targets is megabytes of text. It is joined and compressed a piece at a time in a worker thread, each
piece after the client has taken the one before (`send` waits for that), so an answer that is not read costs one piece.
The samples themselves are kept as they were at the begin of the answer: for all answers in progress together at most
the samples of the probes of ANSWER_SECONDS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from exporter.web.api.gzip_compressor import gzip_compressor
from exporter.web.api.scrape_slots import ScrapeSlots, TooManyScrapesError
from exporter.web.backend import Exposition
from exporter.web.server.memory_shortage import memory_shortage_response, report_memory_shortage
from exporter.web.server.request_limit import BUSY

# Made at once in another thread, so that the switch pays; sent in smaller pieces.
_MADE_BYTES: Final = 512 * 1024
# Text compressed at once, and compressed bytes sent at once; exposition text becomes a sixteenth.
_TEXT_AT_ONCE: Final = 256 * 1024
_COMPRESSED_BYTES: Final = 256 * 1024


def worker_threads(count: int) -> Executor:
    """The threads in which answers are made; each is started when it is first needed."""
    return ThreadPoolExecutor(count, "scrape")


class StreamedResponse(Response):
    """An exposition in pieces. `expose` and the pieces run in a worker thread."""

    def __init__(
        self, expose: Callable[[], Exposition], workers: Executor, *, gzip: bool, slots: ScrapeSlots | None = None
    ) -> None:
        """With `slots` the answer takes one of them, from its first piece to its last."""
        self._expose = expose
        self._workers = workers
        self._gzip = gzip
        self._slots = slots
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if self._slots is None:
            await self._send(scope, receive, send)
            return
        try:
            address = (scope.get("client") or ("",))[0]
            async with self._slots.slot(scope.get("state", {}).get("client"), address):
                await self._send(scope, receive, send)
        except TooManyScrapesError as reason:
            await PlainTextResponse(f"{reason}\n", 503, BUSY)(scope, receive, send)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            content_type, pieces, first, second = await loop.run_in_executor(self._workers, self._begin)
        except (MemoryError, RuntimeError) as error:
            if not _is_memory_shortage(error):
                raise
            report_memory_shortage("a scrape")
            await memory_shortage_response()(scope, receive, send)
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
        """The content type, the pieces, and the first two of them: many answers have no second."""
        exposition = self._expose()
        pieces = _compressed(exposition.body) if self._gzip else _plain(exposition.body)
        first = next(pieces, b"")
        return exposition.content_type, pieces, first, next(pieces, b"")


def accepts_gzip(headers: Headers) -> bool:
    """RFC 9110 12.5.3: gzip is named, or covered by *, and not with q=0."""
    weights: dict[str, bool] = {}
    for part in headers.get("accept-encoding", "").split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip().lower()] = parameters.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return weights.get("gzip", weights.get("*", False))


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _is_memory_shortage(error: Exception) -> bool:
    # The text of threading where the system has no memory, or no free process number, for one more thread.
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


def _compressed(body: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """`body` compressed in pieces; the whole text is never in memory, and other threads run while one compresses."""
    compressor = gzip_compressor()
    compressed = bytearray()
    for piece in body:
        for part in _sliced(piece, _TEXT_AT_ONCE):
            compressed += compressor.compress(part)
            if len(compressed) >= _COMPRESSED_BYTES:
                yield bytes(compressed)
                compressed.clear()
    compressed += compressor.flush()
    yield bytes(compressed)


def _sliced(piece: bytes, size: int) -> Iterator[memoryview]:
    view = memoryview(piece)
    for begin in range(0, len(view), size):
        yield view[begin : begin + size]
