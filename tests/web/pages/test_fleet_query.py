"""The filters in the URL of the status page."""

from __future__ import annotations

import re

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
