"""The monitor: targets probed by the engine, results kept, judged again and logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from exporter.app.active_configuration import active_configuration
from exporter.app.monitor import Monitor, Vantage
from exporter.app.reload import ConfigurationReload
from exporter.config.domain_lists import DomainLists
from exporter.config.load import load
from exporter.config.target_names import parse_target
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.result import HostResult
from exporter.model.target import Target, TargetKind
from exporter.schedule.shard import Shard
from exporter.store.row import NO_ROW
from tests.support.steps import at_once
from tests.support.waiting import until

# No lookup and no schedule of seconds: hosts are probed when the test asks.
HEAD = """\
defaults: {interval: 1h, timeout: 2s, helo: probe.example, allow_addresses: [127.0.0.0/8]}
resolver: {nameservers: ["127.0.0.1:1"], timeout: 100ms}
egress: {witness_ports: [], trace: false}
"""


OTHER = "modules: {other: {stages: [ehlo, mail]}}\n"
MODULES = "modules: {default: {stages: [ehlo]}}\n"


@asynccontextmanager
async def well() -> AsyncIterator[tuple[SmtpHost, str]]:
    """A host, and its name in a configuration."""
    host = SmtpHost(ordinary("mx.well.example"))
    port = await host.start("127.61.0.1")
    try:
        yield host, f"127.61.0.1:{port}"
    finally:
        await host.stop()


def configured(monitor: Monitor, name: str) -> Target:
    target = monitor.find(TargetKind.HOST, name)
    assert target is not None
    return target


class Watched:
    """A monitor of a file, and the host that the file may name."""

    def __init__(self, path: Path, *, follows_main: bool = False) -> None:
        self.path = path
        self.lists = DomainLists()
        self.monitor = Monitor(load(path, self.lists), Vantage("me.example"))
        self.reload = ConfigurationReload(path, self.monitor, self.lists, follows_main=follows_main)
        self.reload.adopt_first()


@asynccontextmanager
async def watched(tmp_path: Path, text: str, *, head: str = HEAD, follows_main: bool = False) -> AsyncIterator[Watched]:
    path = tmp_path / "config.yaml"
    path.write_text(head + text)
    running = Watched(path, follows_main=follows_main)
    try:
        yield running
    finally:
        await running.monitor.stop()


async def test_a_probe_in_between_counts_and_one_for_a_client_does_not(tmp_path: Path) -> None:
    async with well() as (host, name), watched(tmp_path, f"hosts: ['{name}']\n{OTHER}") as running:
        monitor = running.monitor
        target = configured(monitor, name)
        stranger = replace(target, settings=monitor.active.config.settings("other"))
        stranger = replace(stranger, settings=replace(stranger.settings, port=target.settings.port))
        assert (await monitor.ask(stranger)).up
        record = monitor.results.get(*target.key)
        assert record is not None
        assert (record.probes, record.result, monitor.results.hosts.records()) == (0, None, [])
        result = await monitor.ask(target, fresh=True)
        record = monitor.results.get(*target.key)
        assert record is not None
        assert (record.probes, record.result is not None and record.result.up) == (1, True)
        assert len(monitor.results.transcripts_of([result.hosts[0].identity])) == 1
        assert await monitor.ask(target) is record.result
        record = monitor.results.get(*target.key)
        assert record is not None
        assert (record.probes, host.connections) == (1, 2)


async def test_the_transcripts_are_those_of_the_sessions_that_a_result_is_about(tmp_path: Path) -> None:
    async with well() as (host, name), watched(tmp_path, f"hosts: ['{name}']\n") as running:
        monitor = running.monitor
        target = configured(monitor, name)
        first = await monitor.ask(target)
        host.script = ordinary("mx.later.example")
        second = await monitor.ask(target, fresh=True)
        host.script = ordinary("mx.last.example", greeting=b"554 not today\r\n")
        third = await monitor.ask(target, fresh=True)
        # The second displaced the first, which ended alike.
        for result, said in ((first, b"mx.later.example"), (second, b"mx.later.example"), (third, b"not today")):
            (transcript,) = monitor.transcripts_of(result).values()
            assert any(said in line.data for line in transcript)


async def test_starttls_that_goes_from_a_host_is_noted_through_a_session_that_showed_nothing(tmp_path: Path) -> None:
    async with well() as (host, name), watched(tmp_path, f"hosts: ['{name}']\n") as running:
        monitor = running.monitor
        target = configured(monitor, name)
        greeting = b"220 mx.well.example ESMTP Postfix\r\n"
        whole = ordinary("mx.well.example", ("SIZE 1000", "STARTTLS"), greeting=greeting)
        stripped = ordinary("mx.well.example", ("SIZE 2000",), greeting=greeting.replace(b"Postfix", b"Exim"))
        refusing = ordinary("mx.well.example", greeting=b"554 not today\r\n")
        for script in (whole, whole, refusing, refusing, stripped, stripped):
            host.script = script
            result = await monitor.ask(target, fresh=True)
        noted = monitor.results.journal_of(target.key, [result.hosts[0].identity])
        assert [(each.entry.what, each.entry.before, each.entry.now) for each in noted] == [
            ("starttls_lost", "offered", "not offered"),
            ("software", "Postfix", "Exim"),
            ("size_limit", "1,000 bytes", "2,000 bytes"),
        ]


async def test_what_another_module_shows_of_a_host_is_no_change_of_it(tmp_path: Path) -> None:
    async with well() as (host, name), watched(tmp_path, f"{MODULES}hosts: ['{name}']\n") as running:
        monitor = running.monitor
        whole, stripped = (ordinary("mx.well.example", words) for words in (("SIZE", "STARTTLS"), ("SIZE",)))
        host.script = whole
        await monitor.ask(configured(monitor, name))
        running.path.write_text(f"{HEAD}{MODULES.replace('ehlo', 'ehlo, mail')}hosts: ['{name}']\n")
        assert await running.reload.reload() == []
        for script, noted in ((stripped, []), (whole, ["starttls_back"])):
            host.script = script
            result = await monitor.ask(configured(monitor, name), fresh=True)
            changes = monitor.results.host_changes([result.hosts[0].identity])
            assert [each.entry.what for each in changes] == noted


async def test_a_host_is_counted_once_and_keeps_its_counters_when_its_module_changes(tmp_path: Path) -> None:
    async with well() as (host, name), watched(tmp_path, f"{MODULES}hosts: ['{name}']\n") as running:
        monitor = running.monitor
        host.script = ordinary("mx.well.example", greeting=b"554 no\r\n")
        result = await monitor.ask(configured(monitor, name))
        identity = result.hosts[0].identity
        running.path.write_text(f"{HEAD}{MODULES.replace('ehlo', 'ehlo, mail')}hosts: ['{name}']\n")
        assert await running.reload.reload() == []
        (before,) = monitor.results.hosts.records()
        monitor.forget()
        renewed = await monitor.ask(configured(monitor, name))
        assert renewed.hosts[0].identity == identity
        assert host.connections == 2
        monitor.forget()
        (after,) = monitor.results.hosts.records()
        assert (sum(before.failures.values()), sum(after.failures.values())) == (1, 2)
        assert after.identity == identity


async def test_a_host_that_a_reload_removes_loses_its_series_and_one_that_stays_keeps_them(tmp_path: Path) -> None:
    async with (
        well() as (_, name),
        well() as (_, other),
        watched(tmp_path, f"hosts: ['{name}', '{other}']\n") as running,
    ):
        monitor = running.monitor
        for each in (name, other):
            await monitor.ask(configured(monitor, each))
        ports = {record.identity.port: record for record in monitor.results.hosts.records()}
        assert len(ports) == 2
        running.path.write_text(f"{HEAD}hosts: ['{other}']\n")
        assert await running.reload.reload() == []
        monitor.forget()
        (left,) = monitor.results.hosts.records()
        assert left is ports[left.identity.port]
        assert other.endswith(f":{left.identity.port}")
        running.path.write_text(
            f"{HEAD}{MODULES.replace('default', 'renamed')}hosts: [{{host: '{other}', module: renamed}}]\n"
        )
        assert await running.reload.reload() == []
        await monitor.ask(configured(monitor, other))
        monitor.forget()
        assert [record.identity.module for record in monitor.results.hosts.records()] == ["renamed"]


async def test_the_series_of_a_host_follow_a_reload_before_its_next_session(tmp_path: Path) -> None:
    async with well() as (host, name), watched(tmp_path, f"hosts: ['{name}']\n") as running:
        monitor = running.monitor
        await monitor.ask(configured(monitor, name))
        for wanted in ("none", "failing", "all"):
            running.path.write_text(f"{HEAD}hosts: [{{host: '{name}', host_series: {wanted}}}]\n")
            assert await running.reload.reload() == []
            (record,) = monitor.results.hosts.records()
            assert record.series == wanted
            assert (record.row is NO_ROW) is (wanted != "all")
        assert host.connections == 1


async def test_what_a_stranger_asked_for_and_a_reload_configures_is_told_from_its_first_turn(tmp_path: Path) -> None:
    async with well() as (host, name), watched(tmp_path, "domains: []\n") as running:
        monitor = running.monitor
        target = parse_target(name, monitor.active.config.settings(None))
        assert (await monitor.ask(target)).up
        running.path.write_text(f"{HEAD}hosts: ['{name}']\n")
        assert await running.reload.reload() == []
        await monitor.ask(configured(monitor, name))
        assert host.connections == 1
        (record,) = monitor.hosts_named("127.61.0.1")
        assert record.result is not None
        assert record.result.up
        assert (record.domains, monitor.domains_behind(record.identity)) == (0, 0)


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
    async with well() as (_, name), watched(tmp_path, f"hosts: ['{name}']\n") as running:
        monitor = running.monitor
        await monitor.ask(configured(monitor, name))
        watch, judged = monitor.engine.watch, list[str]()
        judge_host = watch.judge_host

        def judge(host: HostResult, source: str = "", *, request: bool) -> HostResult:
            judged.append(host.address)
            return judge_host(host, source, request=request)

        with mock.patch.object(watch, "judge_host", judge):
            monitor.engine.egress_changed(watch.egress)
            await until(lambda: judged)
            await asyncio.sleep(0)
        assert judged == ["127.61.0.1"]


async def test_an_error_in_one_judgement_is_logged_and_counted_and_the_others_are_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        well() as (_, one),
        well() as (_, two),
        well() as (_, three),
        watched(tmp_path, f"hosts: ['{one}', '{two}', '{three}']\n") as running,
    ):
        monitor = running.monitor
        for name in (one, two, three):
            await monitor.ask(configured(monitor, name))
        judged: list[int] = []

        def judge(host: HostResult, source: str = "", *, request: bool) -> HostResult:
            judged.append(host.identity.port)
            if two.endswith(f":{host.identity.port}"):
                raise RuntimeError("a bug")
            return host

        with mock.patch.object(monitor.engine.watch, "judge_host", judge), caplog.at_level(logging.ERROR):
            monitor.engine.egress_changed(monitor.engine.watch.egress)
            await until(lambda: len(judged) == 3)
        errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        assert errors == ["internal error in a piece of work"]
        assert monitor.metrics.registry.get_sample_value("mx_exporter_internal_errors_total") == 1
