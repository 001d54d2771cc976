"""The endpoints for programs.

No client can make an answer slow or large for others: scrapes and probes in progress are counted and refused above a
limit, text is joined in worker threads while it is read, and input of a client is never repeated in an answer.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from exporter.report.local_state import local_state_lines
from exporter.web.api.scrape_slots import ScrapeSlots
from exporter.web.api.streaming import StreamedResponse, worker_threads
from exporter.web.backend import ApiBackend, Exposition, NoFreeSlot, ProbeRefused
from exporter.web.server.request_limit import BUSY, RequestLimit

# A few Prometheus servers and a person are served side by side; each has a worker thread, a piece and a compressor.
MAX_SCRAPES: Final = 8
# Each probe for a scraper is a session with a remote server; a scraper that sends more at once gets 503.
MAX_PROBES: Final = 100
# Taken from the scrape timeout, so that the answer arrives before it (as blackbox_exporter does).
TIMEOUT_OFFSET_SECONDS: Final = 0.5
# No scraper waits longer; a huge number would overflow an event loop's timer.
MAX_TIMEOUT_SECONDS: Final = 3600.0
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
        self._probes = RequestLimit(MAX_PROBES)
        self._configs = RequestLimit(MAX_CONFIGS)
        self._workers = worker_threads(MAX_SCRAPES)

    def routes(self, *, probes: bool, lifecycle: bool) -> list[BaseRoute]:
        """The routes; without `probes` and `lifecycle`, /probe and /-/reload answer that they are switched off."""
        probe = self._probe if probes else _switched_off("--web.enable-probe")
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
        return self._streamed(request, lambda: self._backend.metrics(accept), self._scrapes)

    async def _discovery(self, request: Request) -> Response:
        return self._streamed(request, self._backend.discovery, self._scrapes)

    def _streamed(
        self, request: Request, expose: Callable[[], Exposition], slots: ScrapeSlots | None = None
    ) -> StreamedResponse:
        return StreamedResponse(expose, self._workers, gzip=_accepts_gzip(request.headers), slots=slots)

    async def _probe(self, request: Request) -> Response:
        query = request.query_params
        target = query.get("target", "")
        if not target:
            return PlainTextResponse("the parameter target is missing\n", 400)
        if self._probes.reached:
            return PlainTextResponse(f"{MAX_PROBES} probes are in progress\n", 503, BUSY)
        module, within = query.get("module") or None, _scrape_timeout(request.headers)
        with self._probes:
            try:
                return await _while_connected(request, self._probed(request, target, module, within))
            except ProbeRefused as reason:
                return PlainTextResponse(f"{reason}\n", 400)
            except NoFreeSlot as reason:
                return PlainTextResponse(f"{reason}\n", 503, BUSY)

    async def _probed(self, request: Request, target: str, module: str | None, within: float | None) -> Response:
        if request.query_params.get("debug") == "true":
            return PlainTextResponse(await self._backend.probe_dialogue(target, module, within))
        exposition = await self._backend.probe(target, module, within, request.headers.get("accept", ""))
        return self._streamed(request, lambda: exposition)

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
        problems = await self._backend.reload()
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


def _accepts_gzip(headers: Headers) -> bool:
    """RFC 9110 12.5.3: gzip is named, or covered by *, and not with q=0."""
    weights: dict[str, bool] = {}
    for part in headers.get("accept-encoding", "").split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip().lower()] = parameters.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return weights.get("gzip", weights.get("*", False))


def _scrape_timeout(headers: Headers) -> float | None:
    """The time for a probe in seconds; None for a scraper that sends no usable timeout."""
    try:
        seconds = float(headers.get("x-prometheus-scrape-timeout-seconds", ""))
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds <= 0:
        return None
    seconds = min(seconds, MAX_TIMEOUT_SECONDS)
    return seconds - TIMEOUT_OFFSET_SECONDS if seconds > 2 * TIMEOUT_OFFSET_SECONDS else seconds / 2


async def _while_connected(request: Request, answer: Awaitable[Response]) -> Response:
    """The answer, or its end when the client hangs up: then the probe is cancelled."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        return PlainTextResponse("", 499)  # the client is gone
    finally:
        for task in (work, gone):
            task.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
