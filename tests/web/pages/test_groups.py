"""The status page with one row for a group of targets."""

from __future__ import annotations

import re

import pytest

from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.result import HostResult
from exporter.web.pages.fleet import PAGE_ROWS
from tests.results import domain, host_of, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import HOSTILE, get, known, links_of, names, text
from tests.web.pages.shared import ALIVE, DEAD, MX1, MX2, at, big, small


def rows(page: str) -> list[str]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [text(row) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]


async def test_an_outage_of_a_provider_is_one_row(backend: FakeBackend) -> None:
    backend.kept = known(*big(409), *big(3, DEAD, first=409), *small())
    page = await get(backend, "/?group=provider")
    assert rows(page) == [
        "big.example 413 targets 3 dead 410 up connect_refused",
        "none 3 targets 1 declined 1 not probed yet 1 up dns_null_mx",
        "o.example 1 target 1 up",
    ]
    assert "1\u20133 of 3 groups of 416 targets, the worst first." in text(page)


async def test_of_groups_with_as_many_in_need_the_worse_state_is_first(backend: FakeBackend) -> None:
    degraded = Failure(Stage.BANNER, FailureClass.RATE_LIMITED, "", Confidence.CERTAIN)
    limited = host_of("mx.a.example", "192.0.2.7", failure=degraded)
    backend.kept = known(
        (domain("a.example"), at("a.example", limited)),
        (domain("z.example"), at("z.example", *DEAD)),
    )
    assert [row.partition(" ")[0] for row in rows(await get(backend, "/?group=provider"))] == ["z.example", "a.example"]


async def test_by_host_its_addresses_are_counted_too(backend: FakeBackend) -> None:
    backend.kept = known(*big(20, (ALIVE[0], DEAD[1])))
    assert rows(await get(backend, "/?group=host")) == [
        f"{MX2} host 20 targets 20 up 0/1",
        f"{MX1} host 20 targets 20 up 1/1",
    ]


@pytest.mark.parametrize("first", [ALIVE, DEAD])
async def test_an_address_that_works_in_one_dialogue_is_up(backend: FakeBackend, first: tuple[HostResult, ...]) -> None:
    """The recipient of one domain may be refused where that of another is taken."""
    then = DEAD if first is ALIVE else ALIVE
    backend.kept = known(*big(1, (first[0],)), *big(1, (then[0],), first=1))
    assert [row.rpartition(" ")[2] for row in rows(await get(backend, "/?group=host"))] == ["1/1"]


async def test_a_target_of_several_names_is_behind_each(backend: FakeBackend) -> None:
    backend.kept = known(*small())
    assert sorted(rows(await get(backend, "/?group=host"))) == [
        "mx.null.example host 1 target 1 declined dns_null_mx",
        "mx.other.example host 1 target 1 up 1/1",
        f"{MX1} host 1 target 1 up 1/1",
        "none 2 targets 1 not probed yet 1 up",
    ]


async def test_by_label_each_value_has_a_row(backend: FakeBackend) -> None:
    backend.kept = known(*big(5), *big(2, DEAD, first=5), *small())
    assert rows(await get(backend, "/?group=label:team")) == [
        "team0 4 targets 1 dead 3 up connect_refused",
        "team1 3 targets 1 dead 2 up connect_refused",
        "none 4 targets 1 declined 1 not probed yet 2 up dns_null_mx",
    ]
    assert rows(await get(backend, "/?group=label:absent")) == [
        "none 11 targets 2 dead 1 declined 1 not probed yet 7 up connect_refused"
    ]


@pytest.mark.parametrize("by", ["provider", "host", "label:team"])
async def test_each_row_leads_to_its_targets_and_each_state_to_those_in_it(backend: FakeBackend, by: str) -> None:
    backend.kept = known(*big(5), *big(2, DEAD, first=5), *small())
    page = await get(backend, f"/?group={by}&verdict=")
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    found = 0
    for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL):
        size = int(re.findall(r"(\d+) targets?", row)[0])
        first, *_ = links_of(row)
        assert len(names(await get(backend, first.removeprefix(".")))) == size
        for link, count in re.findall(r'<a class="badge [^"]*" href="([^"]*)">(\d+) ', row):
            (link,) = links_of(f'href="{link}"')
            assert len(names(await get(backend, link.removeprefix(".")))) == int(count)
            found += 1
    assert found >= 4


async def test_filters_hold_for_groups_and_groups_are_kept_by_filters(backend: FakeBackend) -> None:
    backend.kept = known(*big(5), *big(2, DEAD, first=5), *small())
    page = await get(backend, "/?group=provider&verdict=dead")
    assert rows(page) == ["big.example 2 targets 2 dead connect_refused"]
    assert "1\u20131 of 1 groups of 2 targets that match, of 11, the worst first." in text(page)
    assert '<option value="provider" selected>' in page
    assert "./?group=provider" in links_of(page)  # all filters taken away
    assert "None of 11 targets matches." in text(await get(backend, "/?group=host&q=nobody"))


async def test_groups_are_paged(backend: FakeBackend) -> None:
    backend.kept = known(
        *((domain(f"d{n:03}.example"), at(f"p{n:03}.example", up_host(f"mx.p{n:03}.example"))) for n in range(250))
    )
    page = await get(backend, "/?group=provider&page=2")
    assert len(rows(page)) == PAGE_ROWS
    assert rows(page)[0].startswith("p100.example ")
    assert "101\u2013200 of 250 groups of 250 targets" in text(page)
    assert "./?group=provider&page=3" in links_of(page)


async def test_a_name_that_a_stranger_chose_is_escaped(backend: FakeBackend) -> None:
    backend.kept = known((domain("evil.example", team=HOSTILE), at(HOSTILE, up_host(HOSTILE))))
    for by in ("provider", "host", "label:team"):
        page = await get(backend, f"/?group={by}")
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert len(rows(page)) == 1
