"""A backend made of data, and for the tests in a real browser a demo and one window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.demo.domains import DEMO
from tests.support.browser import Browser, browser
from tests.support.exporter_process import UNHURRIED, ExporterProcess, running_demo
from tests.support.waiting import until_sync
from tests.web.fake_backend import FakeBackend


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture(scope="module")
def demo() -> Iterator[ExporterProcess]:
    with running_demo(first=UNHURRIED) as process:
        until_sync(lambda: len(process.named("mx_domain_up")) == len(DEMO), 60.0)
        yield process


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def page(window: Browser) -> Browser:
    """The one window, as if it were new."""
    window.open("about:blank")
    window.scripts(allowed=True)
    window.look()
    window.zone("")
    window.complaints()
    return window
