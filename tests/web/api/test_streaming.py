"""Large answers, made in pieces."""

from __future__ import annotations

import gzip
import threading
from random import Random

import httpx
import pytest

from exporter.web.api.endpoints import MAX_SCRAPES
from exporter.web.app import create_app
from tests.web.asking import browse, get
from tests.web.fake_backend import FakeBackend


@pytest.mark.parametrize("path", ["/metrics", "/probe?target=example.com"])
async def test_text_is_rendered_outside_the_event_loops_thread(backend: FakeBackend, path: str) -> None:
    await get(backend, path)
    assert backend.rendering_threads
    assert threading.get_ident() not in backend.rendering_threads


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("gzip, *;q=0", True),
        ("*;q=0", False),
    ],
)
@pytest.mark.parametrize("path", ["/metrics", "/probe?target=example.com"])
async def test_gzip_is_used_exactly_where_the_client_takes_it(
    backend: FakeBackend, path: str, accepted: str, compressed: bool
) -> None:
    transport = httpx.ASGITransport(create_app(backend))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://client.example") as client,
        client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer,
    ):
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert (answer.headers.get("content-encoding") == "gzip") == compressed
    assert (gzip.decompress(raw) if compressed else raw) == b"".join(backend.pieces)
    assert int(answer.headers["content-length"]) == len(raw)


async def test_a_failed_scrape_gives_its_place_back(backend: FakeBackend) -> None:
    backend.pieces = ("no bytes",)  # type: ignore[assignment]
    async with browse(backend) as client:
        for _attempt in range(MAX_SCRAPES):
            assert (await client.get("/metrics")).status_code == 500
        backend.pieces = (b"",)
        assert (await client.get("/metrics")).status_code == 200


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_a_large_answer_is_made_in_pieces(backend: FakeBackend, accepted: str) -> None:
    packs_badly = Random(14).randbytes(3_000_000)
    backend.pieces = [*(b"%d\n" % number * 99 for number in range(1000)), packs_badly, b"", b"z"]
    async with (
        browse(backend) as client,
        client.stream("GET", "/metrics", headers={"Accept-Encoding": accepted}) as got,
    ):
        assert "content-length" not in got.headers
        raw = b"".join([piece async for piece in got.aiter_raw()])
    assert (gzip.decompress(raw) if accepted == "gzip" else raw) == b"".join(backend.pieces)
