"""`/probe`: 200 with the truth, and the requests that get no such answer."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from typing import Any

import pytest

from exporter.web.api.name_selection import MAX_NAMES
from exporter.web.api.probe import KEPT_CONNECTIONS, MAX_PROBES, MAX_TIMEOUT_SECONDS, most_probes
from exporter.web.app import create_app
from exporter.web.backend import NoFreeSlot, ProbeRefused, ProbeRequest
from exporter.web.server.server import MAX_CONNECTIONS
from tests.support import plain_http
from tests.support.waiting import until, until_sync
from tests.web.asking import browse, get
from tests.web.fake_backend import PLAIN, FakeBackend
from tests.web.server.test_server import served, url


async def test_a_probe_is_asked_for_with_what_the_query_says(backend: FakeBackend) -> None:
    answer = await get(backend, "/probe?target=b%C3%BCcher.example&module=full", {"Accept": "text/plain"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, PLAIN)
    assert answer.content == b"mx_domain_up 1\nmx_domain_addresses 2\n"
    assert backend.probes == [ProbeRequest("bücher.example", "full")]
    assert backend.accepts == ["text/plain"]


async def test_debug_answers_with_the_dialogue_as_plain_text(backend: FakeBackend) -> None:
    answer = await get(backend, "/probe?target=example.com&debug=true")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "220 example.com <b>ESMTP</b>\n"


@pytest.mark.parametrize("query", ["", "?target=", "?module=full"])
async def test_a_probe_needs_a_target(backend: FakeBackend, query: str) -> None:
    answer = await get(backend, f"/probe{query}")
    assert (answer.status_code, answer.text) == (400, "the parameter target is missing\n")
    assert backend.probes == []


@pytest.mark.parametrize("debug", ["", "&debug=true"])
@pytest.mark.parametrize(("reason", "status"), [(ProbeRefused, 400), (NoFreeSlot, 503)])
async def test_a_refused_probe_says_why_in_plain_text(
    backend: FakeBackend, debug: str, reason: type[Exception], status: int
) -> None:
    backend.error = reason("unknown module '<script>'")
    answer = await get(backend, f"/probe?target=example.com{debug}")
    assert (answer.status_code, answer.text) == (status, "unknown module '<script>'\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("header", "within"),
    [
        ("10", 9.5),
        ("10.25", 9.75),
        ("0.5", 0.25),  # the offset would leave nothing
        ("1e300", MAX_TIMEOUT_SECONDS - 0.5),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("-1", None),
        ("0", None),
        ("ten", None),
        ("", None),
    ],
)
async def test_a_probe_ends_half_a_second_before_the_scrape(
    backend: FakeBackend, header: str, within: float | None
) -> None:
    await get(backend, "/probe?target=example.com", {"X-Prometheus-Scrape-Timeout-Seconds": header})
    assert backend.probes == [ProbeRequest("example.com", within=within)]


async def test_one_request_too_many_is_refused_at_once_and_the_others_are_answered(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.web.api.probe.MAX_PROBES", 3)
    backend.hold_probes = asyncio.Event()
    async with browse(backend) as client:
        probes = [asyncio.create_task(client.get("/probe?target=example.com")) for _ in range(3)]
        await until(lambda: backend.probes_under_way == 3)
        refused = await client.get("/probe?target=example.com")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.text == "3 probes are in progress\n"
        assert len(backend.probes) == 3
        backend.hold_probes.set()
        assert {answer.status_code for answer in await asyncio.gather(*probes)} == {200}
        assert (await client.get("/probe?target=example.com")).status_code == 200


@pytest.mark.parametrize(
    ("connections", "most"),
    [(100_000, MAX_PROBES), (512, MAX_PROBES), (400, 336), (160, 96), (100, 50), (2, 1), (1, 1)],
)
def test_connections_are_left_for_everything_else(connections: int, most: int) -> None:
    assert most_probes(connections) == most
    assert most <= max(1, connections - min(KEPT_CONNECTIONS, connections // 2))
    assert most_probes(MAX_CONNECTIONS) >= 300


async def test_the_families_that_are_named_are_passed_on(backend: FakeBackend) -> None:
    assert (await get(backend, "/probe?target=a.example&name[]=mx_domain_up&name%5B%5D=mx_host_up")).status_code == 200
    assert backend.probes == [ProbeRequest("a.example", names=frozenset({"mx_domain_up", "mx_host_up"}))]


async def test_names_without_end_are_refused(backend: FakeBackend) -> None:
    answer = await get(backend, "/probe?target=a.example" + "".join(f"&name[]=n{i}" for i in range(MAX_NAMES + 1)))
    assert answer.status_code == 400
    assert backend.probes == []


def test_three_hundred_at_once_are_answered_while_pages_and_scrapes_are_served() -> None:
    """Over real connections, which is how a Prometheus with 300 targets asks."""
    backend = FakeBackend()
    backend.hold_probes = asyncio.Event()
    with served(create_app(backend)) as server, ExitStack() as opened:
        clients = [opened.enter_context(socket.create_connection(server.addresses[0], 30)) for _ in range(300)]
        for number, client in enumerate(clients):
            client.sendall(f"GET /probe?target=d{number}.example HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        until_sync(lambda: backend.probes_under_way == 300, 30)
        for path in ("/", "/metrics", "/-/healthy", "/config"):
            assert plain_http.get(url(server, path)).status_code == 200
        backend.release_probes()
        assert {client.recv(15) for client in clients} == {b"HTTP/1.1 200 OK"}


async def test_a_client_that_hangs_up_cancels_its_probe(backend: FakeBackend) -> None:
    backend.hold_probes = asyncio.Event()
    gone = asyncio.Event()
    requests: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if requests:
            return requests.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {"type": "http", "method": "GET", "path": "/probe", "query_string": b"target=example.com", "headers": []}
    serving = asyncio.ensure_future(create_app(backend)(scope, receive, send))
    await until(lambda: backend.probes_under_way == 1)
    gone.set()
    await asyncio.wait_for(serving, 10)
    await until(lambda: backend.probes_under_way == 0)
    assert backend.cancelled.is_set()
