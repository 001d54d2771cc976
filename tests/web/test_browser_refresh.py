"""The pages come again by themselves and in place: whoever types, reads or walks by the keyboard keeps the place."""

from __future__ import annotations

import pytest

from tests.support import plain_http
from tests.support.browser import Browser
from tests.support.exporter_process import ExporterProcess, running_demo

pytestmark = pytest.mark.long

# Whoever comes back to a page is shown it fresh; so need no test wait for the time to pass.
COME_BACK = "document.dispatchEvent(new Event('visibilitychange'))"


def refresh(page: Browser) -> None:
    """The page has come again, and is the same document."""
    page.evaluate("window.same = true; document.querySelector('main > :last-child').old = true; 0")
    page.evaluate(COME_BACK)
    page.wait(lambda: page.evaluate("!document.querySelector('main > :last-child').old"))
    assert page.evaluate("window.same")


def test_what_is_being_typed_is_kept_with_the_cursor_in_it(demo: ExporterProcess, page: Browser) -> None:
    page.open(f"{demo.url}/?verdict=up")
    field = page.find("input[name=q]")
    field.send_keys("heal")
    refresh(page)
    field.send_keys("thy")
    assert page.focused.get_attribute("name") == "q"
    assert page.find("input[name=q]").get_attribute("value") == "healthy"
    # A choice as well, of which the keyboard has gone on.
    page.evaluate("document.querySelector('select[name=label]').selectedIndex = 1; document.activeElement.blur()")
    refresh(page)
    assert page.evaluate("document.querySelector('select[name=label]').selectedIndex") == 1
    page.leave_by(page.find(".filters button").click)
    assert "q=healthy&verdict=up&class=&warning=&provider=&label=group" in page.url
    assert page.complaints() == []


def test_the_keyboard_stays_at_the_row_and_the_page_where_it_was_scrolled_to(
    demo: ExporterProcess, page: Browser
) -> None:
    page.open(demo.url)
    for selector in ("a[href='domain/greylisting.example']", ".tile.dead", "form[action='levers/mx2/throw'] button"):
        page.evaluate(f'document.querySelector("{selector}").focus()')
        before = page.focused.text, page.evaluate("scrollY")
        refresh(page)
        # The number on a tile may be another one.
        assert (page.focused.text.split()[-1], page.evaluate("scrollY")) == (before[0].split()[-1], before[1])
    page.evaluate("document.querySelector('.refresh a').focus()")
    refresh(page)
    assert page.focused.text.split() == ["Pause", "refreshing"]


def test_what_was_closed_and_scrolled_stays_so(demo: ExporterProcess, page: Browser) -> None:
    page.look(width=380, height=700)
    page.open(f"{demo.url}/domain/healthy.example")
    page.evaluate("document.querySelectorAll('.dialogue')[1].open = false")
    closed = page.evaluate("document.querySelectorAll('.dialogue')[1].dataset.key")
    page.evaluate("document.querySelector('details:not(.dialogue)').open = true")
    opened = page.evaluate("document.querySelector('details:not(.dialogue)').dataset.key")
    refresh(page)
    assert page.evaluate(f"document.querySelector('details[data-key=\"{closed}\"]').open") is False
    assert page.evaluate(f"document.querySelector('details[data-key=\"{opened}\"]').open") is True
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 2


def test_selected_text_stays_selected(demo: ExporterProcess, page: Browser) -> None:
    page.open(f"{demo.url}/domain/healthy.example")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.transcript'))")
    page.evaluate(COME_BACK)
    page.wait(lambda: page.evaluate("document.querySelector('.late')?.textContent") == "paused while text is selected")
    assert "EHLO probe.example" in page.evaluate("getSelection().toString()")
    page.evaluate("getSelection().removeAllRanges()")
    refresh(page)
    assert not page.all(".late")


def test_what_happens_is_seen_without_asking_for_it(demo: ExporterProcess, page: Browser) -> None:
    plain_http.post(f"{demo.url}/levers/mx1/throw", timeout=30.0)
    try:
        page.open(f"{demo.url}/domain/healthy.example")
        states = "[...document.querySelectorAll('.host h2 .badge')].map(badge => badge.textContent.replace('?', ''))"
        page.evaluate("window.same = true; document.body.dataset.refresh = 1")
        page.evaluate(COME_BACK)
        page.wait(lambda: page.evaluate(states) == ["dead", "up"])
        assert page.evaluate("window.same")
        assert page.title == "healthy.example · mx-exporter"
        assert page.barriers() == []
        assert page.complaints() == []
    finally:
        plain_http.post(f"{demo.url}/levers/all/restore", timeout=30.0)


def test_what_was_known_last_stays_while_nobody_answers(page: Browser) -> None:
    with running_demo() as process:
        page.open(f"{process.url}/?verdict=up")
        process.stop()
    page.evaluate(COME_BACK)
    page.wait(lambda: page.evaluate("document.querySelector('.late')?.textContent") == "no answer since then")
    assert page.title.startswith("up")
    assert page.all(".tile.up")
    assert page.barriers() == []
