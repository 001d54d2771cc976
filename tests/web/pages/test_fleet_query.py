"""The filters in the URL of the status page."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from exporter.store.row import NO_ROW
from exporter.store.targets import TargetStore
from exporter.web.pages.fleet_query import FleetQuery
from tests.results import domain, result, up_host
from tests.support.steps import at_once
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import get, names, text, tiles


async def test_the_form_shows_what_was_asked_for_and_the_page_comes_again_with_it(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?q=e&verdict=undetermined&class=connect_timeout&label=team%3Dmail")
    assert 'name="q" value="e"' in page
    assert re.findall(r'<option value="([^"]+)" selected>', page) == ["undetermined", "connect_timeout", "team=mail"]
    # Without an address of its own, a refresh is to the page itself, its query included.
    assert '<meta http-equiv="refresh" content="30">' in page


async def test_refreshing_can_be_paused_and_stays_so(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?verdict=dead")
    assert 'href="./?verdict=dead&amp;refresh=off"' in page
    paused = await get(fleet, "/?verdict=dead&refresh=off")
    assert "http-equiv" not in paused
    assert 'href="./?verdict=dead"' in paused
    assert '<input type="hidden" name="refresh" value="off">' in paused
    assert all("refresh=off" in link for link in re.findall(r'class="tile[^"]*" href="([^"]*)"', paused))


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        ({}, FleetQuery()),
        (
            {"verdict": "blocked", "class": "port_filtered", "page": "7"},
            FleetQuery(state="blocked", failure_class="port_filtered", page=7),
        ),
        ({"verdict": "colour", "class": "<b>", "page": "-1"}, FleetQuery()),
        ({"page": "99999999"}, FleetQuery()),
        ({"page": "\u0667"}, FleetQuery()),  # a digit, and not an ASCII one
        ({"q": "  a\x1b[1m ", "label": "a=\u202eb"}, FleetQuery("a\\x1b[1m", label="a=\\u202eb")),
        ({"refresh": "off"}, FleetQuery(refreshing=False)),
        (
            {"provider": " Big.Example ", "mx": "MX1.big.example\u202e", "warning": "null_mx_among_others"},
            FleetQuery(warning="null_mx_among_others", provider="big.example", mx="mx1.big.example\\u202e"),
        ),
        ({"warning": "connect_refused"}, FleetQuery()),
        ({"label": "team"}, FleetQuery()),
        ({"sort": "slowest"}, FleetQuery(sort="slowest")),
        ({"sort": "-name"}, FleetQuery(sort="-name")),
        ({"sort": "--name"}, FleetQuery()),
        ({"group": "provider"}, FleetQuery(group="provider")),
        ({"group": "host"}, FleetQuery(group="host")),
        ({"group": "label:team_2"}, FleetQuery(group="label:team_2")),
        *(({"group": wrong}, FleetQuery()) for wrong in ("label:", "label:a-b", "label:\u0661", "hosts", "label:a\n")),
    ],
)
def test_a_query_takes_what_makes_sense(parameters: dict[str, str], query: FleetQuery) -> None:
    assert FleetQuery.parse(parameters) == query


def test_a_link_keeps_the_filters_and_leads_to_the_first_page() -> None:
    query = FleetQuery("a b", "up", label="team=x&y", page=3, refreshing=False)
    assert query.url() == "./?q=a+b&verdict=up&label=team%3Dx%26y&refresh=off"
    assert query.url(state="", page=2) == "./?q=a+b&label=team%3Dx%26y&page=2&refresh=off"
    assert FleetQuery().url() == "./"
    assert FleetQuery.parse({"q": "a b", "verdict": "up", "label": "team=x&y", "refresh": "off"}) == replace(
        query, page=1
    )


def test_filters_are_taken_away_and_the_grouping_is_not() -> None:
    query = FleetQuery("a", "up", mx="mx.example", provider="b", group="host", page=2, refreshing=False)
    assert query.filtered
    assert query.unfiltered_url == "./?group=host&refresh=off"
    assert not FleetQuery(group="host", page=2, refreshing=False).filtered


@pytest.mark.parametrize(
    ("parameters", "unknown"),
    [
        (
            {"verdict": "deadd", "class": "connect_refuse"},
            [("class", "connect_refuse", "connect_refused"), ("verdict", "deadd", "dead")],
        ),
        ({"warning": "nonsense"}, [("warning", "nonsense", "")]),
        ({"vredict": "dead"}, [("vredict", "", "verdict")]),
        ({"group": "hosts"}, [("group", "hosts", "")]),
        ({"sort": "zzz", "page": "-1"}, [("page", "-1", ""), ("sort", "zzz", "")]),
        ({"label": "team\u202e"}, [("label", "team\\u202e", "")]),
        ({"verdict": "", "q": "anything", "provider": "who.example", "refresh": "off"}, []),
    ],
)
def test_what_is_not_understood_is_noted(parameters: dict[str, str], unknown: list[tuple[str, str, str]]) -> None:
    assert [tuple(each) for each in FleetQuery.parse(parameters).unknown] == unknown


def test_of_much_that_is_not_understood_little_is_kept() -> None:
    query = FleetQuery.parse({f"p{number}": "x" for number in range(1000)} | {"verdict": "x" * 10_000})
    assert len(query.unknown) == 5
    assert max(len(text) for each in FleetQuery.parse({"verdict": "x" * 10_000}).unknown for text in each) <= 61


async def test_an_unknown_value_is_told_and_acts_on_nothing(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?verdict=<b>deaf</b>&class=dns_nxdomian&wraning=x")
    told = text(page.partition("<table")[0])
    assert "<b>deaf</b> is no verdict that is known here, and is ignored." in told
    assert "dns_nxdomian is no class that is known here, and is ignored. Did you mean dns_nxdomain ?" in told
    assert "wraning is no filter, and is ignored. Did you mean warning ?" in told
    assert len(names(page)) == 7
    assert "is ignored" not in await get(fleet, "/?verdict=dead&q=<b>")


async def test_a_search_without_a_match_says_so_and_leaves_the_tiles(fleet: FakeBackend) -> None:
    whole = await get(fleet, "/")
    page = await get(fleet, "/?q=nobody&verdict=dead&sort=name")
    told = text(page)
    assert "None of 7 targets matches. Filters set: search nobody ( without it ), verdict dead ( without it )." in told
    assert "The tiles count all targets" in told
    assert tiles(page) == tiles(whole)
    # A tile leads to what it counts.
    assert 'href="./?verdict=undetermined&amp;sort=name"' in page
    assert {'href="./?verdict=dead&amp;sort=name"', 'href="./?q=nobody&amp;sort=name"'} <= set(
        re.findall(r'href="[^"]*"', page)
    )


@pytest.mark.parametrize(
    ("order", "first", "told"),
    [
        ("name", ["blocked.example", "gone.example", "mute.example"], "by name"),
        ("-name", ["up.example", "silent.example", "relay.example:25"], "by name, from the end"),
        ("slowest", ["relay.example:25", "up.example", "blocked.example"], "the slowest first"),
    ],
)
async def test_the_table_is_sorted_by_its_heads(fleet: FakeBackend, order: str, first: list[str], told: str) -> None:
    page = await get(fleet, f"/?sort={order}")
    assert names(page)[:3] == first
    assert f"targets, {told}." in text(page)
    ways = re.findall(r'<th scope="col" aria-sort="(\w+)"><a href="([^"]*)"', page)
    reverse = "name" if order == "-name" else f"-{order}"
    assert ways == [("ascending" if order == "name" else "descending", f"./?sort={reverse}")]


async def test_the_latest_change_comes_first(backend: FakeBackend) -> None:
    store = TargetStore(lambda record, before: NO_ROW)
    targets = [domain(f"{name}.example") for name in "abc"]
    at_once(store.replacing(targets))
    now = time.time()
    for target, ago in zip(targets, (50.0, 10.0, 90.0), strict=True):
        store.record(target, result(up_host())._replace(at=now - ago), turn=True)
    backend.kept = store.records()
    assert names(await get(backend, "/?sort=changed")) == ["b.example", "a.example", "c.example"]
    assert names(await get(backend, "/?sort=-changed")) == ["c.example", "a.example", "b.example"]


async def test_groups_are_sorted_by_name_alone(fleet: FakeBackend) -> None:
    by_name = names(await get(fleet, "/?group=label:team&sort=name"))
    assert by_name == ["none", "mail", "web"]  # of no team: an empty name
    assert names(await get(fleet, "/?group=label:team&sort=-name")) == by_name[::-1]
    page = await get(fleet, "/?group=label:team&sort=slowest")
    assert names(page) == names(await get(fleet, "/?group=label:team"))
    assert "targets, the worst first." in text(page)
