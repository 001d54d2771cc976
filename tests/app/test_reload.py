"""The reload of changed files: of a list that is still, and of a file system that answers again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.app import reload
from exporter.config import domain_lists
from tests.app.test_monitor import Watched, watched


async def looked(running: Watched, condition: Callable[[], object]) -> None:
    """Look at the files again and again until `condition()` is true."""
    end = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < end
        await running.reload.reload_changed_files()
        await asyncio.sleep(0.005)


async def test_a_list_that_has_changed_is_read_when_it_is_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain_lists, "SETTLE_SECONDS", 0.05)
    names = tmp_path / "names.txt"
    names.write_text("a.example\n")
    async with watched(tmp_path, "domain_files: [names.txt]\n") as running:
        await running.reload.reload_changed_files()
        names.write_text("a.example\nb.example\n")
        assert await running.reload.reload_changed_files() is True  # it may still be written
        assert len(running.monitor.results.targets.records()) == 1
        await looked(running, lambda: len(running.monitor.results.targets.records()) == 2)


async def test_a_list_of_a_group_is_read_again_with_the_settings_of_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain_lists, "SETTLE_SECONDS", 0.05)
    names = tmp_path / "gold.csv"
    names.write_text("domain,team\na.example,x\n")
    groups = "domain_files: ['*.csv']\ngroups: [{port: 2626, labels: {tier: gold}, domain_files: ['gold.*']}]\n"
    async with watched(tmp_path, groups) as running:
        await running.reload.reload_changed_files()
        names.write_text("domain,team\nb.example,y\n")
        found = running.monitor
        await looked(running, lambda: [target.name for target in found.active.config.targets] == ["b.example"])
        (target,) = found.active.config.targets
        assert (target.settings.port, dict(target.labels)) == (2626, {"tier": "gold", "team": "y"})


async def test_a_file_system_that_hangs_is_one_problem_and_a_reload_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(domain_lists, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(reload, "_CHECK_SECONDS", 0.05)
    (tmp_path / "names.txt").write_text("a.example\n")
    async with watched(tmp_path, "domain_files: [names.txt]\n") as running:
        goes_on, check = threading.Event(), running.lists.check
        monkeypatch.setattr(running.lists, "check", lambda *arguments: goes_on.wait(30) and check(*arguments))
        try:
            for _ in range(3):
                assert await running.reload.reload_changed_files() is False
        finally:
            goes_on.set()
        assert [record.message for record in caplog.records].count("configuration not reloaded") == 1
        monkeypatch.setattr(reload, "_CHECK_SECONDS", 30.0)
        number = running.monitor.active.number
        await looked(running, lambda: running.monitor.active.number > number)
