"""The reload of changed files: of a list that is still, and of a file system that answers again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.app import reload
from exporter.app.active_configuration import ActiveConfiguration
from exporter.config import stillness
from tests.app.test_monitor import HEAD, Watched, watched


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
    monkeypatch.setattr(stillness, "SETTLE_SECONDS", 0.05)
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
    monkeypatch.setattr(stillness, "SETTLE_SECONDS", 0.05)
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
    monkeypatch.setattr(stillness, "SETTLE_SECONDS", 0.05)
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


def value(running: Watched, name: str) -> float | None:
    return running.monitor.metrics.registry.get_sample_value(f"mx_exporter_config_{name}")


def names(running: Watched) -> list[str]:
    return [target.name for target in running.monitor.active.config.targets]


async def test_a_main_file_that_changes_is_told_and_read_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillness, "SETTLE_SECONDS", 0.0)
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        await running.reload.reload_changed_files()
        assert value(running, "file_differs") == 0.0
        running.path.write_text(f"{HEAD}domains: [b.example]\n")
        await running.reload.reload_changed_files()
        assert (names(running), value(running, "file_differs")) == (["a.example"], 1.0)
        assert await running.reload.reload() == []
        assert (names(running), value(running, "file_differs")) == (["b.example"], 0.0), "at once"
        running.path.write_text(f"{HEAD}domains: [b..example]\n")
        assert await running.reload.reload() != []
        assert (names(running), value(running, "file_differs")) == (["b.example"], 1.0)


async def test_a_main_file_that_is_followed_is_read_when_it_is_still_and_a_bad_one_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stillness, "SETTLE_SECONDS", 0.05)
    async with watched(tmp_path, "domains: [a.example]\n", follows_main=True) as running:
        await running.reload.reload_changed_files()
        running.path.write_text(f"{HEAD}domains: [b.example]\n")
        assert await running.reload.reload_changed_files() is True  # it may still be written
        assert names(running) == ["a.example"]
        await looked(running, lambda: names(running) == ["b.example"])
        running.path.write_text(f"{HEAD}domains: [b..example]\n")
        await looked(running, lambda: value(running, "last_reload_successful") == 0.0)
        for _ in range(20):
            await running.reload.reload_changed_files()
            await asyncio.sleep(0.005)
        assert [record.message for record in caplog.records].count("configuration not reloaded") == 1
        assert (names(running), value(running, "file_differs")) == (["b.example"], 1.0)
        running.path.write_text(f"{HEAD}domains: [b.example]\n")  # as it was
        await looked(running, lambda: value(running, "last_reload_successful") == 1.0)


async def test_a_list_that_changes_is_read_though_the_main_file_is_half_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillness, "SETTLE_SECONDS", 0.0)
    listed = tmp_path / "names.txt"
    listed.write_text("a.example\n")
    async with watched(tmp_path, "domain_files: [names.txt]\n") as running:
        await running.reload.reload_changed_files()
        running.path.write_text("domains: [")
        listed.write_text("a.example\nb.example\n")
        await looked(running, lambda: names(running) == ["a.example", "b.example"])
        assert value(running, "last_reload_successful") == 1.0  # nobody has asked for the main file
        assert len(await running.reload.reload()) == 1
        listed.write_text("b.example\n")
        await looked(running, lambda: names(running) == ["b.example"])
        assert value(running, "last_reload_successful") == 0.0  # the main file is still refused


async def test_at_the_end_nothing_is_adopted_any_more(tmp_path: Path) -> None:
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        running.path.write_text(f"{HEAD}domains: [b.example]\n")
        under_way = asyncio.ensure_future(running.reload.reload())
        await asyncio.sleep(0)
        running.reload.stop()
        assert await under_way == await running.reload.reload() == ["the exporter is stopping"]
        assert names(running) == ["a.example"]


async def test_an_end_amid_an_adoption_leaves_it_whole_and_tells_of_no_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        adopting = running.monitor.adopting

        def ended(active: ActiveConfiguration) -> Iterator[None]:
            yield
            running.reload.stop()
            yield from adopting(active)

        monkeypatch.setattr(running.monitor, "adopting", ended)
        running.path.write_text(f"{HEAD}domains: [b.example]\n")
        assert await running.reload.reload() == ["the exporter is stopping"]
        assert names(running) == ["b.example"]
        assert "configuration reloaded" not in caplog.text
