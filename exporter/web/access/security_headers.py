"""What holds for every answer, as plain ASGI: headers that keep a browser from doing anything we did not mean."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.access.active_config import ActiveWebConfig

_HEADERS: Final = (
    # Pages are our own markup, one style sheet and one script, which asks for the page again: nothing inline, no frame,
    # no other site.
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:;"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    # Nothing to other sites; with "no-referrer" a browser would not tell us either that a form is ours (Origin: null).
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class SecurityHeaders:
    """Adds the headers; what is shown is of this moment, so nobody keeps it but for the style sheet.

    Those that the web configuration names take the place of ours.
    """

    def __init__(self, app: ASGIApp, security: ActiveWebConfig) -> None:
        self._app = app
        self._security = security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (*_HEADERS, *self._security.config.headers.items()):
                    headers[name] = value
                if "etag" not in headers:  # a static file
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_guarded)
