"""The status page: order, filters, counts and paging."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence
from exporter.web.pages.fleet import PAGE_ROWS
from tests.results import changed, domain, down_host, result, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    FLEET,
    C,
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
        "up, with warnings": 2,  # of those
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
        ("verdict=warned", ["up.example", "relay.example:25"]),
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


OURS = tuple((domain(f"behind{number}.example"), result(down_host(C.EGRESS_BLOCKED))) for number in range(3))


@pytest.fixture
def shut(fleet: FakeBackend) -> FakeBackend:
    """Our egress is shut for IPv4, and three more targets are behind it."""
    fleet.kept = known(*OURS, *FLEET)
    fleet.families = {Family.IPV4: EgressView(EgressState.BLOCKED, Confidence.CERTAIN), Family.IPV6: EgressView()}
    fleet.failing = {C.EGRESS_BLOCKED: 3}
    return fleet


async def test_rows_that_a_fault_of_ours_explains_are_folded_into_the_bar(shut: FakeBackend) -> None:
    page = await get(shut, "/")
    assert names(page)[0] == "blocked.example"
    assert not {name for name in names(page) if name.startswith("behind")}
    bar, _, rest = page.partition('<div class="own-side">')[2].partition("</div>")
    assert [f"behind{number}.example" in bar for number in range(3)] == [True] * 3
    assert "of 7 targets, the worst first; 3 more are behind the fault of our own side above." in text(rest)
    assert (tiles(page)["all"], tiles(page)["blocked"]) == (10, 4)  # they are still counted


@pytest.mark.parametrize("query", ["q=behind", "class=egress_blocked", "verdict=blocked", "warning="])
async def test_who_asks_for_them_sees_them_behind_what_is_wrong_itself(shut: FakeBackend, query: str) -> None:
    found = names(await get(shut, f"/?{query}"))
    if query == "warning=":  # no filter
        assert "behind0.example" not in found
    else:
        assert found[-3:] == ["behind0.example", "behind1.example", "behind2.example"]


async def test_where_all_are_behind_it_the_page_says_so(shut: FakeBackend) -> None:
    shut.kept = known(*OURS)
    page = await get(shut, "/")
    assert names(page) == []
    assert "All 3 targets are behind the fault of our own side above." in text(page)


async def test_once_our_side_is_open_nothing_is_folded(shut: FakeBackend) -> None:
    shut.families = dict.fromkeys(Family, EgressView(EgressState.OPEN, Confidence.CERTAIN))
    assert names(await get(shut, "/"))[:3] == ["behind0.example", "behind1.example", "behind2.example"]


async def test_groups_whose_need_is_explained_stand_behind_the_others(shut: FakeBackend) -> None:
    shut.kept = known(*OURS, FLEET[2])
    page = await get(shut, "/?group=label:team")
    assert "of 2 groups of 4 targets" in text(page)
    assert names(page) == ["mail", "none"]


async def test_warned_targets_stand_before_those_that_are_well(backend: FakeBackend) -> None:
    well = changed(up_host(), warnings=())
    backend.kept = known(
        (domain("a.example"), result(well)),
        (domain("b.example"), result(up_host())),
        (domain("c.example"), result(down_host())),
    )
    page = await get(backend, "/")
    assert names(page) == ["c.example", "b.example", "a.example"]
    assert (tiles(page)["up"], tiles(page)["up, with warnings"], tiles(page)["all"]) == (2, 1, 3)
    assert names(await get(backend, "/?verdict=warned")) == ["b.example"]
    assert names(await get(backend, "/?verdict=up")) == ["b.example", "a.example"]
    assert '<option value="warned">up, with warnings (1)</option>' in page
