"""The endpoints for programs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence
from exporter.report.local_state import local_state_lines
from exporter.web.api.endpoints import MAX_PROBES, MAX_SCRAPES, MAX_TIMEOUT_SECONDS
from exporter.web.app import create_app
from exporter.web.backend import NoFreeSlot, ProbeRefused
from tests.support.waiting import until
from tests.web.asking import browse, get
from tests.web.fake_backend import PLAIN, FakeBackend


async def test_metrics_are_the_backends_pieces_in_the_backends_format(backend: FakeBackend) -> None:
    answer = await get(backend, "/metrics", {"Accept": "application/openmetrics-text"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, PLAIN)
    assert answer.content == b"mx_domain_up 1\nmx_domain_addresses 2\n"
    assert backend.accepts == ["application/openmetrics-text"]
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


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


async def test_discovery_is_the_backends_list_as_json(backend: FakeBackend) -> None:
    answer = await get(backend, "/sd")
    assert (answer.headers["content-type"], answer.json()) == ("application/json", [])


async def test_the_configuration_says_so_first_in_a_comment(backend: FakeBackend) -> None:
    backend.configuration = "domains: []\n"
    backend.families = {Family.IPV4: EgressView(EgressState.BLOCKED, Confidence.LIKELY, networks=5)}
    backend.hidden = 7
    async with browse(backend) as client:
        shown = (await client.get("/config")).text
    (line,) = local_state_lines(backend.local_state())
    assert shown.startswith(f"# {line}\n")
    assert shown.count("\n") == 2
    assert shown.endswith("\ndomains: []\n")
