"""*Probe now* in a browser: heard at once, seen while it runs, and its result in place."""

from __future__ import annotations

import re

import pytest
from selenium.webdriver.common.keys import Keys

from tests.support.browser import Browser
from tests.support.exporter_process import ExporterProcess

pytestmark = pytest.mark.long

STATUS = "document.querySelector('.probed-now')?.textContent ?? ''"
BUTTON = "document.querySelector('.title button').textContent"


def probes(page: Browser) -> int:
    found = re.search(r"probes\s+(\d+) \(", page.text)
    assert found is not None
    return int(found[1])


def test_a_quick_probe_puts_its_result_in_place(demo: ExporterProcess, page: Browser) -> None:
    page.open(f"{demo.url}/domain/nullmx.example")
    before = probes(page)
    page.evaluate("window.same = true")
    page.find(".title button").send_keys(Keys.ENTER)
    page.wait(lambda: "has ended after" in page.evaluate(STATUS))
    assert page.evaluate("window.same")
    assert probes(page) > before
    assert page.url == f"{demo.url}/domain/nullmx.example"
    assert page.focused.text == "Probe now"
    assert page.barriers() == []
    assert page.complaints() == []


def test_a_slow_probe_is_seen_to_run_and_then_its_result(demo: ExporterProcess, page: Browser) -> None:
    """The host accepts the connection and stays silent until the timeout of 4 seconds; refreshing is paused."""
    page.open(f"{demo.url}/domain/mute.example?refresh=off")
    page.evaluate("window.same = true")
    button = page.find(".title button")
    page.evaluate(
        "window.heard = 0; document.addEventListener('submit', () => setTimeout(() => { window.heard ="
        " document.querySelector('.title button').textContent }))"
    )
    button.click()
    assert page.wait(lambda: page.evaluate("window.heard")) == "Probing …"  # before any answer
    page.wait(lambda: "is running" in page.evaluate(STATUS))
    assert page.evaluate(BUTTON) == "Probing …"
    assert page.barriers() == []
    page.picture("probing")
    page.wait(lambda: "has ended after" in page.evaluate(STATUS))
    assert page.evaluate(BUTTON) == "Probe now"
    assert page.evaluate("window.same")
    assert not page.all("body[data-refresh]:not([data-refresh=''])")
    assert page.complaints() == []


def test_without_scripts_the_page_comes_again_until_the_result_is_there(demo: ExporterProcess, page: Browser) -> None:
    page.scripts(allowed=False)
    page.open(f"{demo.url}/domain/mute.example?refresh=off")
    page.leave_by(page.find(".title button").click)
    assert page.url == f"{demo.url}/domain/mute.example?refresh=off"
    assert "is running" in page.evaluate(STATUS)
    page.wait(lambda: "has ended after" in page.evaluate(STATUS))
    assert page.complaints() == []
