"""The engine: what a reload of its settings keeps, and what it makes new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from exporter.app.engine import Engine, EngineSettings
from exporter.concurrency.slots import ProbeSlots
from exporter.egress.listener import NoListener
from exporter.egress.settings import WatchSettings
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.configuration import Egress, Limits, ResolverSettings
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.probe_options import ProbeOptions
from tests.probe.probing import LOOPBACK

SETTINGS = EngineSettings(
    ResolverSettings((("127.0.0.1", 1),)),
    Limits(concurrency=2),
    WatchSettings(Egress(witness_ports=(), trace=False), 60.0, 35.0, "probe.example"),
    "probe.example",
)


@asynccontextmanager
async def engine(slots: ProbeSlots) -> AsyncIterator[Engine]:
    running = Engine(SETTINGS, slots, NoListener())
    try:
        yield running
    finally:
        await running.close()


async def test_a_target_is_probed_and_judged_by_one_engine() -> None:
    host = SmtpHost(ordinary("mx.well.example"))
    port = await host.start("127.61.0.1")
    target = Target(TargetKind.HOST, "mx.well.example", "127.61.0.1", Settings(port=port, allow_addresses=LOOPBACK))
    slots = ProbeSlots(2)
    await slots.take()
    async with engine(slots) as running:
        result = running.judge(target, await running.probe(target, ProbeOptions(transcript=True)))
        assert result.up
        assert any(b"EHLO probe.example" in line.data for line in result.hosts[0].transcript)
    slots.free()
    await host.stop()


async def test_other_limits_make_no_new_resolver_and_another_resolver_retires_the_old_one() -> None:
    slots = ProbeSlots(2)
    async with engine(slots) as running:
        first = running.resolver
        running.configure(replace(SETTINGS, limits=Limits(concurrency=5)))
        assert (running.resolver is first, slots.limit) == (True, 5)
        running.configure(replace(SETTINGS, resolver=ResolverSettings((("127.0.0.1", 2),))))
        assert running.resolver is not first
        await asyncio.sleep(0)
