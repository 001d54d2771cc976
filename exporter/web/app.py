"""The HTTP application: the paths of the interface, and what holds for every answer.

Nothing here may be made slow or large by a client: scrapes and probes under way are counted and refused beyond a bound,
text is joined in worker threads as it is read, and what a client sent is never given back.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from exporter.report.local_state import local_state_lines
from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.access.allowed_hosts import AllowedHosts
from exporter.web.access.authentication import BasicAuthentication
from exporter.web.access.rate_limit import RateLimited
from exporter.web.access.request_filter import RequestFilter
from exporter.web.access.security_headers import SecurityHeaders
from exporter.web.backend import Backend, Exposition, NoTurn, ProbeRefused
from exporter.web.pages.endpoints import StatusPages
from exporter.web.pages.panel import Panel
from exporter.web.server.connection import tell_of_memory
from exporter.web.server.request_limit import BUSY, RequestLimit
from exporter.web.server.scrape_slots import ScrapeSlots
from exporter.web.server.streaming import StreamedApp, worker_threads

# A few Prometheus servers and a person are served side by side; each has a worker thread, a piece and a packer.
MAX_SCRAPES: Final = 8
# Each probe for a scraper is a session with a stranger; a scraper that asks for more at once is told to slow down.
MAX_PROBES: Final = 100
# Taken from the scrape timeout, so that the answer arrives before it (as blackbox_exporter does).
TIMEOUT_OFFSET_SECONDS: Final = 0.5
# No scraper waits longer; a huge number would overflow an event loop's timer.
MAX_TIMEOUT_SECONDS: Final = 3600.0
# The configuration of ten thousand targets takes a second to write; it is kept then.
MAX_CONFIGS: Final = 2
# Before a standstill is told: for the other loop to give a sign of life, well within the second that supervisors wait.
_SECOND_LOOK_SECONDS: Final = 0.2
_ROOM: Final = Path(__file__).parent

Endpoint = Callable[[Request], Awaitable[Response]]


class _Pages:
    """The endpoints for programs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._scrapes = ScrapeSlots(MAX_SCRAPES)
        self._probes = RequestLimit(MAX_PROBES)
        self._configs = RequestLimit(MAX_CONFIGS)
        self._workers = worker_threads(MAX_SCRAPES)

    async def metrics(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        return await self._scraped(request, lambda: self._backend.metrics(accept))

    async def discovery(self, request: Request) -> Response:
        return await self._scraped(request, self._backend.discovery)

    async def _scraped(self, request: Request, expose: Callable[[], Exposition]) -> Response:
        return StreamedApp(expose, self._workers, gzip=_accepts_gzip(request.headers), scrapes=self._scrapes)

    async def probe(self, request: Request) -> Response:
        query = request.query_params
        target = query.get("target", "")
        if not target:
            return PlainTextResponse("the parameter target is missing\n", 400)
        if self._probes.reached:
            return PlainTextResponse(f"{MAX_PROBES} probes are under way\n", 503, BUSY)
        module, within = query.get("module") or None, _scrape_timeout(request.headers)
        with self._probes:
            try:
                return await _while_connected(request, self._probe(request, target, module, within))
            except ProbeRefused as reason:
                return PlainTextResponse(f"{reason}\n", 400)
            except NoTurn as reason:
                return PlainTextResponse(f"{reason}\n", 503, BUSY)

    async def _probe(self, request: Request, target: str, module: str | None, within: float | None) -> Response:
        if request.query_params.get("debug") == "true":
            return PlainTextResponse(await self._backend.probe_dialogue(target, module, within))
        accept = request.headers.get("accept", "")
        exposition = await self._backend.probe(target, module, within, accept)
        return StreamedApp(lambda: exposition, self._workers, gzip=_accepts_gzip(request.headers))

    async def healthy(self, request: Request) -> Response:
        # Asked of this thread and told of the other: the web answers on while the probes stand still.
        trouble = self._backend.trouble()
        if trouble:
            # A process that was stopped and goes on (a frozen container, SIGCONT) asks itself in the same moment.
            await asyncio.sleep(_SECOND_LOOK_SECONDS)
            trouble = self._backend.trouble()
        if trouble:
            return PlainTextResponse(f"mx-exporter is not healthy: {trouble}\n", 503)
        return PlainTextResponse("mx-exporter is healthy.\n")

    async def ready(self, request: Request) -> Response:
        if self._backend.ready():
            return PlainTextResponse("mx-exporter is ready.\n")
        return PlainTextResponse("mx-exporter is not ready.\n", 503)

    async def reload(self, request: Request) -> Response:
        problems = await self._backend.reload()
        if problems:
            return PlainTextResponse("".join(f"{problem}\n" for problem in problems), 500)
        return PlainTextResponse("reloaded\n")

    async def config(self, request: Request) -> Response:
        if self._configs.reached:
            return PlainTextResponse(f"{MAX_CONFIGS} of these are being written\n", 503, BUSY)
        with self._configs:
            text = await run_in_threadpool(self._backend.effective_config)
        # A comment of YAML: as on every page, our own side comes first.
        text = "".join(f"# {line}\n" for line in local_state_lines(self._backend.local_state())) + text
        return Response(text, media_type="text/yaml; charset=utf-8")


def create_app(
    backend: Backend,
    *,
    route_prefix: str = "/",
    security: ActiveWebConfig | None = None,
    lifecycle: bool = True,
    probes: bool = True,
    panel: Panel | None = None,
    hosts: AllowedHosts | None = None,
    external_url: str = "",
) -> ASGIApp:
    """The application, with every path below `route_prefix`; the root outside of it leads there.

    Without `lifecycle` there is no `/-/reload`, without `probes` no `/probe`, and nobody can have a
    target probed from its page. `panel` is shown on the status page. What shows or does something is for who asks
    one of `hosts` (None: any), and does it for pages of ours, to which `external_url` leads, too.
    """
    security = security or ActiveWebConfig()
    prefix = "/" + route_prefix.strip("/") if route_prefix.strip("/") else ""
    pages = _Pages(backend)
    routes: list[BaseRoute] = [
        Route("/metrics", pages.metrics, methods=["GET"]),
        Route("/probe", pages.probe if probes else _switched_off("--web.enable-probe"), methods=["GET"]),
        Route("/sd", pages.discovery, methods=["GET"]),
        Route("/-/healthy", pages.healthy, methods=["GET"]),
        Route("/-/ready", pages.ready, methods=["GET"]),
        Route("/-/reload", pages.reload if lifecycle else _switched_off("--web.enable-lifecycle"), methods=["POST"]),
        Route("/config", pages.config, methods=["GET"]),
        *StatusPages(backend, probes=probes, panel=panel).routes(),
        Mount("/static", _Static(directory=_ROOM / "pages" / "static")),
    ]
    if prefix:
        redirect = _redirect_to(f"{prefix}/")
        routes = [
            Mount(prefix, Router(routes, redirect_slashes=False)),
            Route("/", redirect, methods=["GET"]),
            Route(prefix, redirect, methods=["GET"]),
        ]
    app = Starlette(routes=routes, exception_handlers={MemoryError: _short_of_memory})
    # Its redirects would repeat the Host that the client sent.
    app.router.redirect_slashes = False
    # Around it all: a middleware of Starlette's would not see the answer to an error of ours.
    gate = RequestFilter(BasicAuthentication(app, security), hosts, external_url, prefix)
    return SecurityHeaders(RateLimited(gate, security), security)


class _Static(StaticFiles):
    """Files that say how they are asked for (RFC 9110 15.5.6), which Starlette's do since its latest versions alone."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Starlette."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        return await super().get_response(path, scope)


async def _short_of_memory(request: Request, error: Exception) -> Response:
    tell_of_memory("a page")
    return PlainTextResponse("memory is short\n", 503, BUSY)


def _switched_off(flag: str) -> Endpoint:
    async def forbidden(request: Request) -> Response:
        return PlainTextResponse(f"switched off: see {flag}\n", 403)

    return forbidden


def _redirect_to(path: str) -> Endpoint:
    async def redirect(request: Request) -> Response:
        return RedirectResponse(path)

    return redirect


def _accepts_gzip(headers: Headers) -> bool:
    """RFC 9110 12.5.3: named, or covered by *, and not with q=0."""
    weights: dict[str, bool] = {}
    for part in headers.get("accept-encoding", "").split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip().lower()] = parameters.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return weights.get("gzip", weights.get("*", False))


def _scrape_timeout(headers: Headers) -> float | None:
    """How long a probe may take; None where the scraper does not say it in a way that makes sense."""
    try:
        seconds = float(headers.get("x-prometheus-scrape-timeout-seconds", ""))
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds <= 0:
        return None
    seconds = min(seconds, MAX_TIMEOUT_SECONDS)
    return seconds - TIMEOUT_OFFSET_SECONDS if seconds > 2 * TIMEOUT_OFFSET_SECONDS else seconds / 2


async def _while_connected(request: Request, answer: Awaitable[Response]) -> Response:
    """Work for a client that is still there: who hangs up ends the probe."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        return PlainTextResponse("", 499)  # nobody reads it
    finally:
        for task in (work, gone):
            task.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
