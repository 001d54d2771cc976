"""The security headers of every answer."""

from __future__ import annotations

import httpx
import pytest

from tests.web.asking import READ_PATHS, browse, get
from tests.web.fake_backend import FakeBackend


@pytest.mark.parametrize("path", [*READ_PATHS, "/nope", "/-/reload", "/probe"])
async def test_every_answer_carries_the_security_headers(backend: FakeBackend, path: str) -> None:
    assert_guarded(await get(backend, path))


async def test_an_error_of_ours_is_told_guarded_and_without_its_details(backend: FakeBackend) -> None:
    backend.error = RuntimeError("a secret")
    answer = await get(backend, "/config")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert_guarded(answer)


def assert_guarded(answer: httpx.Response) -> None:
    policy = answer.headers["content-security-policy"].split("; ")
    assert set(policy) == {
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    }
    assert len(policy) == len(set(policy))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_only_static_files_may_be_kept_by_a_browser(backend: FakeBackend) -> None:
    async with browse(backend) as client:
        for path in READ_PATHS:
            kept = (await client.get(path)).headers.get("cache-control") != "no-store"
            assert kept == path.startswith(("/static/", "/favicon.ico")), path
