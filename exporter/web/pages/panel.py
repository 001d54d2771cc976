"""A panel of levers on the status page, with which the demo breaks and repairs its mail world. An exporter has none.

A lever is moved by the POST of a form, checked like every request that changes something.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from exporter.web.pages.fleet_query import FleetQuery
from exporter.web.server.request_limit import BUSY, RequestLimit

log = logging.getLogger(__name__)

# One lever is moved at a time: all change the same world.
_MAX_MOVES: Final = 1
_ALL: Final = "all"


class LeverStuck(Exception):  # noqa: N818 - no error of the program
    """A lever could not be moved; the message says why."""


@dataclass(frozen=True, slots=True)
class Lever:
    """A switch with two positions, thrown and restored. The callables may take a while, and raise LeverStuck."""

    key: str  # of its URL: letters and hyphens
    throw_text: str  # of the button
    restore_text: str
    thrown_text: str  # the state while it is thrown, for the middle of a sentence
    effect: str  # the effect on the pages, a sentence
    watch: tuple[str, str]  # the page that shows the effect: its path, relative to the status page, and its name
    is_thrown: Callable[[], bool]
    throw: Callable[[], None]
    restore: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Panel:
    """The levers with their title and introduction."""

    title: str
    text: str
    levers: tuple[Lever, ...]
    refresh_seconds: int  # between two reloads of a page: as often as all is probed


@dataclass(frozen=True, slots=True)
class LeverView:
    """A lever and its present position."""

    lever: Lever
    thrown: bool


@dataclass(frozen=True, slots=True)
class PanelView:
    """The panel with the present positions of its levers."""

    title: str
    text: str
    levers: tuple[LeverView, ...]

    @property
    def thrown(self) -> Sequence[Lever]:
        """The levers that are thrown."""
        return [view.lever for view in self.levers if view.thrown]


class PanelEndpoints:
    """The endpoints of the levers' buttons."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._levers = {lever.key: lever for lever in panel.levers}
        self._moves = RequestLimit(_MAX_MOVES)

    def routes(self) -> Iterator[BaseRoute]:
        """The routes of the endpoints."""
        yield Route("/levers/{key}/throw", self._move, methods=["POST"])
        yield Route("/levers/{key}/restore", self._move, methods=["POST"])

    def view(self) -> PanelView:
        """The present content of the panel."""
        levers = tuple(LeverView(lever, lever.is_thrown()) for lever in self._panel.levers)
        return PanelView(self._panel.title, self._panel.text, levers)

    @property
    def refresh_seconds(self) -> int:
        """Seconds between two reloads of a page."""
        return self._panel.refresh_seconds

    async def _move(self, request: Request) -> Response:
        key, throws = request.path_params["key"], request.url.path.endswith("/throw")
        lever = self._levers.get(key)
        if lever is None and (key != _ALL or throws):
            return PlainTextResponse("Not Found", 404)
        if self._moves.reached:
            return PlainTextResponse("a lever is being moved\n", 503, BUSY)
        with self._moves:
            try:
                if lever is None:
                    await run_in_threadpool(self._restore_all)
                else:
                    await run_in_threadpool(lever.throw if throws else lever.restore)
            except LeverStuck as reason:
                log.warning("lever failed", extra={"fields": {"lever": key, "reason": str(reason)}})
                return PlainTextResponse(f"{reason}\n", 500)
        # Back to the page before; relative, because a proxy may have put all paths below one of its own. Without a
        # fragment: Chromium does not reload a page that was opened with one.
        query = FleetQuery.parse(request.query_params)
        back = query.url(page=query.page).removeprefix("./")
        return Response(status_code=303, headers={"Location": f"../../{back}"})

    def _restore_all(self) -> None:
        # Positions first: levers may share what they break, and the first one mended would hide the others.
        for lever in [lever for lever in self._panel.levers if lever.is_thrown()]:
            lever.restore()
