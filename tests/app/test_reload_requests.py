"""Requests to reload: both configurations, and the supervisor hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exporter.app import systemd
from exporter.app.memory_limit import MemoryCheck
from exporter.app.reload_requests import ReloadRequests
from exporter.web.access.active_config import ActiveWebConfig
from tests.app.test_monitor import HEAD, Watched, watched
from tests.support.waiting import until


def requests(running: Watched) -> ReloadRequests:
    security = ActiveWebConfig(None, None, running.monitor.metrics.web_loaded)
    return ReloadRequests(running.reload, security, running.monitor, MemoryCheck())


async def test_a_reload_is_reported_as_begun_and_as_ended_whatever_came_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(systemd, "notify", lambda *states: sent.append(states[0]))
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        running.path.write_text("domains: [a..example]\n")
        assert len(await requests(running).reload()) == 1
        assert sent == ["RELOADING=1", "READY=1"]


async def test_each_hangup_is_a_reload(tmp_path: Path) -> None:
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        hangup = asyncio.Event()
        waiting = asyncio.ensure_future(requests(running).reload_on(hangup))
        running.path.write_text(f"{HEAD}domains: [a.example, b.example]\n")
        hangup.set()
        await until(lambda: len(running.monitor.active.targets) == 2)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
