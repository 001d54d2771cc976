"""Sessions within the limits per address and MX name, with hosts on loopback."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import Wait, ordinary, reply
from exporter.model.failure import FailureClass, Stage
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.probe.probe_options import ProbeOptions
from tests.probe.mx_hosts import NAME, prober, running
from tests.probe.probing import unshared

C = FailureClass
STAGES = (Stage.EHLO, Stage.STARTTLS, Stage.MAIL)


def target(port: int, module: Module | None = None, timeout: float = 5.0) -> Target:
    module = module or Module(stages=STAGES)
    settings = Settings(port=port, timeout=timeout, module=module, allow_addresses=(ip_network("127.0.0.0/8"),))
    return Target(TargetKind.DOMAIN, "a.example", "a.example", settings)


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
    async with running(*farm.hosts) as port:
        watching = asyncio.create_task(farm.watch())
        result = await prober(*farm.addresses).probe(target(port, Module()))
        watching.cancel()
    assert result.addresses_up == 6
    assert farm.most == 1


async def test_six_silent_addresses_take_about_one_timeout() -> None:
    """Their connects overlap: there is nobody whose turn it could be."""
    silent = [SilentHost() for _ in range(6)]
    addresses = [f"127.0.0.{number + 2}" for number in range(6)]
    port = 0
    try:
        for address, host in zip(addresses, silent, strict=True):
            port = await host.start(address, port)
        result = await prober(*addresses).probe(target(port, Module(), timeout=2.0))
    finally:
        for host in silent:
            await host.stop()
    assert {host.failure.failure_class for host in result.hosts if host.failure} == {C.CONNECT_TIMEOUT}
    assert 2.0 <= result.duration < 3.5


async def test_an_address_that_answers_is_not_kept_waiting_by_silent_ones() -> None:
    silent, alive = SilentHost(), SmtpHost(ordinary(NAME))
    try:
        port = await silent.start("127.0.0.2")
        await alive.start("127.0.0.3", port)
        result = await prober("127.0.0.2", "127.0.0.3").probe(target(port, Module(), timeout=2.0))
    finally:
        await silent.stop()
        await alive.stop()
    assert [host.up for host in result.hosts] == [False, True]
    assert result.duration < 3.0


async def test_domains_with_one_mx_name_ask_it_one_after_the_other() -> None:
    farm = Farm(3, granted=1)
    async with running(*farm.hosts) as port:
        watching = asyncio.create_task(farm.watch())
        shared = unshared(prober(*farm.addresses))
        results = await asyncio.gather(*(shared.probe(target(port, Module())) for _ in range(4)))
        watching.cancel()
    assert all(result.addresses_up == 3 for result in results)
    assert farm.most == 1


async def test_addresses_that_greet_late_are_each_granted_their_timeout() -> None:
    """Whoever waits for the turn of the name does not wait for the greeting meanwhile."""
    hosts = [SmtpHost(ordinary(NAME, greeting=(Wait(0.6), reply(220, NAME)))) for _ in range(3)]
    async with running(*hosts) as port:
        result = await prober("127.0.0.2", "127.0.0.3", "127.0.0.4").probe(target(port, Module(), timeout=1.0))
    assert result.addresses_up == 3


async def test_without_a_turn_in_the_time_given_that_is_our_own_failure() -> None:
    hosts = [SmtpHost(ordinary(NAME, greeting=None)) for _ in range(3)]
    async with running(*hosts) as port:
        result = await prober("127.0.0.2", "127.0.0.3", "127.0.0.4").probe(
            target(port, Module(), timeout=30.0), ProbeOptions(fresh=True, within=0.8)
        )
    classes = [host.failure.failure_class for host in result.hosts if host.failure is not None]
    assert sorted(classes) == [C.BANNER_TIMEOUT, C.NO_TURN, C.NO_TURN]
    assert result.duration < 5.0
