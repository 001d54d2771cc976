"""The status page: order, filters, counts and paging."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from exporter.web.pages.fleet import PAGE_ROWS
from tests.results import domain, result, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    FLEET,
    get,
    known,
    names,
    text,
    tiles,
)


async def test_the_worst_are_first_and_the_slowest_among_equals(fleet: FakeBackend) -> None:
    assert names(await get(fleet, "/")) == [
        "blocked.example",
        "mute.example",
        "silent.example",
        "gone.example",
        "new.example",
        "up.example",  # one of its addresses is down
        "relay.example:25",
    ]


async def test_the_counts_are_those_of_the_fleet(fleet: FakeBackend) -> None:
    assert tiles(await get(fleet, "/")) == {
        "all": 7,
        "local": 0,
        "blocked": 1,
        "undetermined": 2,
        "dead": 0,
        "misconfigured": 1,
        "degraded": 0,
        "declined": 0,
        "not probed yet": 1,
        "up": 2,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=MUTE", ["mute.example"]),
        ("q=192.0.2.77", ["relay.example:25"]),  # an address of its hosts
        ("q=mx1.healthy", ["up.example"]),  # the name of one
        ("q=++gone++", ["gone.example"]),
        ("q=nobody", []),
        ("verdict=undetermined", ["silent.example", "mute.example"]),
        ("verdict=waiting", ["new.example"]),
        ("verdict=up", ["up.example", "relay.example:25"]),
        ("class=dns_nxdomain", ["gone.example"]),
        ("label=team%3Dmail", ["blocked.example", "silent.example"]),
        ("label=team%3Dmail&verdict=undetermined", ["silent.example"]),
        ("label=team", [target.name for target, _ in FLEET]),  # no pair: no filter
        ("verdict=%3Cscript%3E&class=x&page=-1", [target.name for target, _ in FLEET]),  # neither are these
    ],
)
async def test_filters_leave_what_matches_all_of_them(fleet: FakeBackend, query: str, found: list[str]) -> None:
    page = await get(fleet, f"/?{query}")
    assert sorted(names(page)) == sorted(found)
    if not found:
        assert "None of 7 targets matches." in text(page)


async def test_a_filters_counts_are_those_with_all_others(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?verdict=undetermined&label=team%3Dmail")
    assert tiles(page)["blocked"] == 1
    assert tiles(page)["undetermined"] == 1
    assert "connect_timeout (1)" in page
    assert "banner_closed" not in page
    assert "team=mail (1)" in page


@pytest.mark.parametrize(
    ("page", "first", "last", "links"),
    [(1, 0, 99, ["next", "last"]), (2, 100, 199, ["first", "prev", "next", "last"]), (3, 200, 249, ["first", "prev"])],
)
async def test_a_large_fleet_is_paged(backend: FakeBackend, page: int, first: int, last: int, links: list[str]) -> None:
    backend.kept = known(*((domain(f"d{number:03}.example"), result(up_host())) for number in range(250)))
    got = await get(backend, f"/?page={page}")
    assert len(names(got)) == min(PAGE_ROWS, last - first + 1)
    assert (names(got)[0], names(got)[-1]) == (f"d{first:03}.example", f"d{last:03}.example")
    assert re.findall(r'rel="(\w+)"', got.partition('<nav class="pages"')[2]) == links
    assert f"{first + 1}\u2013{last + 1} of 250 targets" in text(got)


@pytest.mark.parametrize("page", ["0", "-1", "x", "99", "999999999999", "٣", ""])
async def test_a_page_that_is_none_is_the_nearest_that_is(backend: FakeBackend, page: str) -> None:
    backend.kept = known(*((domain(f"d{number}.example"), None) for number in range(150)))
    assert len(names(await get(backend, f"/?page={quote(page)}"))) in (50, PAGE_ROWS)


async def test_an_international_name_is_found_as_it_is_written(backend: FakeBackend) -> None:
    backend.kept = known((domain("xn--bcher-kva.example"), None), (domain("other.example"), None))
    assert names(await get(backend, "/?q=b%C3%BCcher.example")) == ["xn--bcher-kva.example"]


async def test_without_targets_the_page_says_where_they_come_from(backend: FakeBackend) -> None:
    assert "No target is configured" in text(await get(backend, "/"))
