"""The application, asked without a server."""

from __future__ import annotations

import httpx

from exporter.web.app import AppOptions, create_app
from tests.web.fake_backend import FakeBackend


def browse(backend: FakeBackend, route_prefix: str = "/") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(
        create_app(backend, options=AppOptions(route_prefix=route_prefix)), raise_app_exceptions=False
    )
    return httpx.AsyncClient(transport=transport, base_url="http://client.example", headers={"Accept-Encoding": ""})


async def get(backend: FakeBackend, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async with browse(backend) as client:
        return await client.get(path, headers=headers)


READ_PATHS = [
    "/",
    "/metrics",
    "/sd",
    "/probe?target=example.com",
    "/-/healthy",
    "/-/ready",
    "/config",
    "/egress",
    "/static/style.css",
    "/favicon.ico",
]
