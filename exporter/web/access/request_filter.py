"""A filter for requests to a foreign host, requests that another site has caused, and requests with two lengths.

The first two are attacks by a browser (:mod:`.allowed_hosts`, :mod:`.origin`). The third is an attack by a proxy: where
the proxy uses one of two lengths and this server the other, the rest of a body becomes a request of its own (request
smuggling, RFC 9112 11.2).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.access.allowed_hosts import AllowedHosts, host_of
from exporter.web.access.origin import Sender, sender_of

# No endpoint reads a body. A form has a few bytes.
MAX_BODY_BYTES: Final = 65536
# Answered under every host name: a scraper may use a name of its own, and a supervisor none.
_FOR_ANY_NAME: Final = ("/metrics", "/sd", "/-/healthy", "/-/ready")
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
# RFC 9112 3.2.2: clients send the absolute form to a proxy, and a server must accept it as well.
_ABSOLUTE: Final = re.compile(rb"https?://([^/]*)(/.*)?", re.IGNORECASE | re.DOTALL)

_TWO_LENGTHS: Final = "a request has Content-Length or Transfer-Encoding, not both\n"
_TOO_LARGE: Final = f"a request body is not used here, and may not be over {MAX_BODY_BYTES} bytes\n"
_NO_HOST: Final = "the Host header of this request is not a host name or address\n"
_FOREIGN_HOST: Final = (
    "the Host header of this request is not a name of this exporter: if it is one, start the exporter with"
    " --web.allowed-host=NAME or --web.external-url=URL\n"
)
_ANOTHER_SITE: Final = "this request comes from another site\n"
_PROBE_OF_ANOTHER_SITE: Final = (
    "a page of another site may not start a probe: to start it yourself, enter this address in the browser\n"
)


class RequestFilter:
    """Passes allowed requests to `app`; `hosts` None: every host name is allowed."""

    def __init__(self, app: ASGIApp, hosts: AllowedHosts | None, external_url: str = "", prefix: str = "") -> None:
        self._app = app
        self._hosts = hosts
        self._external_url = external_url
        self._for_any_name = frozenset(prefix + path for path in _FOR_ANY_NAME)
        self._probe = f"{prefix}/probe"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = _as_origin_form(scope)
        headers = Headers(scope=scope)
        refusal = _wrong_length(headers) or self._foreign_host(scope, headers) or self._foreign_sender(scope, headers)
        app = self._app if refusal is None else refusal
        await app(scope, receive, _closing(send) if "transfer-encoding" in headers else send)

    def _foreign_host(self, scope: Scope, headers: Headers) -> Response | None:
        if self._hosts is None or (scope["path"] in self._for_any_name and scope["method"] in _SAFE):
            return None
        given = headers.get("host")
        if given is None:  # HTTP/1.0, so no browser
            return None
        host = host_of(given)
        if host is None:
            return PlainTextResponse(_NO_HOST, 400)
        return None if self._hosts.admit(host) else PlainTextResponse(_FOREIGN_HOST, 403)

    def _foreign_sender(self, scope: Scope, headers: Headers) -> Response | None:
        """Refuse changes unless a page of this exporter sends them, and probes that a page of another site sends."""
        changing = scope["method"] not in _SAFE
        if not changing and scope["path"] != self._probe:
            return None
        sender = sender_of(headers, self._external_url)
        if sender is Sender.ANOTHER_SITE or (changing and sender is Sender.PERSON):
            return PlainTextResponse(_ANOTHER_SITE if changing else _PROBE_OF_ANOTHER_SITE, 403)
        return None


def _wrong_length(headers: Headers) -> Response | None:
    """RFC 9112 6.1: a request with both lengths is refused, and the connection ends."""
    length, close = headers.get("content-length"), {"Connection": "close"}
    if length is None:
        return None
    if "transfer-encoding" in headers:
        return PlainTextResponse(_TWO_LENGTHS, 400, close)
    return PlainTextResponse(_TOO_LARGE, 413, close) if int(length) > MAX_BODY_BYTES else None


def _as_origin_form(scope: Scope) -> Scope:
    """The scope of a request for `http://host/path`, as one for `/path` with that host as its Host header."""
    found = None if scope["path"].startswith("/") else _ABSOLUTE.fullmatch(scope.get("raw_path") or b"")
    if found is None:
        return scope
    path = found[2] or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "headers": [(b"host", found[1]), *headers],
    }


def _closing(send: Send) -> Send:
    """End the connection with the answer, without a wait for a chunked body."""

    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Connection"] = "close"
        await send(message)

    return send_closing
