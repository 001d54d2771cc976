"""The watchers: the loop's lag and heartbeat, old evidence, changed files, removed targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.app import watchers
from exporter.app.watchers import Watchers
from exporter.model.configuration import Config
from exporter.model.target import Settings, Target, TargetKind
from exporter.schedule.scheduler import Schedule
from tests.app.test_monitor import watched
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FILES_SECONDS", "_LOOP_LAG_SECONDS", "_EGRESS_SECONDS", "MINUTE"):
        monkeypatch.setattr(watchers, name, 0.01)


async def test_each_watcher_looks_and_an_error_of_one_is_counted_and_ends_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        looked: dict[str, int] = {}

        def count(name: str, *, fails: bool = False) -> None:
            looked[name] = looked.get(name, 0) + 1
            if fails:
                raise RuntimeError("a bug")

        monitor = running.monitor
        monkeypatch.setattr(monitor.engine, "tick", lambda: count("egress", fails=True))
        monkeypatch.setattr(monitor.results, "forget", lambda: count("removed"))
        monkeypatch.setattr(monitor.heartbeat, "beat", lambda stuck: count("heartbeat"))

        async def look() -> bool:
            count("files", fails=True)
            return False

        monkeypatch.setattr(running.reload, "reload_changed_files", look)
        watching = Watchers(monitor, running.reload)
        watching.start()
        await until(lambda: len(looked) == 4 and min(looked.values()) > 1)
        await until(lambda: len(monitor.results.verdict_counts()) > 2)
        await watching.stop()
        errors = monitor.metrics.registry.get_sample_value("mx_exporter_internal_errors_total")
        assert errors == looked["egress"] + looked["files"]
        assert monitor.metrics.registry.get_sample_value("mx_exporter_loop_lag_seconds_count") == looked["heartbeat"]


async def test_probes_that_stand_still_though_the_loop_runs_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        monitor = running.monitor
        watching = Watchers(monitor, running.reload)
        watching.start()
        try:
            await until(lambda: monitor.heartbeat.trouble == "")
            for seconds, words in (((1e5, 0.0), "stands still"), ((0.0, 1e5), "no probe has ended for 100000 s")):
                with monkeypatch.context() as patch:
                    for name, value in zip(("standstill", "slots_taken"), seconds, strict=True):
                        patch.setattr(Schedule, name, value)
                    await until(lambda: words in monitor.heartbeat.trouble)  # noqa: B023 - asked within this turn
                await until(lambda: monitor.heartbeat.trouble == "")
        finally:
            await watching.stop()


def test_a_turn_may_take_as_long_as_its_timeouts() -> None:
    settings = Settings(timeout=600.0)
    patient = Target(TargetKind.DOMAIN, "a.example", "a.example", settings)
    assert watchers._longest_turn(Config(targets=(patient,))) > 600.0 > watchers._longest_turn(Config())
