"""Witness ports: asked where the SMTP port is silent or prohibited, and nowhere else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import CLOSE, SmtpScript, ordinary
from exporter.model.configuration import Limits
from exporter.model.evidence import ConnectOutcome, Witness
from exporter.model.failure import FailureClass
from exporter.model.result import HostResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.prober import Prober
from exporter.probe.witness_ports import WitnessPorts
from tests.probe.probing import LOOPBACK, Names
from tests.support.waiting import until

ADDRESS = "127.62.0.1"


@asynccontextmanager
async def ports() -> AsyncIterator[tuple[int, int, int, SmtpHost]]:
    """One that swallows SYNs, one that accepts, one that refuses, of one address; and who accepts."""
    silent, open_ = SilentHost(), SmtpHost(SmtpScript(greeting=CLOSE))
    with socket.socket() as refusing:
        refusing.bind((ADDRESS, 0))  # taken and not listened on
        try:
            swallowing = await silent.start(ADDRESS)
            yield swallowing, await open_.start(ADDRESS), refusing.getsockname()[1], open_
        finally:
            await silent.stop()
            await open_.stop()


async def probed(port: int, witness_ports: tuple[int, ...], seconds: float = 1.0) -> HostResult:
    settings = Settings(port=port, timeout=seconds, allow_addresses=LOOPBACK)
    prober = Prober(Names(hosts={ADDRESS: (ADDRESS,)}), Limits(), "probe.example", ProbeSlots(10), witness_ports)
    result = await prober.probe(Target(TargetKind.HOST, ADDRESS, ADDRESS, settings))
    (host,) = result.hosts
    return host


async def test_a_silent_port_has_the_others_asked_within_its_own_time() -> None:
    async with ports() as (silent, accepting, refusing, _):
        host = await probed(silent, (accepting, refusing))
    assert host.evidence is not None
    assert host.evidence.witnesses == (
        Witness(accepting, ConnectOutcome.ANSWERED),
        Witness(refusing, ConnectOutcome.RESET),
    )
    assert host.failure is not None
    assert host.failure.failure_class is FailureClass.CONNECT_TIMEOUT  # by itself: the diagnosis comes later


async def test_a_port_that_does_not_answer_either_is_silent_too() -> None:
    async with ports() as (silent, *_):
        other = SilentHost()
        try:
            also_silent = await other.start(ADDRESS)
            host = await probed(silent, (also_silent,))
        finally:
            await other.stop()
    assert host.evidence is not None
    assert host.evidence.witnesses == (Witness(also_silent, ConnectOutcome.NO_ANSWER),)


async def test_the_port_itself_is_no_witness() -> None:
    async with ports() as (silent, *_):
        host = await probed(silent, (silent,))
    assert host.evidence is not None
    assert host.evidence.witnesses == ()


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "answered"])
async def test_nobody_is_asked_about_a_host_that_speaks_for_itself(refused: bool) -> None:
    smtp = SmtpHost(ordinary("mx.example"))
    async with ports() as (_, accepting, refusing, open_):
        port = refusing if refused else await smtp.start(ADDRESS)
        try:
            host = await probed(port, (accepting,))
        finally:
            await smtp.stop()
        assert open_.connections == 0
    assert host.evidence is not None
    assert host.evidence.witnesses == ()


async def test_a_late_answer_is_an_answer() -> None:
    """The witnesses were asked because it was silent so far; what they said is of no interest any more."""
    silent, smtp = SilentHost(), SmtpHost(ordinary("mx.example"))
    async with ports() as (_, accepting, _, open_):
        port = await silent.start(ADDRESS)
        probe = asyncio.create_task(probed(port, (accepting,), seconds=8.0))
        await until(lambda: open_.connections)
        await silent.stop()
        await smtp.start(ADDRESS, port)
        try:
            host = await probe
        finally:
            await smtp.stop()
    assert host.failure is None or host.failure.failure_class is FailureClass.CONNECT_REFUSED
    assert host.evidence is not None
    assert host.evidence.witnesses == ()


async def test_an_address_is_asked_once_an_interval_whoever_asks() -> None:
    async with ports() as (silent, accepting, _, open_):
        witnesses = WitnessPorts((accepting,))
        asked = [witnesses.ask(ADDRESS, silent, source, interval=60.0, seconds=1.0) for source in ("", "", "127.0.0.1")]
        found = await asyncio.gather(*asked)
        assert found == [(Witness(accepting, ConnectOutcome.ANSWERED),)] * 3
        assert open_.connections == 2  # from another address it may look otherwise


async def test_two_modules_ask_about_one_address_once() -> None:
    async with ports() as (silent, accepting, _, open_):
        settings = Settings(port=silent, timeout=1.0, allow_addresses=LOOPBACK)
        prober = Prober(
            Names(hosts={ADDRESS: (ADDRESS,)}), Limits(per_address=2), "probe.example", ProbeSlots(10), (accepting,)
        )
        targets = [
            Target(TargetKind.HOST, name, ADDRESS, replace(settings, helo=f"{name}.example")) for name in ("a", "b")
        ]
        await asyncio.gather(*(prober.probe(target) for target in targets))
        assert open_.connections == 1
