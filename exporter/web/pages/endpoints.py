"""The endpoints of the pages: status page, target, MX host, egress, our standing, classes.

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

from exporter.model.printable import printable
from exporter.model.target import TargetKind
from exporter.web.backend import PagesBackend
from exporter.web.pages.certificates_view import certificates_page
from exporter.web.pages.classes_view import CLASS_VIEWS, WARNING_VIEWS
from exporter.web.pages.egress_view import egress_page
from exporter.web.pages.fleet import REFRESH_SECONDS, fleet
from exporter.web.pages.fleet_query import FleetQuery
from exporter.web.pages.frame import wants_html
from exporter.web.pages.mx_view import mx_view
from exporter.web.pages.panel import Panel, PanelEndpoints
from exporter.web.pages.probe_requests import MAX_PROBES, ProbeRequests
from exporter.web.pages.standing_view import standing_page
from exporter.web.pages.target_row import FOLDERS
from exporter.web.pages.target_view import target_view
from exporter.web.pages.templating import Templates
from exporter.web.pages.timeline import day_view
from exporter.web.server.request_limit import BUSY, RequestLimit

# A page of ten thousand targets takes some 60 ms of the interpreter (tests/bench/pages.py); few people look at once.
MAX_PAGES: Final = 8
# Between two reloads of the page of a target while a probe runs that was asked for there.
_PROBING_SECONDS: Final = 1


class PageEndpoints:
    """The endpoints of the pages."""

    def __init__(
        self, backend: PagesBackend, templates: Templates, *, probes: bool, panel: Panel | None = None
    ) -> None:
        """Without `probes` the page of a target has no button to probe it; `panel` is shown on the status page."""
        self._backend = backend
        self._requests = ProbeRequests(backend.probe_unscheduled) if probes else None
        self._panel = PanelEndpoints(panel) if panel is not None else None
        self._page_limit = RequestLimit(MAX_PAGES)
        self._templates = templates

    def routes(self) -> list[BaseRoute]:
        """The routes of the pages."""
        routes: list[BaseRoute] = [
            Route("/", self._status, methods=["GET"]),
            Route("/egress", self._egress, methods=["GET"]),
            Route("/standing", self._standing, methods=["GET"]),
            Route("/certificates", self._certificates, methods=["GET"]),
            Route("/classes", self._classes, methods=["GET"]),
            Route("/mx/{name}", self._mx, methods=["GET"]),
        ]
        for kind, folder in FOLDERS.items():
            routes.append(Route(f"/{folder}/{{name}}", self._target(kind), methods=["GET"]))
            routes.append(Route(f"/{folder}/{{name}}/report", self._report(kind), methods=["GET"]))
            routes.append(Route(f"/{folder}/{{name}}/probe", self._probe(kind), methods=["POST"]))
        return [*routes, *(self._panel.routes() if self._panel is not None else ())]

    async def _status(self, request: Request) -> Response:
        query = FleetQuery.parse(request.query_params)

        def page() -> Response:
            ours = self._backend.local_state()
            found = fleet(self._backend.targets(), query, {trouble.cause for trouble in ours.troubles})
            panel = self._panel.view() if self._panel is not None else None
            day = day_view(self._backend.verdict_counts(), time.time(), query.hours)
            return self._render("fleet.html", "", query.refreshing, fleet=found, panel=panel, day=day, local_state=ours)

        return await self._page(page)

    async def _egress(self, request: Request) -> Response:
        refreshing = _is_refreshing(request)
        return await self._page(
            lambda: self._render("egress.html", "", refreshing, egress=egress_page(self._backend.egress()))
        )

    async def _standing(self, request: Request) -> Response:
        refreshing = _is_refreshing(request)
        return await self._page(
            lambda: self._render("standing.html", "", refreshing, standing=standing_page(self._backend.standing()))
        )

    async def _certificates(self, request: Request) -> Response:
        number, refreshing = FleetQuery.parse(request.query_params).page, _is_refreshing(request)

        def page() -> Response:
            view = certificates_page(self._backend.targets(), number, time.time())
            return self._render("certificates.html", "", refreshing, certificates=view)

        return await self._page(page)

    async def _classes(self, request: Request) -> Response:
        return await self._page(
            lambda: self._render("classes.html", "", False, classes=CLASS_VIEWS, warnings=WARNING_VIEWS)
        )

    async def _mx(self, request: Request) -> Response:
        name, refreshing = request.path_params["name"], _is_refreshing(request)

        def page() -> Response:
            view = mx_view(name, self._backend.hosts(name), self._backend.targets(), self._backend.host_changes(name))
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
                probe = self._requests.of(kind, name) if self._requests else None
                reload_after = _PROBING_SECONDS if probe is not None and probe.is_running else None
                return self._render(
                    "target.html",
                    "../",
                    refreshing,
                    reload_after,
                    target=target_view(facts),
                    probes=self._requests is not None,
                    probe=probe,
                )

            return await self._page(page)

        return target

    def _report(self, kind: TargetKind) -> Callable[[Request], Awaitable[Response]]:
        async def report(request: Request) -> Response:
            name, framed = request.path_params["name"], wants_html(request.headers.get("accept", ""))

            def page() -> Response:
                text = self._backend.report(kind, name)
                if text is None:
                    return self._missing()
                path = f"{FOLDERS[kind]}/{quote(name, safe='')}"
                answer: Response = PlainTextResponse(text)
                if framed:
                    answer = self._render("report.html", "../../", False, text=text, name=printable(name), path=path)
                answer.headers["Vary"] = "Accept"
                return answer

            return await self._page(page)

        return report

    def _probe(self, kind: TargetKind) -> Callable[[Request], Awaitable[Response]]:
        async def probe(request: Request) -> Response:
            name = request.path_params["name"]
            if not self._requests:
                return PlainTextResponse("probing on request is switched off\n", 403)
            if await run_in_threadpool(self._backend.target, kind, name) is None:
                return self._missing()
            if not self._requests.start(kind, name):
                return PlainTextResponse(f"{MAX_PROBES} probes are in progress\n", 503, BUSY)
            await self._requests.wait(kind, name)
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
        return PlainTextResponse("No target or MX host of this name is configured.\n", 404)

    def _render(
        self, template: str, base: str, refreshing: bool, reload_after: int | None = None, **values: Any
    ) -> Response:
        """A page; `base` leads from it to the status page. It is loaded again `reload_after` seconds, paused or not."""
        usual = self._panel.refresh_seconds if self._panel is not None else REFRESH_SECONDS
        if "local_state" not in values:
            values["local_state"] = self._backend.local_state()
        text = self._templates.render(
            template,
            base=base,
            refreshing=refreshing,
            refresh_seconds=usual,
            reload_after=reload_after or (usual if refreshing else 0),
            now=time.time(),
            **values,
        )
        return HTMLResponse(text)


def _is_refreshing(request: Request) -> bool:
    return request.query_params.get("refresh") != "off"
