"""The HTTP application: all endpoints and pages, behind the checks that hold for every request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.access.allowed_hosts import AllowedHosts
from exporter.web.access.authentication import BasicAuthentication
from exporter.web.access.rate_limit import RateLimited
from exporter.web.access.repeated_parameters import RepeatedParameters
from exporter.web.access.request_filter import RequestFilter
from exporter.web.access.security_headers import SecurityHeaders
from exporter.web.api.endpoints import ApiEndpoints
from exporter.web.backend import Backend
from exporter.web.pages.endpoints import PageEndpoints
from exporter.web.pages.frame import Framed
from exporter.web.pages.panel import Panel
from exporter.web.pages.templating import Templates
from exporter.web.server.memory_shortage import memory_shortage_response, report_memory_shortage

_STATIC: Final = Path(__file__).parent / "pages" / "static"


@dataclass(frozen=True, slots=True)
class AppOptions:
    """The options of the application."""

    route_prefix: str = "/"  # every path is below it; the root outside of it redirects there
    external_url: str = ""  # the URL that leads here; requests of its pages may change something
    allowed_hosts: AllowedHosts | None = None  # the Host names of requests for pages and probes; None: all
    probes: bool = True  # allow /probe, and the button on the page of a target
    lifecycle: bool = True  # allow /-/reload
    panel: Panel | None = None  # switches on the status page

    @property
    def prefix(self) -> str:
        """The prefix without a final slash; "" for the root."""
        path = self.route_prefix.strip("/")
        return f"/{path}" if path else ""


_DEFAULTS: Final = AppOptions()
# Asked by supervisors that have no password (a kubelet), and restart what they get a 401 or 429 from.
_HEALTH: Final = ("/-/healthy", "/-/ready")


def create_app(backend: Backend, security: ActiveWebConfig | None = None, options: AppOptions = _DEFAULTS) -> ASGIApp:
    """Make the application; without `security` no password, client certificate or rate limit is configured."""
    security = security or ActiveWebConfig()
    templates = Templates()
    app = Starlette(routes=_routes(backend, templates, options), exception_handlers={MemoryError: _out_of_memory})
    # Starlette's redirects would repeat the Host that the client sent.
    app.router.redirect_slashes = False
    # Around Starlette: its own middleware would not see the answer to an internal error.
    framed = Framed(RepeatedParameters(app), templates, options.prefix, backend.local_state)
    open_paths = frozenset(options.prefix + path for path in _HEALTH)
    let_in = BasicAuthentication(framed, security, open_paths)
    checked = RequestFilter(let_in, options.allowed_hosts, options.external_url, options.prefix)
    refused = Framed(RateLimited(checked, security, open_paths=open_paths), templates, options.prefix)
    return SecurityHeaders(refused, security)


def _routes(backend: Backend, templates: Templates, options: AppOptions) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        *ApiEndpoints(backend).routes(probes=options.probes, lifecycle=options.lifecycle),
        *PageEndpoints(backend, templates, probes=options.probes, panel=options.panel).routes(),
        Mount("/static", _Static(directory=_STATIC)),
        # Asked for by browsers that show a text, which names no icon.
        Route("/favicon.ico", _favicon, methods=["GET"]),
    ]
    prefix = options.prefix
    if not prefix:
        return routes

    async def redirect(request: Request) -> Response:
        return RedirectResponse(f"{prefix}/")

    return [
        Mount(prefix, Router(routes, redirect_slashes=False)),
        Route("/", redirect, methods=["GET"]),
        Route(prefix, redirect, methods=["GET"]),
    ]


class _Static(StaticFiles):
    """Static files that state the allowed methods (RFC 9110 15.5.6); only the latest versions of Starlette do so."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Starlette."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        return await super().get_response(path, scope)


async def _favicon(request: Request) -> Response:
    return FileResponse(_STATIC / "favicon.ico", media_type="image/x-icon")


async def _out_of_memory(request: Request, error: Exception) -> Response:
    report_memory_shortage("a page")
    return memory_shortage_response()
