"""The frame of the pages around answers that are text: errors, the configuration, a dialogue.

A browser gets them as a page with a way back; a program, or a person with curl, gets the text. The Accept header tells
which. What programs read in a browser too (metrics, health) stays text.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.model.printable import printable
from exporter.report.local_state import LocalState
from exporter.web.pages.templating import Templates

# A text above this size stays text: it would need several times as much memory as a page.
MAX_FRAMED_BYTES: Final = 8 * 1024 * 1024
# Framed at once, in a fraction of a millisecond; a larger one in a thread.
_QUICK_BYTES: Final = 4096
_HTML: Final = "text/html"
# The types of text that are framed: exactly as our answers have them, and so no exposition.
_TEXTS: Final = ("text/plain; charset=utf-8", "text/yaml; charset=utf-8")
# Framed when all is well: the path, below the prefix, and the key of the page in the navigation.
_CONFIG: Final = "/config"
_PROBE: Final = "/probe"
_NO_STATE: Final = LocalState()


def wants_html(accept: str) -> bool:
    """True for the Accept header of a browser: text/html by name, and nothing that is text without markup before it
    (RFC 9110 12.5.1)."""
    qualities: dict[str, float] = {}
    for element in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in element.split(";"))
        quality = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            qualities[kind] = float(quality)
        except ValueError:
            qualities[kind] = 0.0
    html = qualities.get(_HTML, 0.0)
    return html > 0 and html >= qualities.get("text/plain", 0.0)


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a request: its path below the prefix, and the relative URL of the status page."""

    path: str
    base: str


class Framed:
    """Puts the texts of `app` into a frame, for browsers.

    `local_state` None: before the checks of a client nothing is told of the exporter.
    """

    def __init__(
        self, app: ASGIApp, templates: Templates, prefix: str = "", local_state: Callable[[], LocalState] | None = None
    ) -> None:
        self._app = app
        self._templates = templates
        self._prefix = prefix
        self._local_state = local_state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not wants_html(Headers(scope=scope).get("accept", "")):
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Framing(self, scope, send).send)

    def frames(self, scope: Scope, status: int, headers: Headers) -> bool:
        """True for an answer that is to be framed."""
        if headers.get("content-type") not in _TEXTS or "content-encoding" in headers:
            return False
        return status >= HTTPStatus.BAD_REQUEST or _place(scope, self._prefix).path in (_CONFIG, _PROBE)

    def page(self, scope: Scope, status: int, text: str) -> bytes:
        """The page with a text."""
        place = _place(scope, self._prefix)
        is_error = status >= HTTPStatus.BAD_REQUEST
        return self._templates.render(
            "message.html",
            base=place.base,
            refreshing=False,
            refresh_seconds=0,
            reload_after=0,
            now=time.time(),
            local_state=_NO_STATE if self._local_state is None else self._local_state(),
            title=_phrase(status) if is_error else _title(scope, place.path),
            status=status if is_error else None,
            text=text,
            place="config" if place.path == _CONFIG else "",
        ).encode()


class _Framing:
    """One answer on its way: passed on, or kept until it is whole and then framed."""

    def __init__(self, frame: Framed, scope: Scope, send: Send) -> None:
        self._frame = frame
        self._scope = scope
        self._send = send
        self._start: Message | None = None
        self._pieces: list[bytes] = []
        self._size = 0

    async def send(self, message: Message) -> None:
        """ASGI."""
        if message["type"] == "http.response.start" and self._frame.frames(
            self._scope, message["status"], Headers(raw=message["headers"])
        ):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            await self._keep(self._start, message)

    async def _keep(self, start: Message, message: Message) -> None:
        self._pieces.append(message.get("body", b""))
        self._size += len(self._pieces[-1])
        more = message.get("more_body", False)
        if more and self._size <= MAX_FRAMED_BYTES:
            return
        self._start = None
        body = b"".join(self._pieces)
        if not more and self._size <= MAX_FRAMED_BYTES:
            if len(body) > _QUICK_BYTES:
                body = await run_in_threadpool(self._framed, start, body)
            else:
                body = self._framed(start, body)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _framed(self, start: Message, body: bytes) -> bytes:
        """The page, with its headers; where the memory is short, the text."""
        try:
            page = self._frame.page(self._scope, start["status"], body.decode("utf-8", "replace"))
        except MemoryError:
            return body
        headers = MutableHeaders(raw=start["headers"])
        headers["Content-Type"] = "text/html; charset=utf-8"
        headers["Content-Length"] = str(len(page))
        headers.add_vary_header("Accept")
        start["headers"] = headers.raw
        return page


def _place(scope: Scope, prefix: str) -> _Place:
    """The place of a request. The raw path counts: an escaped slash in a name leads no level down."""
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    if prefix and not raw.startswith(f"{prefix}/"):
        return _Place("", "../" * (raw.count("/") - 1) + f"{prefix[1:]}/")
    below = raw[len(prefix) :]
    return _Place(below, "../" * (below.count("/") - 1))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.capitalize()
    except ValueError:
        return "Error"


def _title(scope: Scope, path: str) -> str:
    if path == _CONFIG:
        return "Configuration"
    return f"Probe of {printable(QueryParams(scope['query_string']).get('target', ''), 253)}"
