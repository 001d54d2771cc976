"""The endpoints for programs."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest

from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence, FailureClass
from exporter.report.local_state import local_state_lines
from exporter.web.api.endpoints import MAX_SCRAPES
from exporter.web.backend import NoFreeSlot
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


async def test_a_reload_that_the_end_of_the_exporter_cuts_short_is_told_so(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stopping() -> NoReturn:
        raise NoFreeSlot("the exporter is stopping")

    monkeypatch.setattr(backend, "reload", stopping)
    async with browse(backend) as client:
        answer = await client.post("/-/reload")
        assert (answer.status_code, answer.text) == (503, "the exporter is stopping\n")


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
    backend.failing = {FailureClass.EGRESS_BLOCKED: 7}
    async with browse(backend) as client:
        shown = (await client.get("/config")).text
    (line,) = local_state_lines(backend.local_state())
    assert shown.startswith(f"# {line}\n")
    assert shown.count("\n") == 2
    assert shown.endswith("\ndomains: []\n")
