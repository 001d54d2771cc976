from __future__ import annotations

import httpx
import pytest

from exporter.config.web.load import RateLimit, WebConfig
from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.access.authentication import BasicAuthentication
from exporter.web.access.rate_limit import RateLimited, TokenBucket
from exporter.web.app import AppOptions, create_app
from tests.web.access.test_authentication import USERS
from tests.web.fake_backend import FakeBackend


def test_a_burst_is_let_through_and_then_one_an_interval() -> None:
    bucket = TokenBucket(RateLimit(interval=2.0, burst=3), now=100.0)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(101.9)
    assert bucket.take(102.1)
    assert not bucket.take(102.2)


def test_what_was_not_used_is_kept_up_to_the_burst() -> None:
    bucket = TokenBucket(RateLimit(interval=0.5, burst=2), now=0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [True, True, False]


async def _status(app: object, path: str = "/-/healthy") -> httpx.Response:
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/metrics", "/probe?target=a.example", "/-/reload", "/static/style.css", "/nope"])
async def test_every_path_is_limited_before_anything_is_done_for_it(path: str) -> None:
    """With passwords too: who guesses is not compared."""
    config = WebConfig(rate_limit=RateLimit(interval=90.5, burst=1), users=USERS)
    app = create_app(FakeBackend(), security=ActiveWebConfig(config=config))
    assert (await _status(app, path)).status_code == 401
    refused = await _status(app, path)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "91"
    assert refused.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
@pytest.mark.parametrize("prefix", ["", "/mail"])
async def test_a_supervisor_without_a_password_is_answered_at_any_rate(path: str, prefix: str) -> None:
    config = WebConfig(rate_limit=RateLimit(interval=90.5, burst=1), users=USERS)
    app = create_app(FakeBackend(), ActiveWebConfig(config=config), AppOptions(route_prefix=prefix))
    assert [(await _status(app, prefix + path)).status_code for _ in range(3)] == [200, 200, 200]
    for other in (f"{prefix}{path}/", f"{prefix}/metrics?{path}"):
        assert (await _status(app, other)).status_code in (401, 429)


async def test_another_configuration_holds_at_once_and_the_same_again_forgives_nothing() -> None:
    now = [0.0]
    security = ActiveWebConfig(config=WebConfig(rate_limit=RateLimit(60.0, 1)))
    app = RateLimited(BasicAuthentication(create_app(FakeBackend()), security), security, lambda: now[0])
    assert [(await _status(app)).status_code for _ in range(2)] == [200, 429]
    security.config = WebConfig(rate_limit=RateLimit(60.0, 1), headers={"X-Frame-Options": "deny"})
    assert (await _status(app)).status_code == 429
    security.config = WebConfig(rate_limit=RateLimit(30.0, 2))
    assert [(await _status(app)).status_code for _ in range(3)] == [200, 200, 429]
    now[0] = 30.0
    assert (await _status(app)).status_code == 200
    security.config = WebConfig()
    assert [(await _status(app)).status_code for _ in range(3)] == [200, 200, 200]
