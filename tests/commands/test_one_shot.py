"""Probes of targets that are named once, with the engine that the server has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from exporter.commands import one_shot
from exporter.commands.live import LiveProbes
from exporter.commands.one_shot import OneShotProbes
from exporter.lab.dns_host import DnsHost
from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.configuration import Config, Egress, Limits, ResolverSettings
from exporter.model.result import DomainResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.report.local_state import LocalState
from tests.probe.probing import LOOPBACK

ONE_AT_ONCE = Limits(concurrency=1)
WELL, SILENT = "mx.well.example", "mx.silent.example"
ALONE = Egress(witness_ports=(), trace=False)
DOMAINS = tuple(f"{number}.example" for number in range(1000))
ADDRESSES = {WELL: "127.61.0.1", SILENT: "127.62.0.1"}


class Recorded:
    """A report that keeps what it gets, in its order."""

    def __init__(self, *, streams: bool) -> None:
        self.streams = streams
        self.got: list[str] = []
        self.up: dict[str, bool] = {}
        self.drawn = False
        self.first = asyncio.Event()

    def progress(self, result: DomainResult) -> None:
        self.got.append("progress")
        self.first.set()

    def know(self, side: LocalState) -> None:
        pass

    def add(self, target: Target, result: DomainResult) -> None:
        self.got.append(target.name)
        self.up[target.name] = result.up

    async def keep_drawn(self) -> None:
        self.drawn = True
        await asyncio.Event().wait()

    def finish(self, without_result: Sequence[str] = ()) -> int:
        return 0


@asynccontextmanager
async def world() -> AsyncIterator[tuple[SmtpHost, int]]:
    """A host that greets, by its own name and with STARTTLS, and one that is silent on the same port."""
    well, silent = SmtpHost(ordinary(WELL, ("STARTTLS",))), SilentHost()
    port = await well.start(ADDRESSES[WELL])
    await silent.start(ADDRESSES[SILENT], port)
    try:
        yield well, port
    finally:
        await well.stop()
        await silent.stop()


def target(name: str, port: int) -> Target:
    return Target(TargetKind.HOST, name, name, Settings(port=port, timeout=0.5, allow_addresses=LOOPBACK))


@asynccontextmanager
async def probing(
    limits: Limits = ONE_AT_ONCE, egress: Egress = ALONE, audience: LiveProbes | None = None
) -> AsyncIterator[OneShotProbes]:
    """Probes with a resolver that knows the hosts, and domains that are all on the first one."""
    records = {(name, "A"): [address] for name, address in ADDRESSES.items()}
    records |= {(domain, "MX"): [f"10 {WELL}."] for domain in DOMAINS}
    dns = DnsHost(records)
    config = Config(limits=limits, egress=egress)
    resolver = ResolverSettings((await dns.start(),))
    probes = OneShotProbes(config, config.modules, resolver, "probe.example", audience)
    try:
        yield probes
    finally:
        await probes.close()
        await dns.stop()


async def probed(targets: list[Target], report: Recorded, limits: Limits = ONE_AT_ONCE) -> None:
    async with probing(limits) as probes:
        await probes.probe_all(targets, report)


async def test_a_timeout_is_reported_last_and_after_a_host_that_answered_was_greeted_again() -> None:
    async with world() as (well, port):
        report = Recorded(streams=True)
        await probed([target(WELL, port), target(SILENT, port)], report)
        assert report.got == ["progress", WELL, "progress", SILENT]
        assert report.drawn
        assert well.connections == 2


async def test_a_host_whose_limits_leave_no_session_in_time_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_shot, "_AGAIN_SECONDS", 0.1)
    async with world() as (well, port):
        report = Recorded(streams=True)
        paused = Limits(concurrency=1, per_address_interval=3600.0)
        async with asyncio.timeout(30.0):
            await probed([target(WELL, port), target(SILENT, port)], report, paused)
        assert report.got == ["progress", WELL, "progress", SILENT]
        assert well.connections == 1


def domains(port: int, names: Iterable[str] = DOMAINS) -> list[Target]:
    settings = Settings(port=port, timeout=5.0, allow_addresses=LOOPBACK)
    return [Target(TargetKind.DOMAIN, name, name, settings) for name in names]


async def test_targets_of_one_address_share_a_session_whatever_changes_meanwhile() -> None:
    async with world() as (well, port), probing(Limits(concurrency=4)) as probes:
        targets = [replace(target(WELL, port), name=f"{number}.example") for number in range(20)]
        probes._engine.egress_changed(probes._engine.watch.egress)
        await probes.probe_all(targets[:10], Recorded(streams=True))
        probes._engine.egress_changed(probes._engine.watch.egress)
        probes._engine.references_wanted()
        await probes.probe_all(targets[10:], Recorded(streams=True))
        assert well.connections == 1


async def test_a_thousand_names_on_one_host_are_each_reported_once_after_one_session() -> None:
    async with world() as (well, port), probing(Limits(concurrency=50)) as probes:
        report = Recorded(streams=True)
        await probes.probe_all(domains(port), report)
        assert sorted(name for name in report.got if name != "progress") == sorted(DOMAINS)
        assert all(report.up.values())
        assert well.connections == 1


async def test_references_are_greeted_once_and_show_what_is_outside() -> None:
    """References hold their hosts as other targets do: a host that both name has one session."""
    reference = replace(target(WELL, 0), kind=TargetKind.REFERENCE)
    async with world() as (well, port):
        settings = replace(reference.settings, port=port)
        egress = replace(ALONE, references=(replace(reference, settings=settings),))
        async with probing(Limits(concurrency=2), egress) as probes:
            report = Recorded(streams=True)
            await probes.probe_all([target(SILENT, port), target(WELL, port)], report)
            assert report.up == {SILENT: False, WELL: True}
            assert probes._engine.watch.references_up == {WELL: True}
            assert well.connections == 1


async def test_results_come_in_the_order_of_their_names() -> None:
    async with world() as (_, port), probing(Limits(concurrency=4)) as probes:
        report = Recorded(streams=True)
        await probes.probe_all([target(SILENT, port), *domains(port, DOMAINS[:3])], report)
        assert [name for name in report.got if name != "progress"] == [SILENT, *DOMAINS[:3]]


async def test_who_watches_hears_the_lookup_and_the_session() -> None:
    live = LiveProbes()
    async with world() as (_, port), probing(audience=live) as probes:
        (watched,) = domains(port, DOMAINS[:1])
        await probes.probe_all([watched], Recorded(streams=True))
    seen = live.targets[watched.key]
    assert seen.lookup is not None
    (host,) = seen.probed
    session = live.session_of(host)
    assert session is not None
    said = [one.mark + one.text for one in session.lines]
    assert said[0].startswith("connected")
    assert said[1].startswith(f"< 220 {WELL}")
    assert "> EHLO probe.example" in said
    assert said[-1].startswith("< 221 ")


async def test_a_report_that_cannot_be_drawn_ends_the_probes_with_its_error() -> None:
    class Broken(Recorded):
        async def keep_drawn(self) -> None:
            raise BrokenPipeError

    async with world() as (_, port), probing() as probes:
        report = Broken(streams=True)
        with pytest.raises(BrokenPipeError):
            await probes.probe_all([target(WELL, port)], report)
        assert report.up == {WELL: True}


async def test_where_nothing_is_open_no_host_is_greeted_twice() -> None:
    async with world() as (well, port):
        report = Recorded(streams=False)
        await probed([target(WELL, port)], report)
        assert report.got == ["progress", WELL]
        assert well.connections == 1


async def test_what_was_probed_before_an_interruption_is_reported() -> None:
    async with world() as (_, port):
        report = Recorded(streams=False)
        run = asyncio.ensure_future(probed([target(WELL, port), target(SILENT, port)], report))
        await report.first.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        assert report.got == ["progress", WELL]
