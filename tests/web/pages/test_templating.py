"""The templates."""

from __future__ import annotations

import errno

import pytest

from exporter.web.pages import templating
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import BROWSER, browse


async def test_templates_are_read_at_the_start(fleet: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    templating._compiled.cache_clear()  # as in a process that starts
    client = browse(fleet)

    def unreadable(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("builtins.open", unreadable)
    async with client:
        for page in ("/", "/egress", "/domain/up.example", "/domain/absent.example"):
            assert (await client.get(page, headers=BROWSER)).headers["content-type"].startswith("text/html")
    monkeypatch.setattr("jinja2.loaders.FileSystemLoader.get_source", unreadable)
    templating._compiled.cache_clear()
    with pytest.raises(OSError, match="Too many"):
        browse(fleet)
