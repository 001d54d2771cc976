"""Statements that an operator sees before asking, in a real browser: our egress, warnings, and a report to paste."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from exporter.demo.domains import DEMO
from tests.support.browser import Browser, browser
from tests.support.exporter_process import ExporterProcess, running_demo

pytestmark = pytest.mark.long

BAR = ".own-side"
CLIPBOARD = "navigator.clipboard.readText()"
LOOKS = [(width, dark) for width in (390, 1024, 1440) for dark in (False, True)]


@pytest.fixture(scope="module")
def shut() -> Iterator[tuple[ExporterProcess, Browser]]:
    """A demo whose gateway blocks port 25, and a window."""
    with running_demo() as demo, browser() as page:
        page.open(demo.url)
        page.until(lambda: not page.all("tr.waiting"))
        page.leave_by(page.find("form[action='levers/gateway/throw'] button").click)
        page.until(lambda: page.all(BAR))
        page.until(lambda: "expired.example" in hidden_text(page, ".folded-rows"))
        yield demo, page


def report(page: Browser) -> str:
    return str(page.evaluate("document.querySelector('textarea.listing').value"))


def hidden_text(page: Browser, selector: str) -> str:
    return str(page.evaluate(f"document.querySelector('{selector}')?.textContent ?? ''"))


@pytest.mark.parametrize("path", ["/", "/egress", "/classes", "/certificates", "/domain/healthy.example", "/domain/no"])
def test_the_bar_stands_on_every_page(shut: tuple[ExporterProcess, Browser], path: str) -> None:
    demo, page = shut
    page.scripts(allowed=False)
    page.open(demo.url + path)
    told = page.text_of(BAR)
    port = told.split()[1]  # of the demo's hosts, which need no root
    assert told.startswith(f"Port {port} is blocked on OUR side since ")
    assert f"--port {port}" in told
    assert "UTC (IPv4, certain): " in told
    assert "targets behind it. Next: call our provider, or the owner of " in told
    assert page.texts(".own-state") == ["IPv4 blocked", "IPv6 unknown"]
    page.scripts(allowed=True)


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_the_bar_bars_nobody(shut: tuple[ExporterProcess, Browser], width: int, dark: bool) -> None:
    demo, page = shut
    page.look(width=width, height=900, dark=dark)
    page.open(f"{demo.url}/?refresh=off")
    page.find(f"{BAR} summary").send_keys(Keys.ENTER)  # by the keyboard
    assert page.find(".folded-rows").is_displayed()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.barriers() == []
    page.picture(f"own-side-{width}{'-dark' if dark else ''}")
    page.look()


def test_what_it_explains_is_folded_and_what_is_wrong_itself_stands_on_top(
    shut: tuple[ExporterProcess, Browser],
) -> None:
    demo, page = shut
    page.open(f"{demo.url}/?refresh=off")
    shown = page.texts("tbody th > a:first-child")
    assert "bogus.example" in shown
    assert "healthy.example" not in shown
    assert "more are behind the fault of our own side above." in page.text_of("#summary")
    page.find(f"{BAR} summary").click()
    page.leave_by(page.link("healthy.example").click)
    assert page.url == f"{demo.url}/domain/healthy.example"
    page.leave_by(page.find(f"{BAR} a").click)
    assert page.url == f"{demo.url}/?class=egress_blocked"
    assert "healthy.example" in page.texts("tbody th > a:first-child")


def test_an_open_fold_stays_open_while_the_page_comes_again(shut: tuple[ExporterProcess, Browser]) -> None:
    demo, page = shut
    page.open(demo.url)
    page.find(f"{BAR} summary").click()
    page.evaluate("document.querySelector('#summary').textContent = 'before'")
    page.wait(lambda: hidden_text(page, "#summary") != "before")
    assert page.find(".folded-rows").is_displayed()


def test_warnings_have_a_tile_their_sentences_and_their_sections(demo: ExporterProcess, page: Browser) -> None:
    page.open(demo.url)
    page.leave_by(page.find(".tile.warned").click)
    assert page.url == f"{demo.url}/?verdict=warned"
    assert page.title == "up, with warnings \u2013 Targets · mx-exporter"
    assert len(page.all("tbody tr")) == int(page.text_of(".tile.warned b"))
    page.leave_by(page.link("expired.example").click)
    assert "expired.example is up: 1 of 1 address takes mail, with warnings: " in page.text_of(".verdict .sentence")
    assert "its certificate expired on 20" in page.text_of(".verdict .sentence")
    page.leave_by(page.link("tls_expired").click)
    assert page.url == f"{demo.url}/classes#tls_expired"
    page.open(f"{demo.url}/?warning=helo_only")
    page.leave_by(page.link("helo_only").click)
    assert page.url == f"{demo.url}/classes#helo_only"
    assert "it refuses EHLO, and HELO works" in page.text_of("#helo_only")
    assert page.complaints() == []


def test_certificates_stand_by_the_day_they_end(demo: ExporterProcess, page: Browser) -> None:
    page.open(demo.url)
    page.leave_by(page.link("Certificates").click)
    days = [day.split()[0] for day in page.texts(".day th")]
    assert days == sorted(days)
    assert len(days) > 1
    assert page.text_of("tbody tr:nth-child(2) th a") == "mx.expired.example"
    page.leave_by(page.link("targets by provider").click)
    assert page.url == f"{demo.url}/?group=provider"
    assert page.complaints() == []


def test_the_finding_stands_first_then_the_next_step_then_the_evidence(demo: ExporterProcess, page: Browser) -> None:
    page.open(f"{demo.url}/domain/filtered.example")
    parts = page.evaluate("[...document.querySelector('.verdict').children].map((part) => part.className)")
    assert parts[:3] == ["sentence", "next", "evidence"]
    assert page.text_of(".title .badge") == "blocked?"


@pytest.mark.parametrize("over_https", [True, False], ids=["clipboard", "selection"])
def test_a_report_is_copied(demo: ExporterProcess, page: Browser, over_https: bool) -> None:
    page.open(f"{demo.url}/domain/blocklisted.example")
    page.grant("clipboardReadWrite", "clipboardSanitizedWrite")
    if not over_https:
        page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('not over HTTP'))")
    page.find(".copy button").click()
    page.wait(lambda: page.text_of(".copy [role=status]") == "Copied")
    copied = page.evaluate(CLIPBOARD)
    assert copied.startswith("Report on blocklisted.example, made at ")
    assert "Verdict: blocked (certain): reputation_blocked at banner" in copied
    assert "< 554 5.7.1 Service unavailable; Client host [203.0.113.25] blocked using zen.spamhaus.org" in copied
    assert page.barriers() == []
    assert page.complaints() == []


def test_without_scripts_the_button_leads_to_the_report(demo: ExporterProcess, page: Browser) -> None:
    page.scripts(allowed=False)
    page.open(f"{demo.url}/domain/blocklisted.example")
    page.leave_by(lambda: page.find(".copy button").send_keys(Keys.ENTER))
    assert page.url == f"{demo.url}/domain/blocklisted.example/report?"
    # There the text is to be selected by hand, with the keyboard too; a button would do nothing.
    assert report(page).startswith("Report on blocklisted.example, made at ")
    assert not page.find(".copy button").is_displayed()
    assert "Ctrl+A" in page.text_of("#about")
    page.leave_by(page.link("blocklisted.example").click)
    assert page.url == f"{demo.url}/domain/blocklisted.example"


@pytest.mark.parametrize("reachable", [True, False], ids=["clipboard", "no-clipboard"])
def test_on_its_own_page_a_report_is_copied_or_at_least_selected(
    demo: ExporterProcess, page: Browser, reachable: bool
) -> None:
    page.open(f"{demo.url}/domain/blocklisted.example/report")
    page.grant("clipboardReadWrite", "clipboardSanitizedWrite")
    if not reachable:
        page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('not over HTTP'))")
        page.evaluate("document.execCommand = () => false")
    page.find(".copy button").click()
    said = "Copied" if reachable else "Selected: copy it with Ctrl+C"
    page.wait(lambda: page.text_of(".copy [role=status]") == said)
    got = page.evaluate(CLIPBOARD if reachable else "getSelection().toString()")
    assert got.startswith("Report on blocklisted.example, made at ")
    assert not page.find(".by-hand").is_displayed()
    assert page.barriers() == []
    assert page.complaints() == []


def test_every_target_of_the_demo_has_a_report(demo: ExporterProcess, page: Browser) -> None:
    for domain in DEMO:
        page.open(f"{demo.url}/domain/{domain.name}/report")
        assert report(page).startswith(f"Report on {domain.name}, made at ")
