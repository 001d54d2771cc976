"""Levers on the status page: whoever serves may offer some, and knows alone what they move. An exporter has none.

A press is a form's POST, guarded like every other one that changes something.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from exporter.web.pages.fleet import FleetQuery
from exporter.web.server.request_limit import BUSY, RequestLimit

log = logging.getLogger(__name__)

# One lever is moved at a time: what they move is one thing.
_MAX_PRESSES: Final = 1
# While something is moved, and for a while after, whoever looks wants to see what comes of it.
_WATCHING_SECONDS: Final = 60.0
_ALL: Final = "all"


class LeverStuck(Exception):  # noqa: N818 - no error of the program
    """A lever could not be moved; the message says why."""


@dataclass(frozen=True, slots=True)
class Lever:
    """Something that can be thrown and restored. The callables may take a while, and raise LeverStuck."""

    key: str  # of its URL: letters and hyphens
    throw_text: str  # of the button
    restore_text: str
    thrown_text: str  # what is so while it is thrown, in the middle of a sentence
    effect: str  # what is to be seen then, a sentence
    watch: tuple[str, str]  # the page where: its path, relative to the status page, and its name
    is_thrown: Callable[[], bool]
    throw: Callable[[], None]
    restore: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Panel:
    """What the levers are for, and the levers."""

    title: str
    text: str
    levers: tuple[Lever, ...]
    refresh_seconds: int  # while something happens


@dataclass(frozen=True, slots=True)
class LeverView:
    """A lever as it stands now."""

    lever: Lever
    thrown: bool


@dataclass(frozen=True, slots=True)
class PanelView:
    """The panel as it stands now."""

    title: str
    text: str
    levers: tuple[LeverView, ...]

    @property
    def thrown(self) -> Sequence[Lever]:
        """Those that are thrown."""
        return [view.lever for view in self.levers if view.thrown]


class PanelEndpoints:
    """Where the buttons lead."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._levers = {lever.key: lever for lever in panel.levers}
        self._bound = RequestLimit(_MAX_PRESSES)
        self._pressed_at = -_WATCHING_SECONDS

    def routes(self) -> Iterator[BaseRoute]:
        """Where they are."""
        yield Route("/levers/{key}/throw", self._press, methods=["POST"])
        yield Route("/levers/{key}/restore", self._press, methods=["POST"])

    def view(self) -> PanelView:
        """What the page shows."""
        levers = tuple(LeverView(lever, lever.is_thrown()) for lever in self._panel.levers)
        return PanelView(self._panel.title, self._panel.text, levers)

    @property
    def refresh_seconds(self) -> int | None:
        """After how long a page is to come again, where something happens."""
        recently = time.monotonic() - self._pressed_at < _WATCHING_SECONDS
        moving = recently or any(lever.is_thrown() for lever in self._panel.levers)
        return self._panel.refresh_seconds if moving else None

    async def _press(self, request: Request) -> Response:
        key, throws = request.path_params["key"], request.url.path.endswith("/throw")
        lever = self._levers.get(key)
        if lever is None and (key != _ALL or throws):
            return PlainTextResponse("Not Found", 404)
        if self._bound.reached:
            return PlainTextResponse("a lever is being moved\n", 503, BUSY)
        with self._bound:
            try:
                if lever is None:
                    await run_in_threadpool(self._restore_all)
                else:
                    await run_in_threadpool(lever.throw if throws else lever.restore)
            except LeverStuck as reason:
                log.warning("lever failed", extra={"fields": {"lever": key, "reason": str(reason)}})
                return PlainTextResponse(f"{reason}\n", 500)
        self._pressed_at = time.monotonic()
        # Back to what was being looked at; relative, for a proxy may have put all this below a path of its own. Without
        # a fragment: a page that was come to by one does not come again by itself in Chromium.
        query = FleetQuery.parse(request.query_params)
        back = query.url(page=query.page).removeprefix("./")
        return Response(status_code=303, headers={"Location": f"../../{back}"})

    def _restore_all(self) -> None:
        for lever in self._panel.levers:
            if lever.is_thrown():
                lever.restore()
