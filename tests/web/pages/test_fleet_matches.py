"""The filters of the status page by warning, provider and MX host."""

from __future__ import annotations

import pytest

from exporter.model.warning import HostWarning
from tests.results import changed, domain, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import get, known, names, text, tiles
from tests.web.pages.shared import DEAD, MX1, MX2, at, big, small


@pytest.fixture
def fleet(backend: FakeBackend) -> FakeBackend:
    slow = changed(up_host("mx.slow.example", "192.0.2.77"), warnings=(HostWarning.BANNER_SLOW,))
    backend.kept = known(
        *big(2), *big(1, DEAD, first=2), *small(), (domain("slow.example", team="team1"), at("slow.example", slow))
    )
    return backend


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("provider=big.example", ["t000.example", "t001.example", "t002.example", "two.example"]),
        ("provider=BIG.example", ["t000.example", "t001.example", "t002.example", "two.example"]),
        ("provider=o.example", ["two.example"]),
        ("provider=example", []),  # a whole name
        ("provider=-", ["none.example", "new.example", "null.example"]),
        (f"mx={MX2}", ["t000.example", "t001.example", "t002.example"]),
        (f"mx={MX1}&verdict=dead", ["t002.example"]),
        ("mx=-", ["none.example", "new.example"]),
        ("mx=mx1", []),
        ("warning=banner_slow", ["slow.example"]),
        ("warning=null_mx_among_others", ["none.example"]),  # of the domain
        ("warning=banner_slow&provider=big.example", []),
        ("label=team%3Dteam1&provider=big.example", ["t001.example"]),
        ("label=team%3D", ["two.example", "none.example", "new.example", "null.example"]),  # without the label
    ],
)
async def test_they_leave_what_matches_all_of_them(fleet: FakeBackend, query: str, found: list[str]) -> None:
    assert sorted(names(await get(fleet, f"/?{query}"))) == sorted(found)


async def test_the_counts_of_a_filter_are_those_with_all_others(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?provider=big.example&verdict=up")
    shown = text(page)
    assert tiles(page)["dead"] == 1
    assert "big.example (3)" in shown
    assert "o.example (1)" in shown
    assert "slow.example (1)" in shown  # up, at another provider
    assert "banner_slow" not in shown  # of no target of this provider


async def test_what_is_chosen_stays_in_the_form(fleet: FakeBackend) -> None:
    page = await get(fleet, f"/?warning=bare_lf&provider=gone.example&mx={MX1}&group=label:site")
    for part in (
        "<option selected>bare_lf</option>",
        "<option selected>gone.example</option>",
        f'<input type="hidden" name="mx" value="{MX1}">',
        '<option value="label:site" selected>',
    ):
        assert part in page
    assert f"MX host {MX1} of any host" in text(page)
