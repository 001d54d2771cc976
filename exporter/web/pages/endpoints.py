"""The endpoints of the pages: status page, target, MX host, egress, classes.

Pages are rendered here and work without a script. They reload by themselves, with the filters in their URL; with a
script they keep the reader's place.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from exporter.model.target import TargetKind
from exporter.web.backend import NoFreeSlot, PagesBackend, ProbeRefused
from exporter.web.pages.classes_view import CLASS_VIEWS
from exporter.web.pages.egress_view import egress_page
from exporter.web.pages.fleet import REFRESH_SECONDS, fleet
from exporter.web.pages.fleet_query import FleetQuery
from exporter.web.pages.mx_view import mx_view
from exporter.web.pages.panel import Panel, PanelEndpoints
from exporter.web.pages.target_row import FOLDERS
from exporter.web.pages.target_view import target_view
from exporter.web.pages.templating import Templates
from exporter.web.server.request_limit import BUSY, RequestLimit

# A page of ten thousand targets takes some 60 ms of the interpreter (tests/bench/pages.py); few people look at once.
MAX_PAGES: Final = 8
# Each is a session with a remote server, requested by a person.
MAX_PROBES: Final = 10


class PageEndpoints:
    """The endpoints of the pages."""

    def __init__(self, backend: PagesBackend, *, probes: bool, panel: Panel | None = None) -> None:
        """Without `probes` the page of a target has no button to probe it; `panel` is shown on the status page."""
        self._backend = backend
        self._probes = probes
        self._panel = PanelEndpoints(panel) if panel is not None else None
        self._page_limit = RequestLimit(MAX_PAGES)
        self._probe_limit = RequestLimit(MAX_PROBES)
        self._templates = Templates()

    def routes(self) -> list[BaseRoute]:
        """The routes of the pages."""
        routes: list[BaseRoute] = [
            Route("/", self._status, methods=["GET"]),
            Route("/egress", self._egress, methods=["GET"]),
            Route("/classes", self._classes, methods=["GET"]),
            Route("/mx/{name}", self._mx, methods=["GET"]),
        ]
        for kind, folder in FOLDERS.items():
            routes.append(Route(f"/{folder}/{{name}}", self._target(kind), methods=["GET"]))
            routes.append(Route(f"/{folder}/{{name}}/probe", self._probe(kind), methods=["POST"]))
        return [*routes, *(self._panel.routes() if self._panel is not None else ())]

    async def _status(self, request: Request) -> Response:
        query = FleetQuery.parse(request.query_params)

        def page() -> Response:
            found = fleet(self._backend.targets(), query)
            panel = self._panel.view() if self._panel is not None else None
            return self._render("fleet.html", "", query.refreshing, fleet=found, panel=panel)

        return await self._page(page)

    async def _egress(self, request: Request) -> Response:
        refreshing = _is_refreshing(request)
        return await self._page(
            lambda: self._render("egress.html", "", refreshing, egress=egress_page(self._backend.egress()))
        )

    async def _classes(self, request: Request) -> Response:
        return await self._page(lambda: self._render("classes.html", "", False, classes=CLASS_VIEWS))

    async def _mx(self, request: Request) -> Response:
        name, refreshing = request.path_params["name"], _is_refreshing(request)

        def page() -> Response:
            view = mx_view(name, self._backend.hosts(name), self._backend.targets())
            if view is None:
                return self._missing()
            return self._render("mx.html", "../", refreshing, mx=view)

        return await self._page(page)

    def _target(self, kind: TargetKind) -> Callable[[Request], Awaitable[Response]]:
        async def target(request: Request) -> Response:
            name, refreshing = request.path_params["name"], _is_refreshing(request)

            def page() -> Response:
                facts = self._backend.target(kind, name)
                if facts is None:
                    return self._missing()
                view = target_view(facts)
                return self._render("target.html", "../", refreshing, target=view, probes=self._probes)

            return await self._page(page)

        return target

    def _probe(self, kind: TargetKind) -> Callable[[Request], Awaitable[Response]]:
        async def probe(request: Request) -> Response:
            name = request.path_params["name"]
            if not self._probes:
                return PlainTextResponse("probing on request is switched off\n", 403)
            if self._probe_limit.reached:
                return PlainTextResponse(f"{MAX_PROBES} probes are in progress\n", 503, BUSY)
            with self._probe_limit:
                try:
                    await self._backend.probe_unscheduled(kind, name)
                except ProbeRefused:
                    return PlainTextResponse("Not Found", 404)
                except NoFreeSlot as reason:
                    return PlainTextResponse(f"{reason}\n", 503, BUSY)
            # Relative, because a proxy may have put all paths below one of its own.
            paused = "" if _is_refreshing(request) else "?refresh=off"
            return Response(status_code=303, headers={"Location": f"../{quote(name, safe='')}{paused}"})

        return probe

    async def _page(self, render: Callable[[], Response]) -> Response:
        if self._page_limit.reached:
            return PlainTextResponse(f"{MAX_PAGES} pages are in progress\n", 503, BUSY)
        with self._page_limit:
            return await run_in_threadpool(render)

    def _missing(self) -> Response:
        return HTMLResponse(self._page_text("missing.html", "../", False), 404)

    def _render(self, template: str, base: str, refreshing: bool, **values: Any) -> Response:
        return HTMLResponse(self._page_text(template, base, refreshing, **values))

    def _page_text(self, template: str, base: str, refreshing: bool, **values: Any) -> str:
        """The text of a page; `base` leads from it to the status page."""
        sooner = self._panel.refresh_seconds if self._panel is not None else None
        return self._templates.render(
            template,
            base=base,
            refreshing=refreshing,
            refresh_seconds=sooner or REFRESH_SECONDS,
            now=time.time(),
            local_state=self._backend.local_state(),
            **values,
        )


def _is_refreshing(request: Request) -> bool:
    return request.query_params.get("refresh") != "off"
