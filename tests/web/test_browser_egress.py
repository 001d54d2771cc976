"""The egress is blocked while a page is open: the pages show it, in a browser on the exporter's machine of the lab."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from tests.namespaces.mail_network import DOMAINS, MailNetwork
from tests.namespaces.network import address, drop_port_25
from tests.support.browser import Browser, browser
from tests.support.exporter_process import ExporterProcess, command

pytestmark = pytest.mark.long


def test_a_blocked_egress_is_shown_with_its_evidence_and_the_path_to_its_end(tmp_path: Path) -> None:
    with MailNetwork() as mail_network:
        network = mail_network.network
        path = tmp_path / "config.yaml"
        domains = f"domains: [{', '.join(DOMAINS.values())}]"
        path.write_text(mail_network.config(defaults="  interval: 4s", more=domains))
        argv = command(f"--config.file={path}", "--web.listen-address=127.0.0.1:0")
        start = partial(network.popen, "client", argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        process = ExporterProcess(cast("subprocess.Popen[str]", start()))

        def look() -> None:
            with browser() as page:
                _look(page, process.url, lambda: network.rules("gateway", drop_port_25()))

        network.run_in("client", look)


def _look(page: Browser, url: str, close: Callable[[], None]) -> None:
    page.look(width=1280, height=960)
    page.open(f"{url}/egress")
    page.until(lambda: _states(page) == ["open", "open"])
    close()
    page.until(lambda: _states(page) == ["blocked", "blocked"])
    assert "unrelated networks" in page.text_of(".egress .evidence")
    assert "gets through" in page.text_of(".egress .evidence")
    turns = page.texts(".history .badge")  # in between too little may have been known
    assert (turns[0], turns.count("open"), turns.count("blocked")) == ("blocked", 2, 2)
    # Each silent address is named with its witnesses and the router after which it is lost.
    gateway = address("gateway", 4)
    page.until(lambda: gateway in page.text_of("section[aria-labelledby=witnesses]"))
    assert "443 answered, 587 answered" in page.text_of("section[aria-labelledby=witnesses]")
    assert page.barriers() == []
    page.picture("egress-blocked")
    page.leave_by(page.link(next(iter(DOMAINS.values()))).click)
    page.until(lambda: len(page.all("svg.path")) == 2)
    assert "egress_blocked" in page.text_of(".verdict")
    assert f"is dropped after {gateway} (hop 1), while port 443 gets further" in page.text
    assert page.barriers() == []
    page.look(width=1280, height=1560)
    page.picture("path")
    for width in (390, 1024, 1440):
        page.look(width=width, dark=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.barriers() == []
        page.picture(f"path-{width}")
    assert page.complaints() == []


def _states(page: Browser) -> list[str]:
    return page.texts(".egress h2 .badge")[:2]  # the third is the resolver's
