"""The application: paths, methods, prefix, switches."""

from __future__ import annotations

import httpx
import pytest

from exporter.web.app import AppOptions, create_app
from exporter.web.backend import Backend
from tests.web.asking import READ_PATHS, browse, get
from tests.web.fake_backend import FakeBackend

_: type[Backend] = FakeBackend  # the fake is one, says mypy


@pytest.mark.parametrize("path", READ_PATHS)
async def test_what_can_be_read_allows_get_and_head_only(backend: FakeBackend, path: str) -> None:
    async with browse(backend) as client:
        got, head = await client.get(path), await client.head(path)
        assert (got.status_code, head.status_code) == (200, 200)
        assert head.headers["content-type"] == got.headers["content-type"]
        for method in ("POST", "PUT", "DELETE"):
            refused = await client.request(method, path)
            assert refused.status_code == 405
            assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/metrics/",
        "/-/",
        "/static",
        "/static/",
        "/static/nope",
        "/static/%2e%2e/app.py",
        "http://client.example//x.example",
    ],
)
async def test_an_unknown_path_is_not_found_and_not_repeated(backend: FakeBackend, path: str) -> None:
    answer = await get(backend, path)
    assert answer.status_code == 404
    assert answer.text == "Not Found"


@pytest.mark.parametrize("prefix", ["/mail/mx", "mail/mx", "/mail/mx/"])
async def test_with_a_prefix_all_is_below_it_and_the_root_leads_there(backend: FakeBackend, prefix: str) -> None:
    async with browse(backend, prefix) as client:
        for path in READ_PATHS:
            assert (await client.get(f"/mail/mx{path}")).status_code == 200, path
        assert (await client.post("/mail/mx/-/reload")).status_code == 200
        for path in ("/", "/mail/mx"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (307, "/mail/mx/")
        for path in ("/metrics", "/mail/mxmetrics", "/mail/", "/mail/mx/metrics/", "/mail/mx/static"):
            assert (await client.get(path)).status_code == 404, path


@pytest.mark.parametrize(
    ("method", "path", "flag"),
    [("POST", "/-/reload", "--web.enable-lifecycle"), ("GET", "/probe?target=a.example", "--web.enable-probe")],
)
async def test_what_is_switched_off_is_forbidden_and_nothing_happens(
    backend: FakeBackend, method: str, path: str, flag: str
) -> None:
    app = create_app(backend, options=AppOptions(lifecycle=False, probes=False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://client.example") as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.text) == (403, f"switched off: see {flag}\n")
    assert (backend.reloads, backend.probes) == (0, [])


async def test_there_is_an_icon_where_browsers_look_for_one(backend: FakeBackend) -> None:
    icon = await get(backend, "/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/x-icon")
    assert icon.content.startswith(b"\x00\x00\x01\x00")
