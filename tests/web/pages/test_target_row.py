"""The row of a target."""

from __future__ import annotations

import re

from exporter.model.failure import Stage
from exporter.model.warning import HostWarning
from tests.results import changed, domain, down_host, result, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    C,
    get,
    known,
    links_of,
    names,
    text,
)


async def test_a_row_says_state_class_addresses_and_the_slowest_phase(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?q=up.example")
    row = text(page.partition("<tbody>")[2])
    assert row.startswith("up.example team=web up starttls_not_offered 1/2 banner 250 ms")
    assert "last probe: 1 up" in row


async def test_the_slowest_phase_may_be_one_that_came_to_no_end(backend: FakeBackend) -> None:
    mute = changed(down_host(C.BANNER_TIMEOUT), phases=((Stage.CONNECT, 0.02),), unfinished=(Stage.BANNER, 29.98))
    backend.kept = known((domain(), result(mute)))
    assert "banner 30.0 s" in text((await get(backend, "/")).partition("<tbody>")[2])
    page = await get(backend, "/domain/healthy.example")
    assert 'aria-label="phases: connect 20 ms, banner 30.0 s"' in page
    assert len(re.findall(r'class="phase bad"', page)) == 1


async def test_a_label_that_turns_the_text_around_is_escaped_and_can_be_asked_for(backend: FakeBackend) -> None:
    backend.kept = known((domain("odd.example", team="a\u202eb"), None), (domain("other.example", team="c"), None))
    page = await get(backend, "/")
    assert "\u202e" not in page
    (link,) = [link for link in links_of(page) if "label=team%3Da" in link]
    assert names(await get(backend, link.removeprefix("."))) == ["odd.example"]


async def test_warnings_of_a_host_that_is_up_are_shown(backend: FakeBackend) -> None:
    warned = changed(up_host(), warnings=(HostWarning.HELO_ONLY, HostWarning.BARE_LF))
    backend.kept = known((domain(), result(warned)))
    shown = text(await get(backend, "/domain/healthy.example"))
    assert "helo_only it refuses EHLO, and HELO works bare_lf its lines end with LF in place of CR LF" in shown
    page = await get(backend, "/")
    assert '<a href="classes#helo_only">' in page
    assert "up helo_only and 1 more" in text(page)
    assert 'title="works, with warnings: helo_only, bare_lf"' in page
