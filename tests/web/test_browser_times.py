"""Times in a browser: they tick, and the reader's own time stands beside UTC."""

from __future__ import annotations

import pytest

from tests.support.browser import Browser
from tests.support.exporter_process import ExporterProcess

pytestmark = pytest.mark.long

PAUSED = "refresh=off"
AGES = "[...document.querySelectorAll('td.probed time')].map(time => time.textContent)"


def test_relative_times_tick_on_a_page_that_is_paused_too(demo: ExporterProcess, page: Browser) -> None:
    page.open(f"{demo.url}/?{PAUSED}&verdict=up")
    before = page.evaluate(AGES)
    assert all(age.endswith(" s ago") for age in before)
    page.wait(
        lambda: all(
            int(now.split()[0]) > int(then.split()[0]) for now, then in zip(page.evaluate(AGES), before, strict=True)
        )
    )
    assert page.complaints() == []


def test_they_are_written_as_the_server_writes_them(demo: ExporterProcess, page: Browser) -> None:
    page.open(f"{demo.url}/?{PAUSED}")
    served = "Date.parse(document.querySelector('.refresh time').dateTime)"
    for seconds, text in ((150, "2 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")):
        moved = f"new Date({served} - {1000 * seconds}).toISOString()"
        page.evaluate(f"document.querySelector('td.probed time').dateTime = {moved}")
        page.wait(lambda expected=text: page.evaluate(AGES)[0] == expected)  # type: ignore[misc]


def test_local_time_stands_beside_utc(demo: ExporterProcess, page: Browser) -> None:
    page.zone("Asia/Kolkata")  # five and a half hours ahead, at all times of the year
    page.open(f"{demo.url}/domain/healthy.example")
    local = "new Date(document.querySelector('.refresh time').dateTime).toTimeString().slice(0, 8)"
    beside = " ".join(page.text_of(".refresh time").split())
    assert beside.endswith(")")
    assert f"{page.evaluate(local)} GMT+5:30" in beside
    assert " UTC (" in beside
    assert "GMT+5:30)" in (page.find(".chip time").get_attribute("title") or "")
    # The hours of a chart have a row of their own.
    ticks = (
        "[...document.querySelectorAll('svg.timeline text')].map(text => [text.textContent, text.getAttribute('y')])"
    )
    rows = {height for _, height in page.evaluate(ticks)}
    assert len(rows) == 2
    assert any(text.endswith("GMT+5:30") for text, _ in page.evaluate(ticks))
    assert page.barriers() == []
    page.picture("local-time")
    # A page in place of this one has them too.
    page.evaluate("document.querySelector('main > :last-child').old = true; 0")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: page.evaluate("!document.querySelector('main > :last-child').old"))
    assert "GMT+5:30" in page.text_of(".refresh time")
    page.look(width=390, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.complaints() == []


def test_where_local_time_is_utc_or_no_script_runs_there_is_one_time(demo: ExporterProcess, page: Browser) -> None:
    page.zone("UTC")
    page.open(demo.url)
    assert page.text_of(".refresh time").endswith(" UTC")
    page.zone("Asia/Kolkata")
    page.scripts(allowed=False)
    page.open(demo.url)
    assert page.text_of(".refresh time").endswith(" UTC")
