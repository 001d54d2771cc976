"""The names of metrics in a query."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from exporter.web.api.name_selection import MAX_NAMES, TooManyNamesError, selected_names
from tests.web.asking import browse
from tests.web.fake_backend import FakeBackend


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", None),
        ("name=up", None),
        ("name[]=", None),
        ("name[]=mx_host_up", {"mx_host_up"}),
        ("name%5B%5D=a&name[]=b&name[]=a&name[]=", {"a", "b"}),
        ("name[]=%22%0A%F0%9F%93%A7", {'"\n\N{E-MAIL SYMBOL}'}),
    ],
)
def test_names_are_read_and_empty_ones_ask_for_nothing(query: str, names: set[str] | None) -> None:
    assert selected_names(QueryParams(query)) == names


def test_too_many_names_are_refused() -> None:
    assert len(selected_names(QueryParams("&".join(f"name[]=n{n}" for n in range(MAX_NAMES)))) or ()) == MAX_NAMES
    with pytest.raises(TooManyNamesError, match="more than 100"):
        selected_names(QueryParams("name[]=a&" * (MAX_NAMES + 1)))


async def test_an_answer_without_a_metric_is_empty(backend: FakeBackend) -> None:
    backend.pieces = []
    async with browse(backend) as client:
        for encoding in ("gzip", "identity"):
            answer = await client.get("/metrics?name[]=nonsense", headers={"Accept-Encoding": encoding})
            assert (answer.status_code, answer.content) == (200, b"")


async def test_a_scrape_gets_the_metrics_that_it_names(backend: FakeBackend) -> None:
    async with browse(backend) as client:
        assert (await client.get("/metrics?name[]=mx_host_up&name[]=x")).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
        answer = await client.get("/metrics?" + "name[]=a&" * 101)
    assert (answer.status_code, answer.text) == (400, "more than 100 families are named\n")
    assert backend.names == [frozenset({"mx_host_up", "x"}), None]
