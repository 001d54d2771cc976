"""The pictures of the last 24 hours."""

from __future__ import annotations

import re

import pytest

from exporter.concurrency import steady_clock
from exporter.model.failure import Confidence, FailureClass, Stage, Verdict
from exporter.store.history import StateChange
from exporter.store.verdict_counts import VerdictCount
from exporter.web.pages.timeline import DAY, Band, bands_of, count_timeline, day_view, state_timeline
from exporter.web.pages.timeline import StateCount as Count
from tests.results import domain, down_host, result, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import C, get, known, text

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


def rects(chart: str) -> list[tuple[str, int, int]]:
    found = re.findall(r'<rect class="(\w+)" x="(\d+)" width="(\d+)"', chart)
    return [(state, int(x), int(width)) for state, x, width in found]


def test_the_states_of_a_target_stand_where_they_were() -> None:
    bands = (
        Band(NOW - 30 * 3600, NOW - 12 * 3600, "up", ""),
        Band(NOW - 12 * 3600, NOW - 6 * 3600, "dead", "connect_refused"),
        Band(NOW - 6 * 3600, NOW, "up", ""),
    )
    chart = state_timeline(bands, NOW)
    assert rects(chart) == [("up", 0, 43200), ("up", 64800, 21600), ("dead", 43200, 21600)]
    assert "<title>dead (connect_refused) from 2023-11-14 10:13:20 UTC for 6 h</title>" in chart
    assert 'aria-label="States of the last 24 hours: up for 18 h, dead for 6 h"' in chart


def test_what_is_not_known_is_empty_and_said() -> None:
    chart = state_timeline((Band(NOW - 3600, NOW, "blocked", "port_filtered"),), NOW)
    assert rects(chart) == [("blocked", int(DAY) - 3600, 3600)]
    assert "blocked for 60 min, known since 2023-11-14 21:13:20 UTC" in chart
    assert state_timeline((), NOW) == ""
    assert state_timeline((Band(NOW - 2 * DAY, NOW - DAY, "up", ""),), NOW) == ""


def test_a_fall_of_a_second_is_seen_and_covers_no_other_fall() -> None:
    chart = state_timeline((Band(NOW - 9, NOW - 1, "up", ""), Band(NOW - 1, NOW, "dead", "")), NOW)
    (_, _, _), (state, x, width) = rects(chart)
    assert (state, x, width, x + width) == ("dead", 86184, 216, DAY)


def test_the_changes_of_a_target_become_its_states() -> None:
    at = steady_clock.moment(NOW)
    changes = (StateChange(at, None), StateChange(at + 60, C.CONNECT_TIMEOUT, Stage.CONNECT, Confidence.UNCERTAIN))
    first, second = bands_of(changes, NOW + 100)
    assert (first.state, first.reason, round(first.until - first.at)) == ("up", "", 60)
    assert (second.state, second.reason, round(second.until - second.at)) == ("undetermined", "connect_timeout", 40)


def test_every_whole_fourth_hour_and_the_present_have_their_time() -> None:
    chart = state_timeline((Band(NOW - 60, NOW, "up", ""),), NOW)
    ticks = re.findall(r'<text class="tick(?: near)?" x="([\d.]+)%"[^>]*>([^<]*)<', chart)
    assert [time for _, time in ticks] == ["00:00", "04:00", "08:00", "12:00", "16:00"]
    assert float(ticks[0][0]) == pytest.approx(100 * (24 - 22 - 800 / 3600) / 24, abs=0.01)
    assert re.findall(r'<text class="tick now"[^>]*>([^<]*)<', chart) == ["22:13 UTC"]


def minutes(*states: dict[str, int]) -> list[Count]:
    return [Count(NOW - 60 * (len(states) - 1 - place), each) for place, each in enumerate(states)]


def test_counts_are_stacked_the_worst_at_the_bottom() -> None:
    chart = count_timeline([Count(NOW - 7200, {"up": 6, "dead": 3, "blocked": 1}), *minutes({"up": 10})], NOW)
    paths = dict(re.findall(r'<path class="(\w+)" d="([^"]*)"', chart))
    # From the larger area to the smaller one that covers it; one that holds for two minutes and no longer.
    assert list(paths) == ["known", "dead", "blocked"]
    assert paths["dead"] == "M440 4V0H441V4z"
    assert paths["blocked"] == "M440 4V3H441V4z"
    # The time in between has no count, and none is drawn for it.
    assert paths["known"] == "M440 0H441V4H440zM479 0H480V4H479z"
    assert '<text class="scale" x="2" y="11">4</text>' in chart


def test_of_a_column_the_worst_minute_is_shown() -> None:
    counts = [{"up": 50}] * 60
    counts[41] = {"up": 1, "local": 49}
    chart = count_timeline(minutes(*counts), NOW)
    (area,) = re.findall(r'<path class="local" d="([^"]*)"', chart)
    assert re.fullmatch(r"M(\d+) 50V1H(\d+)V50z", area)
    assert "the most at once: 49, at 2023-11-14 21:55:20 UTC" in chart
    assert "Not up now: 0 of 50 targets" in chart


def test_a_large_fleet_that_never_rests_is_a_small_picture() -> None:
    states = [each.value for each in Verdict]
    counts = minutes(
        *({"up": 90_000} | {state: (n * 37 + p) % 1000 for p, state in enumerate(states)} for n in range(1440))
    )
    chart = count_timeline(counts, NOW)
    assert len(chart) < 60_000


def test_a_quiet_day_is_said_to_be_one() -> None:
    view = day_view([VerdictCount(steady_clock.moment(NOW), {None: 3, Verdict.DEAD: 0}, 2)], NOW)
    assert view is not None
    assert view.text == "Not up now: 0 of 5 targets, 2 not probed yet, and never more since 2023-11-14 22:13:20 UTC"
    assert view.states == ()
    assert day_view([], NOW) is None


async def test_the_pages_have_them(backend: FakeBackend) -> None:
    backend.kept = known((domain(), result(up_host())), (domain("b.example"), result(down_host())))
    assert "timeline" not in await get(backend, "/")
    backend.counts = [VerdictCount(steady_clock.now(), {None: 1, Verdict.BLOCKED: 1}, 0)]
    page = await get(backend, "/")
    assert 'class="timeline"' in page
    assert "Not up now: 1 of 2 targets" in text(page)
    page = await get(backend, "/domain/b.example")
    assert 'class="timeline"' in page
    assert str(FailureClass.REPUTATION_BLOCKED) in page.partition('class="timeline"')[2].partition("</svg>")[0]


async def test_an_hour_can_be_looked_at_closely(backend: FakeBackend) -> None:
    backend.kept = known((domain(), result(up_host())))
    now = steady_clock.now()
    backend.counts = [
        VerdictCount(now - 7200, {None: 0, Verdict.DEAD: 1}, 0),
        VerdictCount(now - 1770, {None: 0, Verdict.LOCAL: 1}, 0),
        VerdictCount(now, {None: 1}, 0),
    ]
    page = await get(backend, "/?hours=1&verdict=up")
    assert "The last hour. Not up now: 0 of 1 targets; the most at once: 1" in text(page)
    chart = page.partition('class="timeline"')[2].partition("</figure>")[0]
    assert 'viewBox="0 0 60 4"' in chart
    assert re.findall(r'<path class="(local|dead)" d="([^"]*)"', chart) == [("local", "M30 4V3H33V4z")]
    assert 'href="./?verdict=up">24 h</a>' in page
    assert 'href="./?verdict=up&amp;hours=6">6 h</a>' in page
    assert 'href="./?verdict=dead&amp;hours=1"' in page
    assert '<input type="hidden" name="hours" value="1">' in page
    assert "2 is no hours that is known here" in text(await get(backend, "/?hours=2"))
