"""The parts of the engine: what they follow of a reload, and what outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace

from exporter.app.engine_parts import EngineParts, EngineSettings
from exporter.commands.one_shot import NoOwner
from exporter.egress.settings import WatchSettings
from exporter.model.configuration import Egress, Limits, ResolverSettings
from exporter.model.resolver import RESOLVER_UNKNOWN
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.probe.host_tools import HostTools
from exporter.probe.turn_tools import TurnTools
from tests.probe.turning import Turns

SETTINGS = EngineSettings(
    ResolverSettings((("127.0.0.1", 1),)),
    Limits(concurrency=2),
    WatchSettings(Egress(witness_ports=(), trace=False), 60.0, 35.0, "probe.example"),
    "probe.example",
    {"default": Module("default")},
)


@asynccontextmanager
async def parts(settings: EngineSettings = SETTINGS) -> AsyncIterator[tuple[EngineParts, TurnTools, HostTools]]:
    made, table = EngineParts(settings), Turns().table
    turns = made.turn_tools(
        table,
        lambda: RESOLVER_UNKNOWN,
        on_turn=lambda turn, asked: None,
        on_dirty=lambda turn: None,
        on_settled=lambda host, result: None,
    )
    hosts = made.host_tools(
        table,
        NoOwner(),
        lambda conversation, record, results, transcript: None,
        lookups_of=lambda conversation: nullcontext(),
    )
    try:
        yield made, turns, hosts
    finally:
        await made.close()


async def test_all_tools_have_the_same_parts() -> None:
    async with parts() as (made, turns, hosts):
        assert made.resolver is turns.resolver is hosts.resolver
        assert made.slots is turns.slots is hosts.slots
        assert turns.dialogues is hosts.dialogues
        assert turns.policies is not None
        assert hosts.tlsa is not None
        assert not hosts.once


async def test_other_limits_are_followed_in_place() -> None:
    async with parts() as (made, turns, _):
        resolver = made.resolver
        made.configure(replace(SETTINGS, limits=Limits(concurrency=5)))
        assert (made.resolver is resolver, made.slots.limit, turns.resolver is resolver) == (True, 5, True)


async def test_another_resolver_is_that_of_all_tools_and_the_old_one_is_closed_at_the_end() -> None:
    async with parts() as (made, turns, hosts):
        first, policies, tlsa = made.resolver, turns.policies, hosts.tlsa
        made.configure(replace(SETTINGS, resolver=ResolverSettings((("127.0.0.1", 2),))))
        assert made.resolver is not first
        assert made.resolver is turns.resolver is hosts.resolver
        assert turns.policies is not policies
        assert hosts.tlsa is not tlsa
        (retired,) = made._retired
        assert retired is first
        await asyncio.sleep(0)


async def test_dialogues_follow_the_modules_of_a_configuration() -> None:
    async with parts() as (made, turns, _):
        target = Target(TargetKind.DOMAIN, "a.example", "a.example", Settings(module=Module("default")))
        before = turns.dialogues.of(target)
        made.configure(replace(SETTINGS, modules={"default": Module("default", force_helo=True)}))
        assert before.retired
        made.configure(SETTINGS)
        after = turns.dialogues.of(target)
        assert (after.retired, after.label) == (False, "default")
