"""Witness ports: asked where the SMTP port is silent or prohibited, and nowhere else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import CLOSE, SmtpScript, ordinary
from exporter.model.evidence import ConnectOutcome, Witness
from exporter.model.failure import FailureClass
from exporter.model.result import HostResult
from exporter.model.target import Target, TargetKind
from tests.probe.hosting import Holder, HostWorld
from tests.probe.probing import domain_of, settings_of
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
    target = Target(TargetKind.HOST, ADDRESS, ADDRESS, settings_of(port, seconds))
    async with HostWorld(witness_ports=witness_ports) as world:
        (host,) = await world.probe(target, (ADDRESS, ADDRESS))
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


async def test_an_address_is_asked_once_for_all_the_names_of_a_session() -> None:
    async with ports() as (silent, accepting, _, open_):
        holders = [Holder(domain_of(f"{name}.example", settings_of(silent, 1.0))) for name in "abc"]
        async with HostWorld(witness_ports=(accepting,)) as world:
            hosts = [world.hold(each, f"mx.{each.target.host}", ADDRESS).host for each in holders]
            results = await world.first_results(*hosts)
        assert open_.connections == 1
    witnesses = (Witness(accepting, ConnectOutcome.ANSWERED),)
    assert [result.evidence and result.evidence.witnesses for result in results] == [witnesses] * 3
