"""The endpoints for programs.

No client can make an answer slow or large for others: scrapes and probes in progress are counted and refused above a
limit, text is joined in worker threads while it is read, and input of a client is never repeated in an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from exporter.report.local_state import local_state_lines
from exporter.web.api.name_selection import TooManyNamesError, selected_names
from exporter.web.api.probe import ProbeEndpoint
from exporter.web.api.scrape_slots import ScrapeSlots
from exporter.web.api.streaming import StreamedResponse, accepts_gzip, worker_threads
from exporter.web.backend import ApiBackend, Exposition, NoFreeSlot
from exporter.web.server.request_limit import BUSY, RequestLimit

# A few Prometheus servers and a person are served side by side; each has a worker thread, a piece and a compressor.
MAX_SCRAPES: Final = 8
# The configuration of ten thousand targets takes a second to write; the text is kept then.
MAX_CONFIGS: Final = 2
# Before a standstill is reported: time for the probes' loop to run, well within the second that supervisors wait.
_SECOND_CHECK_SECONDS: Final = 0.2

Endpoint = Callable[[Request], Awaitable[Response]]


class ApiEndpoints:
    """The endpoints, with the limits that they share."""

    def __init__(self, backend: ApiBackend) -> None:
        self._backend = backend
        self._scrapes = ScrapeSlots(MAX_SCRAPES)
        self._configs = RequestLimit(MAX_CONFIGS)
        self._workers = worker_threads(MAX_SCRAPES)
        self._probe = ProbeEndpoint(backend, self._workers)

    def routes(self, *, probes: bool, lifecycle: bool) -> list[BaseRoute]:
        """The routes; without `probes` and `lifecycle`, /probe and /-/reload answer that they are switched off."""
        probe = self._probe.answer if probes else _switched_off("--web.enable-probe")
        reload = self._reload if lifecycle else _switched_off("--web.enable-lifecycle")
        return [
            Route("/metrics", self._metrics, methods=["GET"]),
            Route("/probe", probe, methods=["GET"]),
            Route("/sd", self._discovery, methods=["GET"]),
            Route("/-/healthy", self._healthy, methods=["GET"]),
            Route("/-/ready", self._ready, methods=["GET"]),
            Route("/-/reload", reload, methods=["POST"]),
            Route("/config", self._config, methods=["GET"]),
        ]

    async def _metrics(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        try:
            names = selected_names(request.query_params)
        except TooManyNamesError as reason:
            return PlainTextResponse(f"{reason}\n", 400)
        return self._streamed(request, lambda: self._backend.metrics(accept, names), self._scrapes)

    async def _discovery(self, request: Request) -> Response:
        return self._streamed(request, self._backend.discovery, self._scrapes)

    def _streamed(
        self, request: Request, expose: Callable[[], Exposition], slots: ScrapeSlots | None = None
    ) -> StreamedResponse:
        return StreamedResponse(expose, self._workers, gzip=accepts_gzip(request.headers), slots=slots)

    async def _healthy(self, request: Request) -> Response:
        # Answered by this thread about the other one: the web server still answers while the probes stand still.
        trouble = self._backend.trouble()
        if trouble:
            # A process that was stopped and continues (a frozen container, SIGCONT) may get this request first.
            await asyncio.sleep(_SECOND_CHECK_SECONDS)
            trouble = self._backend.trouble()
        if trouble:
            return PlainTextResponse(f"mx-exporter is not healthy: {trouble}\n", 503)
        return PlainTextResponse("mx-exporter is healthy.\n")

    async def _ready(self, request: Request) -> Response:
        if self._backend.ready():
            return PlainTextResponse("mx-exporter is ready.\n")
        return PlainTextResponse("mx-exporter is not ready.\n", 503)

    async def _reload(self, request: Request) -> Response:
        try:
            problems = await self._backend.reload()
        except NoFreeSlot as reason:
            return PlainTextResponse(f"{reason}\n", 503, BUSY)
        if problems:
            return PlainTextResponse("".join(f"{problem}\n" for problem in problems), 500)
        return PlainTextResponse("reloaded\n")

    async def _config(self, request: Request) -> Response:
        if self._configs.reached:
            return PlainTextResponse(f"{MAX_CONFIGS} requests for the configuration are in progress\n", 503, BUSY)
        with self._configs:
            text = await run_in_threadpool(self._backend.effective_config)
        # As YAML comments: like every page, the text begins with the faults of our own side.
        text = "".join(f"# {line}\n" for line in local_state_lines(self._backend.local_state())) + text
        return Response(text, media_type="text/yaml; charset=utf-8")


def _switched_off(flag: str) -> Endpoint:
    async def forbidden(request: Request) -> Response:
        return PlainTextResponse(f"switched off: see {flag}\n", 403)

    return forbidden
