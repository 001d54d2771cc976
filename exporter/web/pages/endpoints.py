"""The pages for people: the fleet, one target, the way out. Rendered here and whole without a script; they come
again by themselves, with the filters that are in their address, and with a script without losing the reader's place.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from exporter.diagnosis.advice import mark_of
from exporter.model.failure import Confidence
from exporter.model.target import TargetKind
from exporter.report.summary import MEANING
from exporter.web.backend import Backend, NoTurn, ProbeRefused
from exporter.web.pages import charts, times
from exporter.web.pages.classes_view import CLASS_VIEWS
from exporter.web.pages.egress_view import egress_page
from exporter.web.pages.fleet import FOLDERS, REFRESH_SECONDS, FleetQuery, fleet
from exporter.web.pages.panel import Panel, PanelEndpoints
from exporter.web.pages.target_view import target_view
from exporter.web.server.request_limit import BUSY, RequestLimit

# A page of ten thousand targets takes some 60 ms of the interpreter (tests/bench/pages.py); few people look at once.
MAX_PAGES: Final = 8
# Each is a session with a stranger, asked for by a person.
MAX_PROBES: Final = 10

_TEMPLATES: Final = Path(__file__).parent / "templates"
_NAMES: Final = (
    "base.html",
    "classes.html",
    "egress.html",
    "fleet.html",
    "missing.html",
    "panel.html",
    "parts.html",
    "target.html",
)


class StatusPages:
    """Their endpoints."""

    def __init__(self, backend: Backend, *, probes: bool, panel: Panel | None = None) -> None:
        """Without `probes` nobody can have a target probed from its page."""
        self._backend = backend
        self._probes = probes
        self._panel = PanelEndpoints(panel) if panel is not None else None
        self._pages_bound = RequestLimit(MAX_PAGES)
        self._probes_bound = RequestLimit(MAX_PROBES)
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {
            "age": times.age,
            "clock": times.clock,
            "iso": times.iso,
            "span": times.span,
            "duration": charts.duration,
            "mark": _mark,
            "code": _code,
        }
        self._templates.globals["meanings"] = {verdict.value: meaning for verdict, meaning in MEANING.items()}
        # Now, not when somebody looks: what is missing or wrong is told at the start, and while the process has no file
        # left to open, the pages still are there.
        for name in _NAMES:
            self._templates.get_template(name)

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        routes: list[BaseRoute] = [
            Route("/", self._status, methods=["GET"]),
            Route("/egress", self._egress, methods=["GET"]),
            Route("/classes", self._classes, methods=["GET"]),
        ]
        for kind, folder in FOLDERS.items():
            routes.append(Route(f"/{folder}/{{name}}", self._target(kind), methods=["GET"]))
            routes.append(Route(f"/{folder}/{{name}}/probe", self._probe(kind), methods=["POST"]))
        return [*routes, *(self._panel.routes() if self._panel is not None else ())]

    async def _status(self, request: Request) -> Response:
        query = FleetQuery.parse(request.query_params)

        def page() -> Response:
            found = fleet(self._backend.records(), query)
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

    def _target(self, kind: TargetKind) -> Callable[[Request], Awaitable[Response]]:
        async def target(request: Request) -> Response:
            name, refreshing = request.path_params["name"], _is_refreshing(request)

            def page() -> Response:
                facts = self._backend.target(kind, name)
                if facts is None:
                    return self._render("missing.html", "../", False, 404)
                view = target_view(facts)
                return self._render("target.html", "../", refreshing, target=view, probes=self._probes)

            return await self._page(page)

        return target

    def _probe(self, kind: TargetKind) -> Callable[[Request], Awaitable[Response]]:
        async def probe(request: Request) -> Response:
            name = request.path_params["name"]
            if not self._probes:
                return PlainTextResponse("probing on request is switched off\n", 403)
            if self._probes_bound.reached:
                return PlainTextResponse(f"{MAX_PROBES} probes are under way\n", 503, BUSY)
            with self._probes_bound:
                try:
                    await self._backend.probe_in_between(kind, name)
                except ProbeRefused:
                    return PlainTextResponse("Not Found", 404)
                except NoTurn as reason:
                    return PlainTextResponse(f"{reason}\n", 503, BUSY)
            # Relative, for a proxy may have put all this below a path of its own.
            paused = "" if _is_refreshing(request) else "?refresh=off"
            return Response(status_code=303, headers={"Location": f"../{quote(name, safe='')}{paused}"})

        return probe

    async def _page(self, render: Callable[[], Response]) -> Response:
        if self._pages_bound.reached:
            return PlainTextResponse(f"{MAX_PAGES} pages are under way\n", 503, BUSY)
        with self._pages_bound:
            return await run_in_threadpool(render)

    def _render(self, template: str, base: str, refreshing: bool, status: int = 200, **values: Any) -> Response:
        """`base` leads from the page to the status page."""
        sooner = self._panel.refresh_seconds if self._panel is not None else None
        page = self._templates.get_template(template).render(
            here=template.removesuffix(".html"),
            base=base,
            refreshing=refreshing,
            refresh_seconds=sooner or REFRESH_SECONDS,
            now=time.time(),
            own=self._backend.local_state(),
            **values,
        )
        return HTMLResponse(page, status)


def _mark(confidence: str) -> str:
    """What stands behind a state that is not certain; "" has no confidence."""
    return mark_of(Confidence(confidence)) if confidence else ""


def _code(text: str) -> Markup:
    """A line in which commands and settings stand in backticks."""
    pieces = enumerate(text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece) for place, piece in pieces
    )


def _is_refreshing(request: Request) -> bool:
    return request.query_params.get("refresh") != "off"
