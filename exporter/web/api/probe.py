"""`/probe`: one target for a scraper, now.

An answer is 200 with the truth, whatever it is: a target without a turn in time is down for that reason. Only a request
beyond those that may wait gets 503, and one that the end of the exporter cuts short.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from concurrent.futures import Executor
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from exporter.net.open_files import open_files
from exporter.web.api.name_selection import TooManyNamesError, selected_names
from exporter.web.api.streaming import StreamedResponse, accepts_gzip
from exporter.web.backend import ApiBackend, NoFreeSlot, ProbeRefused, ProbeRequest
from exporter.web.server.request_limit import BUSY, RequestLimit
from exporter.web.server.server import ConnectionSlots

# Requests that wait for their answers: each costs a connection and little more, for targets share their sessions.
MAX_PROBES: Final = 400
# Connections for everything else: scrapes of /metrics, pages, health.
KEPT_CONNECTIONS: Final = 64
# Taken from the scrape timeout, so that the answer arrives before it (as blackbox_exporter does).
TIMEOUT_OFFSET_SECONDS: Final = 0.5
# No scraper waits longer; a huge number would overflow an event loop's timer.
MAX_TIMEOUT_SECONDS: Final = 3600.0


class ProbeEndpoint:
    """The endpoint, with its limit. Used in one event loop."""

    def __init__(self, backend: ApiBackend, workers: Executor) -> None:
        """`workers`: the threads in which answers are made."""
        self._backend = backend
        self._workers = workers
        self._most = most_probes(ConnectionSlots.of(open_files()).connections)
        self._probes = RequestLimit(self._most)

    async def answer(self, request: Request) -> Response:
        """The answer to a request."""
        query = request.query_params
        target = query.get("target", "")
        if not target:
            return PlainTextResponse("the parameter target is missing\n", 400)
        try:
            names = selected_names(query)
        except TooManyNamesError as reason:
            return PlainTextResponse(f"{reason}\n", 400)
        if self._probes.reached:
            return PlainTextResponse(f"{self._most} probes are in progress\n", 503, BUSY)
        wanted = ProbeRequest(target, query.get("module") or None, scrape_timeout(request.headers), names)
        with self._probes:
            try:
                return await _while_connected(request, self._probed(request, wanted))
            except ProbeRefused as reason:
                return PlainTextResponse(f"{reason}\n", 400)
            except NoFreeSlot as reason:
                return PlainTextResponse(f"{reason}\n", 503, BUSY)

    async def _probed(self, request: Request, wanted: ProbeRequest) -> Response:
        if request.query_params.get("debug") == "true":
            return PlainTextResponse(await self._backend.probe_dialogue(wanted))
        exposition = await self._backend.probe(wanted, request.headers.get("accept", ""))
        return StreamedResponse(lambda: exposition, self._workers, gzip=accepts_gzip(request.headers))


def most_probes(connections: int) -> int:
    """The requests that may wait, where so many connections are allowed: half of them where there are few."""
    return max(1, min(MAX_PROBES, max(connections - KEPT_CONNECTIONS, connections // 2)))


def scrape_timeout(headers: Headers) -> float | None:
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
