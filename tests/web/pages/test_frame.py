"""Texts in the frame of the pages: for browsers, with a way back; text for everybody else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from exporter.config.web.load import load_web
from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence
from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.access.allowed_hosts import AllowedHosts
from exporter.web.app import AppOptions, create_app
from exporter.web.backend import ProbeRefused
from exporter.web.pages import frame
from exporter.web.pages.frame import wants_html
from tests.results import domain
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import BROWSER, browse, known, links_of, text


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER["Accept"], True),
        ("text/html", True),
        ("TEXT/HTML;level=1;q=0.5", True),
        ("text/html, text/plain", True),
        ("", False),
        ("*/*", False),
        ("text/*", False),
        ("text/plain", False),
        ("text/plain, text/html;q=0.9", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
        (";;,,q=", False),
    ],
)
def test_a_browser_is_known_by_its_accept_header(accept: str, html: bool) -> None:
    assert wants_html(accept) is html


@pytest.mark.parametrize("prefix", ["", "/mail/mx"])
@pytest.mark.parametrize(
    ("method", "path", "status", "title", "told"),
    [
        ("GET", "/config", 200, "Configuration", "domains: [example.com]"),
        ("GET", "/probe?target=example.com&debug=true", 200, "Probe of example.com", "220 example.com <b>ESMTP</b>"),
        ("GET", "/probe", 400, "Bad request", "the parameter target is missing"),
        ("GET", "/nope", 404, "Not found", "There is no such page here."),
        ("GET", "/a/b/c%2Fd", 404, "Not found", "There is no such page here."),
        ("GET", "/domain/a%3Cb%3E", 404, "Not found", "No target or MX host of this name is configured."),
        ("GET", "/static/nope", 404, "Not found", "There is no such page here."),
        ("POST", "/", 405, "Method not allowed", "(405)"),
        ("GET", "/?q=a&q=b", 400, "Bad request", "the parameter q is given more than once"),
        ("GET", "/-/ready", 503, "Service unavailable", "mx-exporter is not ready."),
    ],
)
async def test_a_text_is_a_page_for_a_browser_and_a_text_for_curl(
    backend: FakeBackend, prefix: str, method: str, path: str, status: int, title: str, told: str
) -> None:
    backend.kept = known((domain(), None))
    backend.is_ready = False
    async with browse(backend, prefix or "/") as client:
        page = await client.request(method, prefix + path, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert page.headers["vary"] == "Accept"
        assert int(page.headers["content-length"]) == len(page.content)
        assert f"<h1>{title}</h1>" in page.text
        assert told in text(page.text)
        assert "ESMTP</b>" not in page.text
        # The way back, and everything else of the frame.
        for link in links_of(page.text):
            assert not link.startswith("/")
            if link == "#content":
                continue
            there = await client.get(page.url.join(link))
            assert there.status_code == 200, link
        plain = await client.request(method, prefix + path, headers={"Accept": "*/*"})
        assert plain.status_code == status
        assert plain.headers["content-type"].startswith(("text/plain", "text/yaml"))
        assert "<h1>" not in plain.text


@pytest.mark.parametrize("path", ["/metrics", "/sd", "/-/healthy", "/probe?target=example.com"])
async def test_what_programs_read_stays_as_it_is(backend: FakeBackend, path: str) -> None:
    async with browse(backend) as client:
        assert "<html" not in (await client.get(path, headers=BROWSER)).text


async def test_outside_of_the_prefix_the_way_leads_into_it(backend: FakeBackend) -> None:
    async with browse(backend, "/mail/mx") as client:
        for path in ("/metrics", "/a/b/c", "/mail/"):
            page = await client.get(path, headers=BROWSER)
            assert page.status_code == 404
            (back,) = {
                str(page.url.join(link)) for link in links_of(page.text) if link.endswith("/mx/") or link == "mx/"
            }
            assert back == "http://client.example/mail/mx/"


async def test_a_bug_a_hostile_reason_and_a_head_request_are_framed_too(backend: FakeBackend) -> None:
    async with browse(backend) as client:
        backend.error = RuntimeError("secret")
        page = await client.get("/config", headers=BROWSER)
        assert page.status_code == 500
        assert "<h1>Internal server error</h1>" in page.text
        assert "secret" not in page.text
        backend.error = ProbeRefused("no domain: <script>alert(1)</script>")
        page = await client.get("/probe?target=%3Cscript%3E&debug=true", headers=BROWSER)
        assert "no domain: &lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        backend.error = None
        head = await client.head("/nope", headers=BROWSER)
        assert (head.status_code, head.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_a_text_that_is_too_large_or_for_which_memory_is_short_stays_text(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "MAX_FRAMED_BYTES", 100_000)
    async with browse(backend) as client:
        for size, html in ((90_000, True), (100_001, False)):
            backend.configuration = "x" * size
            answer = await client.get("/config", headers=BROWSER)
            assert ("<h1>" in answer.text) is html
            assert "x" * size in answer.text
        backend.configuration = "a: b\n"

        def short(*_: object, **__: object) -> str:
            raise MemoryError

        monkeypatch.setattr("exporter.web.pages.templating.Templates.render", short)
        assert (await client.get("/config", headers=BROWSER)).text == "a: b\n"


async def test_who_is_not_let_in_learns_nothing(backend: FakeBackend, tmp_path: Path) -> None:
    """The frame of a refusal has no state, and the page of somebody who is let in has."""
    view = EgressView(EgressState.BLOCKED, Confidence.LIKELY, networks=5)
    backend.families = dict.fromkeys(Family, view)
    path = tmp_path / "web.yaml"
    path.write_text("basic_auth_users: {a: $2b$04$zQKEcYPuGQ07Zy7NYfBBSO3KmsGYxzsl5vIrcEMsA4GY2pk6o/vWe}\n")
    security = ActiveWebConfig(path, load_web(path))
    hosts = AllowedHosts(["client.example"], [])
    app = create_app(backend, security, replace(AppOptions(), allowed_hosts=hosts))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://client.example", headers=BROWSER
    ) as client:
        for headers, status in (({}, 401), ({"Host": "evil.example"}, 403)):
            page = await client.get("/nope", headers=headers)
            assert page.status_code == status
            assert "<h1>" in page.text
            assert "blocked" not in text(page.text)
        assert (await client.get("/nope", headers={"Accept": "*/*"})).text == "Unauthorized\n"
    async with browse(backend) as client:
        assert "Port 25 is blocked" in text((await client.get("/nope", headers=BROWSER)).text)
