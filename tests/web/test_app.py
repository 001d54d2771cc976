from __future__ import annotations

import asyncio
import gzip
import logging
import threading
from random import Random
from typing import Any

import httpx
import pytest

from exporter.web.api.endpoints import MAX_PROBES, MAX_SCRAPES, MAX_TIMEOUT_SECONDS
from exporter.web.app import AppOptions, create_app
from exporter.web.backend import Backend, NoFreeSlot, ProbeRefused
from exporter.web.server import memory_shortage
from tests.support.waiting import until
from tests.web.fake_backend import PLAIN, FakeBackend

_: type[Backend] = FakeBackend  # the fake is one, says mypy

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
]


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


def browse(backend: FakeBackend, route_prefix: str = "/") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(
        create_app(backend, options=AppOptions(route_prefix=route_prefix)), raise_app_exceptions=False
    )
    return httpx.AsyncClient(transport=transport, base_url="http://client.example", headers={"Accept-Encoding": ""})


async def get(backend: FakeBackend, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async with browse(backend) as client:
        return await client.get(path, headers=headers)


async def test_metrics_are_the_backends_pieces_in_the_backends_format(backend: FakeBackend) -> None:
    answer = await get(backend, "/metrics", {"Accept": "application/openmetrics-text"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, PLAIN)
    assert answer.content == b"mx_domain_up 1\nmx_domain_addresses 2\n"
    assert backend.accepts == ["application/openmetrics-text"]
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


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


async def test_one_scrape_too_many_is_refused_at_once_and_the_others_are_answered(backend: FakeBackend) -> None:
    backend.hold_scrapes.clear()
    async with browse(backend) as client:
        scrapes = [asyncio.create_task(client.get("/metrics")) for _ in range(MAX_SCRAPES)]
        try:
            await until(lambda: backend.scrapes_under_way == MAX_SCRAPES)
            refused = await client.get("/metrics")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert (await client.get("/-/healthy")).status_code == 200
        finally:
            backend.hold_scrapes.set()
        assert {answer.status_code for answer in await asyncio.gather(*scrapes)} == {200}
        assert (await client.get("/metrics")).status_code == 200


async def test_a_failed_scrape_gives_its_place_back(backend: FakeBackend) -> None:
    backend.pieces = ("no bytes",)  # type: ignore[assignment]
    async with browse(backend) as client:
        for _attempt in range(MAX_SCRAPES):
            assert (await client.get("/metrics")).status_code == 500
        backend.pieces = (b"",)
        assert (await client.get("/metrics")).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/sd", "/config"])
async def test_where_memory_is_short_a_client_is_told_to_come_again(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    def short(*_: object) -> None:
        raise MemoryError

    for name in ("metrics", "discovery", "effective_config"):
        monkeypatch.setattr(backend, name, short)
    monkeypatch.setattr(memory_shortage._limit, "_logged_at", None)
    with caplog.at_level(logging.ERROR, "exporter.web.server.memory_shortage"):
        answer = await get(backend, path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert [record.message for record in caplog.records] == ["out of memory: an answer was aborted"]


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


async def test_a_probe_is_asked_for_with_what_the_query_says(backend: FakeBackend) -> None:
    answer = await get(backend, "/probe?target=b%C3%BCcher.example&module=full", {"Accept": "text/plain"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, PLAIN)
    assert answer.content == b"mx_domain_up 1\nmx_domain_addresses 2\n"
    assert backend.probes == [("bücher.example", "full", None)]
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
    assert backend.probes == [("example.com", None, within)]


async def test_one_probe_too_many_is_refused_at_once_and_the_others_are_answered(backend: FakeBackend) -> None:
    backend.hold_probes = asyncio.Event()
    async with browse(backend) as client:
        probes = [asyncio.create_task(client.get("/probe?target=example.com")) for _ in range(MAX_PROBES)]
        await until(lambda: backend.probes_under_way == MAX_PROBES)
        refused = await client.get("/probe?target=example.com")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert len(backend.probes) == MAX_PROBES
        backend.hold_probes.set()
        assert {answer.status_code for answer in await asyncio.gather(*probes)} == {200}
        assert (await client.get("/probe?target=example.com")).status_code == 200


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


async def test_unhealthy_while_the_probes_stand_still(backend: FakeBackend) -> None:
    backend.stands_still = "the loop of the probes has not run for 23 s"
    answer = await get(backend, "/-/healthy")
    assert (answer.status_code, answer.text) == (503, f"mx-exporter is not healthy: {backend.stands_still}\n")


async def test_a_standstill_that_ends_at_once_is_not_told(backend: FakeBackend) -> None:
    backend.stands_still = "the loop of the probes has not run for 31 s"
    asked = asyncio.ensure_future(get(backend, "/-/healthy"))
    await until(lambda: backend.troubles_asked or asked.done())
    backend.stands_still = ""
    assert (await asked).status_code == 200


async def test_healthy_whether_ready_or_not(backend: FakeBackend) -> None:
    backend.is_ready = False
    assert (await get(backend, "/-/healthy")).status_code == 200
    assert (await get(backend, "/-/ready")).status_code == 503
    backend.is_ready = True
    assert (await get(backend, "/-/ready")).status_code == 200


async def test_reload_answers_with_what_is_wrong_a_line_each(backend: FakeBackend) -> None:
    async with browse(backend) as client:
        assert (await client.post("/-/reload")).status_code == 200
        backend.problems = ["c.yaml:1:1: domains: <a>", "c.yaml:2:1: hosts: b"]
        answer = await client.post("/-/reload")
    assert (answer.status_code, answer.text) == (500, "c.yaml:1:1: domains: <a>\nc.yaml:2:1: hosts: b\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert backend.reloads == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_reload_is_by_post_alone(backend: FakeBackend, method: str) -> None:
    async with browse(backend) as client:
        answer = await client.request(method, "/-/reload")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert backend.reloads == 0


async def test_the_configuration_is_yaml(backend: FakeBackend) -> None:
    backend.configuration = "domains: [bücher.example]\n"
    answer = await get(backend, "/config")
    assert answer.headers["content-type"] == "text/yaml; charset=utf-8"
    assert answer.text == "domains: [bücher.example]\n"


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


async def test_only_the_style_sheet_may_be_kept_by_a_browser(backend: FakeBackend) -> None:
    async with browse(backend) as client:
        for path in READ_PATHS:
            kept = (await client.get(path)).headers.get("cache-control") != "no-store"
            assert kept == path.startswith("/static/"), path


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


async def test_discovery_is_the_backends_list_as_json(backend: FakeBackend) -> None:
    answer = await get(backend, "/sd")
    assert (answer.headers["content-type"], answer.json()) == ("application/json", [])


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
