"""A parameter that is given twice is refused at every endpoint."""

from __future__ import annotations

import pytest

from tests.web.asking import browse, get
from tests.web.fake_backend import FakeBackend


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/probe?target=a.example&target=b.example", "target"),
        ("/probe?target=a.example&target=a.example", "target"),
        ("/probe?target=&target=a.example", "target"),
        ("/probe?target=a.example&t%61rget=b.example", "target"),
        ("/probe?module=a&target=a.example&module=b", "module"),
        ("/probe?target=a.example&debug=true&debug=false", "debug"),
        ("/?verdict=up&verdict=dead", "verdict"),
        ("/?q=a&group=host&q=b", "q"),
        ("/?provider=a.example&provider=b.example", "provider"),
        ("/egress?refresh=off&refresh=off", "refresh"),
        ("/domain/a.example?refresh=off&refresh=on", "refresh"),
    ],
)
async def test_it_is_refused_with_its_name(backend: FakeBackend, path: str, name: str) -> None:
    answer = await get(backend, path)
    assert (answer.status_code, answer.text) == (400, f"the parameter {name} is given more than once\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert backend.probes == []


async def test_a_form_is_refused_as_well(backend: FakeBackend) -> None:
    async with browse(backend) as client:
        answer = await client.post("/domain/a.example/probe?refresh=off&refresh=off")
    assert answer.status_code == 400
    assert backend.probed == []


@pytest.mark.parametrize(
    "path", ["/metrics?name[]=a&name[]=b", "/metrics?collect=a&collect=b", "/probe?target=a.example&name[]=a&name[]=b"]
)
async def test_one_that_has_several_values_or_none_at_all_is_not(backend: FakeBackend, path: str) -> None:
    assert (await get(backend, path)).status_code == 200
