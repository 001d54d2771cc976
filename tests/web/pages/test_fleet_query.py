"""The filters in the URL of the status page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from exporter.web.pages.fleet_query import FleetQuery
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    get,
)


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
