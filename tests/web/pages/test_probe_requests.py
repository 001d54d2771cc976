"""Probes that people ask for."""

from __future__ import annotations

import asyncio
import logging

import pytest

from exporter.model.target import TargetKind
from exporter.web.backend import NoFreeSlot
from exporter.web.pages import probe_requests
from exporter.web.pages.probe_requests import MAX_PROBES, ProbeRequests

D = TargetKind.DOMAIN


async def test_a_quick_probe_has_ended_with_the_answer() -> None:
    async def probe(kind: TargetKind, name: str) -> None:
        await asyncio.sleep(0)

    requests = ProbeRequests(probe)
    assert requests.of(D, "a.example") is None
    assert requests.start(D, "a.example")
    await requests.wait(D, "a.example")
    known = requests.of(D, "a.example")
    assert known is not None
    assert (known.is_running, known.trouble) == (False, "")
    assert requests.of(TargetKind.HOST, "a.example") is None


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (NoFreeSlot("no turn\x1b[m"), "no turn\\x1b[m"),
        (RuntimeError("a bug"), "an internal error of the exporter, see its log"),
    ],
)
async def test_what_went_wrong_is_kept(error: Exception, trouble: str, caplog: pytest.LogCaptureFixture) -> None:
    async def probe(kind: TargetKind, name: str) -> None:
        raise error

    requests = ProbeRequests(probe)
    with caplog.at_level(logging.ERROR):
        requests.start(D, "a.example")
        await requests.wait(D, "a.example")
    known = requests.of(D, "a.example")
    assert known is not None
    assert known.trouble == trouble
    assert ("a bug" in caplog.text) is isinstance(error, RuntimeError)


async def test_a_long_probe_is_not_waited_for_and_not_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_requests, "QUICK_SECONDS", 0.0)
    begun: list[str] = []
    hold = asyncio.Event()

    async def probe(kind: TargetKind, name: str) -> None:
        begun.append(name)
        await hold.wait()

    requests = ProbeRequests(probe)
    for number in range(MAX_PROBES):
        assert requests.start(D, f"{number}.example")
        await requests.wait(D, f"{number}.example")
    assert requests.start(D, "0.example")
    assert not requests.start(D, "more.example")
    assert requests.of(D, "more.example") is None
    known = requests.of(D, "0.example")
    assert known is not None
    assert known.is_running
    hold.set()
    await asyncio.sleep(0.01)
    assert len(begun) == MAX_PROBES
    assert requests.start(D, "more.example")


async def test_what_has_ended_is_told_for_a_minute_and_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    async def probe(kind: TargetKind, name: str) -> None:
        pass

    requests = ProbeRequests(probe)
    for number in range(150):
        requests.start(D, f"{number}.example")
        await requests.wait(D, f"{number}.example")
    assert requests.of(D, "0.example") is None
    assert requests.of(D, "149.example") is not None
    monkeypatch.setattr(probe_requests, "TOLD_SECONDS", -1.0)
    assert requests.of(D, "149.example") is None
