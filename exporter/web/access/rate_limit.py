"""`rate_limit` of the web configuration: one token bucket for all requests of all clients.

Checked before the passwords, so a flood of guesses costs only the answers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.config.web.load import RateLimit
from exporter.web.access.active_config import ActiveWebConfig


class TokenBucket:
    """A bucket that is full at first; each interval adds a token, and each request takes one."""

    def __init__(self, limit: RateLimit, now: float) -> None:
        self.limit = limit
        self._tokens = float(limit.burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token for a request at `now` (seconds of a monotonic clock); False without a token."""
        self._tokens = min(float(self.limit.burst), self._tokens + (now - self._at) / self.limit.interval)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class RateLimited:
    """Passes requests to `app` at the configured rate, and all for `open_paths` or where no rate is configured."""

    def __init__(
        self,
        app: ASGIApp,
        security: ActiveWebConfig,
        clock: Callable[[], float] = time.monotonic,
        open_paths: Container[str] = (),
    ) -> None:
        self._app = app
        self._security = security
        self._open_paths = open_paths
        self._clock = clock
        self._bucket: TokenBucket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        limit = self._security.config.rate_limit
        app = self._app
        if limit is not None and scope["type"] == "http" and scope["path"] not in self._open_paths:
            now = self._clock()
            if self._bucket is None or self._bucket.limit != limit:
                self._bucket = TokenBucket(limit, now)
            if not self._bucket.take(now):
                # RFC 6585 4, RFC 9110 10.2.3: whole seconds.
                app = PlainTextResponse("Too Many Requests\n", 429, {"Retry-After": str(math.ceil(limit.interval))})
        await app(scope, receive, send)
