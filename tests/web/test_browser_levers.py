"""The demo broken from its own page, in a browser without scripts: whoever presses sees it being diagnosed."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.support.browser import Browser, browser
from tests.support.exporter_process import ExporterProcess, running_demo

pytestmark = pytest.mark.long

STATUS = ".panel [role=status]"


def test_what_is_broken_by_hand_is_diagnosed_and_repaired() -> None:
    with running_demo() as demo, browser() as page:
        page.scripts(allowed=False)
        page.look(width=1280, height=900)
        page.open(demo.url)
        page.until(lambda: not page.all("tr.waiting"))
        assert page.text_of(".panel h2") == "Break this demo"
        assert page.text_of(STATUS) == "Nothing is broken now."
        kill_one_host(demo, page)
        close_the_gateway(demo, page)
        repair(demo, page)
        assert page.complaints() == []


def kill_one_host(demo: ExporterProcess, page: Browser) -> None:
    """With the keyboard."""
    page.find("form[action='levers/mx1/throw'] button").send_keys("")
    assert page.focused.text == "Kill mx1"
    page.leave_by(lambda: page.press(Keys.ENTER))
    assert page.text_of(STATUS) == "Now mx1.healthy.example is dead."
    assert page.text_of("form[action='levers/mx1/restore'] button") == "Revive mx1"
    page.leave_by(page.find(".thrown a").click)
    assert page.url == f"{demo.url}/domain/healthy.example"
    page.until(lambda: [state.rstrip("?") for state in page.texts(".host h2 .badge")] == ["dead", "up"])
    assert "connect_refused" in page.text_of(".host .why")
    assert "healthy.example is up: 1 of 2 addresses takes mail" in page.text


def close_the_gateway(demo: ExporterProcess, page: Browser) -> None:
    page.open(demo.url)
    page.leave_by(page.find("form[action='levers/gateway/throw'] button").click)
    assert "port 25 is blocked at the gateway; mx1.healthy.example is dead" in page.text_of(STATUS)
    # By itself, and soon.
    page.evaluate("window.seen = true")
    page.wait(lambda: page.evaluate("window.seen === undefined"))
    page.leave_by(page.find(".levers a[href='egress']").click)
    page.until(lambda: page.text_of(".egress .badge") == "blocked")
    assert "of them of references, each prohibited or silent" in page.text_of(".egress .evidence")
    assert "gets through" in page.text_of(".egress .evidence")
    # Nobody can look closely at what comes again all the time.
    page.leave_by(page.find(".refresh a").click)
    assert barriers(page) == []
    page.open(f"{demo.url}/?class=egress_blocked&refresh=off")
    page.until(lambda: "healthy.example" in page.texts("tbody th > a:first-child"))
    assert demo.value("mx_egress_state", family="ipv4", state="blocked") == 1.0
    assert barriers(page) == []
    # The bar and the first row that is not behind it are on the first screen of a telephone.
    page.look(width=390, height=844)
    page.open(f"{demo.url}/?refresh=off")
    assert page.evaluate("document.querySelector('.own-side').getBoundingClientRect().top") > 0
    assert page.evaluate("document.querySelector('tbody tr').getBoundingClientRect().bottom") <= 844
    page.look(width=1280, height=900)
    page.open(f"{demo.url}/?class=egress_blocked&refresh=off")
    page.picture("broken")
    page.look(dark=True, width=1280, height=900)
    assert barriers(page) == []


def repair(demo: ExporterProcess, page: Browser) -> None:
    page.leave_by(page.find("form[action^='levers/all/restore'] button").click)
    assert page.url == f"{demo.url}/?class=egress_blocked&refresh=off"
    assert page.text_of(STATUS) == "Nothing is broken now."
    page.open(f"{demo.url}/domain/healthy.example")
    page.until(lambda: page.texts(".host h2 .badge") == ["up", "up"])
    assert page.text_of(".history .badge") == "up"
    page.open(f"{demo.url}/egress")
    page.until(lambda: page.text_of(".egress .badge") == "open")


def barriers(page: Browser) -> list[str]:
    """Who looks for them needs scripts."""
    page.scripts(allowed=True)
    page.reload()
    try:
        return page.barriers()
    finally:
        page.scripts(allowed=False)
