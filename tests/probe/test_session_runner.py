"""Sessions within the limits per address and MX name, with hosts on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import Wait, ordinary, reply
from exporter.model.configuration import Limits
from exporter.model.failure import FailureClass
from exporter.model.result import HostResult
from tests.probe.hosting import NAME, Holder, HostWorld
from tests.probe.probing import domain_of, running, settings_of

C = FailureClass


async def probed(port: int, *addresses: str, seconds: float = 5.0) -> list[HostResult]:
    """The results of the addresses of one MX name."""
    async with HostWorld() as world:
        target = domain_of("a.example", settings_of(port, seconds))
        return await world.probe(target, *((NAME, address) for address in addresses))


def behind(*hosts: SmtpHost) -> AbstractAsyncContextManager[tuple[int, Sequence[SmtpHost]]]:
    """The hosts on one port, each on an address of its own, from 127.0.0.2 on."""
    return running(*((f"127.0.0.{number + 2}", host) for number, host in enumerate(hosts)))


class Farm:
    """Hosts that count their clients together, and let so many of one talk at once."""

    def __init__(self, count: int, granted: int) -> None:
        self.hosts = [SmtpHost(ordinary(NAME, EHLO=(Wait(0.05), reply(250, NAME)))) for _ in range(count)]
        self.granted = granted
        self.most = 0
        self.over = asyncio.Event()

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(f"127.0.0.{number + 2}" for number in range(len(self.hosts)))

    async def watch(self) -> None:
        while True:
            self.most = max(self.most, sum(host.concurrent for host in self.hosts))
            await asyncio.sleep(0)


async def test_a_farm_is_asked_by_one_at_a_time() -> None:
    farm = Farm(6, granted=2)
    async with behind(*farm.hosts) as (port, _):
        watching = asyncio.create_task(farm.watch())
        results = await probed(port, *farm.addresses)
        watching.cancel()
    assert all(result.up for result in results)
    assert farm.most == 1


async def test_six_silent_addresses_take_about_one_timeout() -> None:
    """Their connects overlap: there is nobody whose turn it could be."""
    silent = [SilentHost() for _ in range(6)]
    addresses = [f"127.0.0.{number + 2}" for number in range(6)]
    port = 0
    try:
        for address, host in zip(addresses, silent, strict=True):
            port = await host.start(address, port)
        results = await probed(port, *addresses, seconds=2.0)
    finally:
        for host in silent:
            await host.stop()
    assert {result.failure and result.failure.failure_class for result in results} == {C.CONNECT_TIMEOUT}
    began = [result.timings.at for result in results]
    assert max(began) - min(began) < 1.9, "the last began before the first had ended"


async def test_an_address_that_answers_is_not_kept_waiting_by_silent_ones() -> None:
    silent, alive = SilentHost(), SmtpHost(ordinary(NAME))
    try:
        port = await silent.start("127.0.0.2")
        await alive.start("127.0.0.3", port)
        results = await probed(port, "127.0.0.2", "127.0.0.3", seconds=2.0)
    finally:
        await silent.stop()
        await alive.stop()
    assert [result.up for result in results] == [False, True]
    assert results[1].timings.at - results[0].timings.at < 1.9


async def test_dialogues_with_one_mx_name_are_held_one_after_the_other() -> None:
    farm = Farm(3, granted=1)
    async with behind(*farm.hosts) as (port, _), HostWorld() as world:
        watching = asyncio.create_task(farm.watch())
        hosts = []
        for number in range(4):
            settings = replace(settings_of(port), helo=f"helo{number}.example")
            holder = Holder(domain_of("a.example", settings))
            hosts += [world.hold(holder, NAME, address).host for address in farm.addresses]
        results = await world.first_results(*hosts)
        watching.cancel()
    assert len(results) == 12
    assert all(result.up for result in results)
    assert farm.most == 1


@pytest.mark.parametrize("at_once", [1, 2])
async def test_one_address_sees_no_more_sessions_at_once_than_allowed(at_once: int) -> None:
    host = SmtpHost(ordinary(NAME, greeting=(Wait(0.02), reply(220, NAME))))
    async with behind(host) as (port, _), HostWorld(limits=Limits(per_address=at_once)) as world:
        hosts = []
        for number in range(6):
            settings = replace(settings_of(port), helo=f"helo{number}.example")
            hosts.append(world.hold(Holder(domain_of("a.example", settings)), f"mx{number}.example", "127.0.0.2").host)
        await world.first_results(*hosts)
        assert (host.connections, host.concurrent_max) == (6, at_once)


async def test_addresses_that_greet_late_are_each_granted_their_timeout() -> None:
    """Whoever waits for the turn of the name does not wait for the greeting meanwhile."""
    hosts = [SmtpHost(ordinary(NAME, greeting=(Wait(0.6), reply(220, NAME)))) for _ in range(3)]
    async with behind(*hosts) as (port, _):
        results = await probed(port, "127.0.0.2", "127.0.0.3", "127.0.0.4", seconds=1.0)
    assert all(result.up for result in results)
