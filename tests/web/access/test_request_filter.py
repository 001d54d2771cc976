"""Requests that the filter refuses before any endpoint sees them."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from exporter.web.access.allowed_hosts import AllowedHosts
from exporter.web.access.request_filter import MAX_BODY_BYTES, RequestFilter

Headers = list[tuple[bytes, bytes]]
OURS: Headers = [(b"host", b"mx.example")]
FOREIGN: Headers = [(b"host", b"evil.example")]


async def answer(method: str, path: str, headers: Headers, prefix: str = "") -> tuple[int, dict[bytes, bytes]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    app = RequestFilter(PlainTextResponse("passed"), AllowedHosts(["mx.example"], ["127.0.0.1"]), prefix=prefix)
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": headers}
    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", OURS, 200),
        ("GET", "/", FOREIGN, 403),
        ("GET", "/", [], 200),  # HTTP/1.0
        ("GET", "/", [(b"host", b"a b")], 400),
        ("GET", "/metrics", FOREIGN, 200),
        ("GET", "/-/healthy", FOREIGN, 200),
        ("POST", "/-/healthy", FOREIGN, 403),
        ("POST", "/-/reload", OURS, 200),
        ("POST", "/-/reload", [*OURS, (b"origin", b"http://evil.example")], 403),
        ("POST", "/-/reload", [*OURS, (b"sec-fetch-site", b"none")], 403),
        ("GET", "/probe", [*OURS, (b"sec-fetch-site", b"none")], 200),
        ("GET", "/probe", [*OURS, (b"sec-fetch-site", b"cross-site")], 403),
        ("GET", "/config", [*OURS, (b"sec-fetch-site", b"cross-site")], 200),
        ("GET", "http://mx.example/probe", FOREIGN, 200),  # the host of the target counts (RFC 9112 3.2.2)
        ("GET", "http://evil.example/", OURS, 403),
    ],
)
async def test_host_and_sender_decide(method: str, path: str, headers: Headers, status: int) -> None:
    assert (await answer(method, path, headers))[0] == status


async def test_below_a_prefix_the_same_paths_are_open_for_every_host() -> None:
    assert (await answer("GET", "/mx/metrics", FOREIGN, "/mx"))[0] == 200
    assert (await answer("GET", "/metrics", FOREIGN, "/mx"))[0] == 403


@pytest.mark.parametrize(
    ("lengths", "status"),
    [
        ([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], 400),
        ([(b"content-length", str(MAX_BODY_BYTES + 1).encode())], 413),
        ([(b"content-length", b"5")], 200),
        ([(b"transfer-encoding", b"chunked")], 200),
    ],
)
async def test_the_connection_ends_after_a_body_of_unknown_or_wrong_length(lengths: Headers, status: int) -> None:
    found, headers = await answer("POST", "/-/reload", [*OURS, *lengths])
    assert found == status
    assert (headers.get(b"connection") == b"close") is (lengths != [(b"content-length", b"5")])
