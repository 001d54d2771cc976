"""The monitor: targets probed by the engine, results kept, judged again and logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exporter.app.active_configuration import active_configuration
from exporter.app.monitor import Monitor, Vantage
from exporter.app.reload import ConfigurationReload
from exporter.config.domain_lists import DomainLists
from exporter.config.load import load
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKind
from exporter.schedule.shard import Shard
from tests.support.steps import at_once
from tests.support.waiting import until

# No lookup and no schedule of seconds: hosts are probed when the test asks.
HEAD = """\
defaults: {interval: 1h, timeout: 2s, helo: probe.example, allow_addresses: [127.0.0.0/8]}
resolver: {nameservers: ["127.0.0.1:1"], timeout: 100ms}
egress: {witness_ports: [], trace: false}
"""


class Watched:
    """A monitor of a file, and the host that the file may name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lists = DomainLists()
        self.monitor = Monitor(load(path, self.lists), Vantage("me.example"))
        self.reload = ConfigurationReload(path, self.monitor, self.lists)
        self.reload.adopt_first()


@asynccontextmanager
async def watched(tmp_path: Path, text: str) -> AsyncIterator[Watched]:
    path = tmp_path / "config.yaml"
    path.write_text(HEAD + text)
    running = Watched(path)
    try:
        yield running
    finally:
        await running.monitor.stop()


async def test_a_probe_in_between_counts_and_one_for_a_client_does_not(tmp_path: Path) -> None:
    host = SmtpHost(ordinary("mx.well.example"))
    port = await host.start("127.61.0.1")
    name = f"127.61.0.1:{port}"
    async with watched(tmp_path, f"hosts: ['{name}']\n") as running:
        monitor = running.monitor
        target = monitor.find(TargetKind.HOST, name)
        assert target is not None
        assert (await monitor.probe_now(target)).up
        record = monitor.results.get(*target.key)
        assert record is not None
        assert record.probes == 0
        await monitor.probe_in_between(target)
        record = monitor.results.get(*target.key)
        assert record is not None
        assert (record.probes, record.result is not None and record.result.up) == (1, True)
        assert len(monitor.results.transcripts.of(target.key)) == 1
    await host.stop()


async def test_a_reload_keeps_what_stays_and_finds_what_is_new(tmp_path: Path) -> None:
    async with watched(tmp_path, "domains: [a.example, b.example]\n") as running:
        monitor = running.monitor
        first = monitor.active.number
        running.path.write_text(f"{HEAD}domains: [b.example, c.example]\n")
        assert await running.reload.reload() == []
        assert monitor.active.number == first + 1
        assert [record.target.name for record in monitor.results.targets.records()] == ["b.example", "c.example"]
        assert monitor.metrics.registry.get_sample_value("mx_exporter_targets", {"kind": "domain"}) == 2.0


async def test_a_file_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        before = running.monitor.active
        running.path.write_text("domains: [a..example]\n")
        (problem,) = await running.reload.reload()
        assert f"{running.path}:1:11: " in problem
        assert running.monitor.active is before
        value = running.monitor.metrics.registry.get_sample_value
        assert value("mx_exporter_config_last_reload_successful") == 0.0


async def test_a_target_of_another_shard_is_known_and_not_probed(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    names = [f"d{number}.example" for number in range(8)]
    path.write_text(f"{HEAD}domains: [{', '.join(names)}]\n")
    monitor = Monitor(load(path), Vantage("me.example"), Shard(0, 2))
    at_once(monitor.adopting(active_configuration(2, load(path), Shard(0, 2))))
    ours = {record.target.name for record in monitor.results.targets.records()}
    assert 0 < len(ours) < len(names)
    assert all(monitor.find(TargetKind.DOMAIN, name) is not None for name in names)
    await monitor.stop()


async def test_results_are_judged_again_when_the_egress_opens(tmp_path: Path) -> None:
    async with watched(tmp_path, "domains: [a.example]\n") as running:
        monitor = running.monitor
        judged: list[str] = []
        (record,) = monitor.results.targets.records()
        await monitor.probe_in_between(record.target)

        def judge(target: object, result: object) -> object:
            judged.append("again")
            return result

        monitor.engine.watch.judge_again = judge  # type: ignore[assignment]
        monitor.egress_changed(monitor.engine.watch.egress)
        await until(lambda: judged)
        await asyncio.sleep(0)
        assert judged == ["again"]


async def test_an_error_in_one_judgement_is_logged_and_counted_and_the_others_are_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(tmp_path, "domains: [a.example, b.example, c.example]\n") as running:
        monitor = running.monitor
        judged: list[str] = []

        def judge(target: Target, result: ProbeResult) -> ProbeResult:
            judged.append(target.name)
            if target.name == "b.example":
                raise RuntimeError("a bug")
            return result

        for target in monitor.active.targets:
            await monitor.probe_in_between(target)
        monitor.engine.watch.judge_again = judge  # type: ignore[method-assign]
        with caplog.at_level(logging.ERROR):
            monitor.egress_changed(monitor.engine.watch.egress)
            await until(lambda: len(judged) == 3)
        assert [record.getMessage() for record in caplog.records] == ["internal error in a judgement"]
        assert monitor.metrics.registry.get_sample_value("mx_exporter_internal_errors_total") == 1
