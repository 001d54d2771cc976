"""Security headers of every answer: no foreign script, frame or form, and no cache."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.access.active_config import ActiveWebConfig

_HEADERS: Final = (
    # Pages are markup of this exporter, one style sheet and one script, which loads the page again: nothing inline, no
    # frame, no other site.
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:;"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    # No Referer for other sites. "no-referrer" would hide the origin of our own forms as well (Origin: null).
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class SecurityHeaders:
    """Adds the headers, and forbids caching of all but static files, for every page shows the present state.

    Headers of the web configuration replace those given here.
    """

    def __init__(self, app: ASGIApp, security: ActiveWebConfig) -> None:
        self._app = app
        self._security = security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (*_HEADERS, *self._security.config.headers.items()):
                    headers[name] = value
                if "etag" not in headers:  # a static file
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers)
