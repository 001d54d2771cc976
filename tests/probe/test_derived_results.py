"""Hosts that come to a conversation of which something is known already."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from exporter.lab.smtp_script import ordinary
from exporter.model.failure import Stage
from exporter.model.policy import DaneState
from exporter.model.result import HostResult
from exporter.model.target import Module, PolicyKind
from exporter.probe.host_turns import HostTurns
from exporter.probe.hosts import Host
from tests.probe.hosting import Holder, HostWorld
from tests.probe.probing import Names, domain_of, settings_of, smtp_hosts
from tests.probe.test_tlsa_answers import TlsaZone

S = DaneState
DANE = Module(name="dane", stages=(Stage.EHLO, Stage.STARTTLS), policies=(PolicyKind.DANE,))


def held(world: HostWorld, port: int, name: str, module: Module = DANE) -> Host:
    return world.hold(Holder(domain_of(f"d.{name}", settings_of(port, module=module))), name, "127.0.0.2").host


def state(result: HostResult) -> DaneState | None:
    return None if result.facts.dane is None else result.facts.dane.state


async def test_records_are_looked_up_for_who_comes_later_and_no_session_is_begun() -> None:
    zone = TlsaZone(d=asyncio.Event())
    async with (
        HostWorld(tlsa=zone.searches(patience=0.05)) as world,
        smtp_hosts(("127.0.0.2", ordinary("mx.farm.example"))) as (port, (smtp,)),
    ):
        first = [held(world, port, f"{name}.farm.example") for name in "ab"]
        assert [state(result) for result in await world.first_results(*first)] == [S.ABSENT, S.ABSENT]
        later = [held(world, port, f"{name}.farm.example") for name in "cd"]
        assert [host.result for host in later] == [None, None]
        assert [state(result) for result in await world.first_results(*later)] == [S.ABSENT, None]
        assert smtp.connections == 1


async def test_a_host_let_go_meanwhile_is_told_nothing() -> None:
    event = asyncio.Event()
    zone = TlsaZone(c=event)
    async with (
        HostWorld(tlsa=zone.searches()) as world,
        smtp_hosts(("127.0.0.2", ordinary("mx.farm.example"))) as (port, _),
    ):
        await world.first_results(*[held(world, port, f"{name}.farm.example") for name in "ab"])
        held(world, port, "c.farm.example")
        world.let_go()
        event.set()
        for _ in range(10):
            await asyncio.sleep(0)
    assert len(world.told) == 1


async def test_lookups_for_later_results_end_with_the_turns() -> None:
    resolver = Names(never=frozenset({"node.other.example"}))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", ordinary("a.farm.example"))) as (port, _):
        await world.first_results(*[held(world, port, f"{name}.farm.example", Module()) for name in "ab"])
        world.turns = HostTurns(replace(world.tools, resolver=resolver))
        conversation = next(iter(world.table.conversations.values()))
        assert conversation.record is not None
        banner = conversation.record.replies[0][1]
        record = replace(
            conversation.record,
            replies=((Stage.BANNER, replace(banner, lines=(b"node.other.example",))), *conversation.record.replies[1:]),
        )
        conversation.record = record
        host = held(world, port, "c.farm.example", Module())
        ended = conversation.ended()
        await asyncio.sleep(0)
        await world.turns.close()
        await ended
        assert host.result is None


@pytest.mark.parametrize("is_retired", [True, False])
async def test_a_retired_dialogue_and_an_old_session_show_nothing(is_retired: bool) -> None:
    async with HostWorld(once=False) as world, smtp_hosts(("127.0.0.2", ordinary("a.farm.example"))) as (port, _):
        first, _ = [held(world, port, f"{name}.farm.example", Module()) for name in "ab"]
        await world.first_results(first)
        assert world.turns.derive(first)
        assert first.conversation is not None
        if is_retired:
            first.key.dialogue.retired = True
        else:
            first.conversation.began -= first.conversation.interval
        assert not world.turns.derive(first)


async def test_where_there_is_one_turn_no_session_grows_old() -> None:
    async with HostWorld(once=True) as world, smtp_hosts(("127.0.0.2", ordinary("a.farm.example"))) as (port, _):
        first, _ = [held(world, port, f"{name}.farm.example", Module()) for name in "ab"]
        await world.first_results(first)
        assert first.conversation is not None
        first.conversation.began -= 100 * first.conversation.interval
        later = held(world, port, "c.farm.example", Module())
        assert later.result is not None
        assert later.result.transcript


async def test_of_an_address_that_is_left_alone_for_its_cost_the_last_session_is_told() -> None:
    async with HostWorld(once=False) as world, smtp_hosts(("127.0.0.2", ordinary("a.farm.example"))) as (port, (smtp,)):
        first, _ = [held(world, port, f"{name}.farm.example", Module()) for name in "ab"]
        (before,) = await world.first_results(first)
        assert first.conversation is not None
        first.conversation.began -= 10 * first.conversation.interval
        world.costs.settle("127.0.0.2", 1.0)
        later = held(world, port, "c.farm.example", Module())
        assert later.result is not None
        assert later.result.timings.at == before.timings.at
        assert smtp.connections == 1
