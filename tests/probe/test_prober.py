"""The parts that probes share: sessions, limits, slots and plans."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.lab.smtp_script import Wait, ordinary, reply
from exporter.model.configuration import Limits
from exporter.model.result import MxHost
from exporter.probe import module_plan
from exporter.probe.module_plan import plan_of
from exporter.probe.probe_options import ProbeOptions
from exporter.smtp.plan import Plan
from tests.probe.probing import (
    Names,
    domain_of,
    mx_lookup,
    new_prober,
    probe_in_slot,
    settings_of,
    smtp_hosts,
    unshared,
)
from tests.support.waiting import until


async def test_who_gives_each_probe_a_time_of_its_own_makes_no_plan_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []

    def plan(*arguments: Any, **named: Any) -> Plan:
        made.append(plan_of(*arguments, **named))
        return cast(Plan, made[-1])

    monkeypatch.setattr(module_plan, "plan_of", plan)
    async with smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, _):
        prober = new_prober(Names({"a.example": mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))}))
        for number in range(5):
            options = ProbeOptions(fresh=True, within=5.0 + number)
            assert (await prober.probe(domain_of("a.example", settings_of(port)), options)).up
    assert len(made) == 1


async def test_domains_with_the_same_address_share_a_session() -> None:
    async with smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, (host,)):
        lookup = mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        prober = new_prober(Names({"a.example": lookup, "z.example": lookup}))
        results = [await prober.probe(domain_of(name, settings_of(port))) for name in ("a.example", "z.example")]
        assert host.connections == 1
        await prober.probe(domain_of("a.example", settings_of(port)), ProbeOptions(fresh=True))
        assert host.connections == 2
    assert all(result.up for result in results)


async def test_a_session_is_not_shared_with_who_waits_longer() -> None:
    slow = ordinary("b.example", greeting=(Wait(0.5), reply(220, "b.example")))
    async with smtp_hosts(("127.0.0.2", slow)) as (port, _):
        lookup = mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        prober = new_prober(Names({"a.example": lookup, "z.example": lookup}))
        hasty = await prober.probe(domain_of("a.example", settings_of(port, 0.1)))
        patient = await prober.probe(domain_of("z.example", settings_of(port, 30.0)))
    assert (hasty.up, patient.up) == (False, True)


async def test_one_address_sees_no_more_sessions_at_once_than_allowed() -> None:
    slow = ordinary("b.example", greeting=(Wait(0.02), reply(220, "b.example")))
    async with smtp_hosts(("127.0.0.2", slow)) as (port, (host,)):
        lookup = mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        names = [f"a{number}.example" for number in range(6)]
        prober = unshared(new_prober(Names(dict.fromkeys(names, lookup)), Limits(per_address=2)))
        await asyncio.gather(*(prober.probe(domain_of(name, settings_of(port))) for name in names))
        assert (host.connections, host.concurrent_max) == (6, 2)


@pytest.mark.parametrize("concurrency", [1, 2, 3])
async def test_who_waits_for_a_turn_and_who_shares_a_session_do_not_wait_for_each_other(concurrency: int) -> None:
    slow = ordinary("b.example", greeting=(Wait(0.02), reply(220, "b.example")))
    slots = ProbeSlots(concurrency)
    async with smtp_hosts(("127.0.0.2", slow)) as (port, (host,)):
        names = [f"a{number}.example" for number in range(12)]
        prober = new_prober(
            Names(dict.fromkeys(names, mx_lookup(MxHost("b.example", 10, ("127.0.0.2",))))), slots=slots
        )
        # Three ways to greet, so three sessions for one address that takes one at a time, each shared by four.
        targets = [
            domain_of(name, replace(settings_of(port), helo=f"helo{number % 3}.example"))
            for number, name in enumerate(names)
        ]
        async with asyncio.timeout(30.0):
            results = await asyncio.gather(*(probe_in_slot(slots, prober, target) for target in targets))
        assert (host.connections, host.concurrent_max) == (3, 1)
    assert all(result.up for result in results)
    assert slots.used == 0


async def test_many_addresses_that_wait_are_one_probe_under_way_or_none() -> None:
    slow = ordinary("b.example", greeting=(Wait(0.02), reply(220, "b.example")))
    addresses = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
    seen: set[int] = set()
    slots = ProbeSlots(2, lambda: seen.add(slots.used))
    async with smtp_hosts(*((address, slow) for address in addresses)) as (port, hosts):
        names = [f"a{number}.example" for number in range(6)]
        lookups = dict.fromkeys(names, mx_lookup(MxHost("b.example", 10, addresses)))
        prober = unshared(new_prober(Names(lookups), slots=slots))
        targets = [domain_of(name, settings_of(port)) for name in names]
        results = await asyncio.gather(*(probe_in_slot(slots, prober, target) for target in targets))
        assert [(host.connections, host.concurrent_max) for host in hosts] == [(6, 1)] * 3
    assert all(result.up for result in results)
    assert seen <= {0, 1}  # of two slots, one has just become free
    assert slots.used == 0


async def test_a_probe_given_up_while_it_waits_for_a_slot_gives_its_turn_back() -> None:
    mute = ordinary("b.example", greeting=None)
    slots = ProbeSlots(2)
    async with smtp_hosts(("127.0.0.2", mute)) as (port, (host,)):
        names = [f"{letter}.example" for letter in "abc"]
        lookups = dict.fromkeys(names, mx_lookup(MxHost("b.example", 10, ("127.0.0.2",))))
        prober = unshared(new_prober(Names(lookups), slots=slots))
        first, second = (
            asyncio.create_task(probe_in_slot(slots, prober, domain_of(name, settings_of(port, 0.3))))
            for name in names[:2]
        )
        await until(lambda: host.connections == 1)
        await slots.take()  # the one that the second gave back when it began to wait for its turn
        slots.limit = 1
        await first
        for _ in range(5):
            await asyncio.sleep(0)  # the second has its turn now, and no slot
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        slots.free()
        async with asyncio.timeout(30.0):
            await probe_in_slot(slots, prober, domain_of(names[2], settings_of(port, 0.3)))
        assert host.connections == 2
    assert slots.used == 0
