"""The page of HTTP has every path, with its method, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from exporter.web import app
from exporter.web.pages.fleet_query import FleetQuery
from exporter.web.pages.panel import Panel
from tests.docs.pages import HTTP, PAGES, names
from tests.web.fake_backend import FakeBackend


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> list[BaseRoute]:
    """The routes of the application, that of the demo, as it hands them to its framework."""
    found: list[BaseRoute] = []

    class Recorded(Starlette):
        def __init__(self, *, routes: list[BaseRoute], **arguments: Any) -> None:
            found.extend(routes)
            super().__init__(routes=routes, **arguments)

    monkeypatch.setattr(app, "Starlette", Recorded)
    app.create_app(FakeBackend(), options=app.AppOptions(panel=Panel("Break it", "", (), 5)))
    return found


def _method(route: BaseRoute) -> str:
    methods = route.methods if isinstance(route, Route) else None
    return ", ".join(sorted((methods or {"GET"}) - {"HEAD"}))


def test_every_path_has_a_row_with_its_method_and_there_is_no_other(routes: list[BaseRoute]) -> None:
    told = {cells[0].strip("`"): cells[1] for cells in HTTP.rows("Paths")}
    assert told == {route.path: _method(route) for route in routes if isinstance(route, Route | Mount)}


class _Asked(dict[str, str]):
    """A query that remembers which parameters were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """Nothing, and remember the key."""
        self.names.add(key)
        return default


def test_every_parameter_of_the_fleet_has_a_row_and_there_is_no_other() -> None:
    query = _Asked()
    FleetQuery.parse(query)
    told = {name.partition("=")[0] for cells in PAGES.rows("The fleet") for name in names(cells[0])}
    assert told == query.names
