"""The engine: targets looked up, hosts probed once for all, both joined; and what a reload keeps of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from unittest import mock

import pytest

from exporter.app import host_judgement
from exporter.lab.smtp_script import ordinary
from exporter.model.configuration import Limits, ResolverSettings
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.resolver import ResolverState, ResolverView
from exporter.model.result import DomainResult, HostOutcome, HostResult, HostTimings, MxHost, MxLookup
from exporter.model.target import Target, TargetKind
from exporter.probe.host_turn import HostTurn
from exporter.probe.hosts import Host
from exporter.resolver.cache import UNCONFIGURED
from tests.app.engines import ADDRESS, MX, OTHER, PLAIN, Running, running
from tests.support.waiting import until

REFUSED = Failure(Stage.CONNECT, FailureClass.CONNECT_REFUSED, "refused")
MANY = 10_000


async def asked(world: Running, *targets: Target) -> list[DomainResult]:
    return await asyncio.gather(*(world.engine.ask(target) for target in targets))


async def test_a_target_is_probed_and_judged_by_one_engine() -> None:
    async with running() as world:
        host = Target(TargetKind.HOST, "the well", ADDRESS, world.domain().settings)
        (result,) = await asked(world, host)
        assert result.up
        assert [(each.mx, each.address) for each in result.hosts] == [(ADDRESS, ADDRESS)]
        (session,) = world.host.sessions
        assert session.commands[0] == b"EHLO probe.example"


async def test_a_host_of_several_targets_has_one_session_and_their_shortest_interval() -> None:
    async with running() as world:
        targets = world.domain("a.example"), world.domain("b.example", interval=60.0, timeout=9.0)
        world.adopt(*targets)
        assert [result.up for result in await asked(world, *targets)] == [True, True]
        (conversation,) = world.engine.table.conversations.values()
        assert (conversation.interval, conversation.timeout) == (60.0, 9.0)
        assert world.host.connections == 1
        world.adopt(targets[0])
        assert (conversation.interval, conversation.timeout) == (3600.0, 5.0)
        assert world.owner.gone == []
        assert [(host.sharing.is_configured, host.sharing.domains) for host in world.hosts()] == [(True, 1)]


async def test_other_limits_make_no_new_resolver_and_another_resolver_retires_the_old_one() -> None:
    async with running() as world:
        first = world.engine.resolver
        world.reconfigure(limits=Limits(concurrency=5))
        assert world.engine.resolver is first
        world.reconfigure(resolver=ResolverSettings((("127.0.0.1", 2),), timeout=0.1))
        assert world.engine.resolver is not first
        (result,) = await asked(world, world.domain())
        assert result.failure is not None
        assert result.failure.stage is Stage.DNS


async def test_a_reload_in_steps_never_leaves_a_target_that_stays_without_its_turn() -> None:
    async with running() as world:
        names = [f"d{number}.example" for number in range(500)]
        targets = [world.domain(name) for name in names]
        world.adopt(*targets)
        turns = [world.engine.scheduled(target) for target in targets]
        steps = 0
        for _ in world.engine.adopting(targets[100:]):
            steps += 1
            assert [world.engine.scheduled(target) for target in targets[100:]] == turns[100:]
        assert steps > 1
        assert [world.engine.scheduled(target) for target in targets] == [None] * 100 + turns[100:]


async def test_a_host_goes_with_its_last_target_and_comes_back_anew() -> None:
    async with running() as world:
        target = world.domain()
        world.adopt(target)
        (before,) = await asked(world, target)
        world.adopt()
        assert world.owner.gone == [before.hosts[0].identity]
        assert (list(world.hosts()), dict(world.engine.table.conversations)) == ([], {})
        world.adopt(target)
        await asked(world, target)
        assert world.host.connections == 2


async def test_a_host_that_strangers_alone_hold_is_told_of_to_nobody_until_it_is_configured() -> None:
    async with running() as world:
        stranger = world.domain("b.example")
        await asked(world, stranger)
        assert (world.owner.hosts, world.owner.domains) == ([], [])
        target = world.domain("a.example")
        world.adopt(target)
        (result,) = await asked(world, target)
        identity = result.hosts[0].identity
        assert world.owner.hosts == [(identity, True, False)]  # at once, from the session of before
        assert world.host.connections == 1
        world.adopt()
        assert world.owner.gone == [identity]
        assert [host.identity for host in world.hosts()] == [identity]
        (lease,) = world.engine._leases._leases
        lease.ends = 0.0
        world.engine.tick()
        await until(lambda: not list(world.hosts()))
        assert world.owner.gone == [identity]


async def test_a_lease_that_ends_in_the_line_for_a_slot_holds_nothing() -> None:
    async with running(limits=Limits(concurrency=1)) as world:
        await world.engine._parts.slots.take()
        waiting = asyncio.ensure_future(world.engine.ask(world.domain(), within=0.05))
        await waiting
        (lease,) = world.engine._leases._leases
        lease.ends = 0.0
        world.engine.tick()
        await until(lambda: len(world.engine._leases) == 0)
        world.engine._parts.slots.free()
        world.engine.schedule.begin(())
        await asyncio.sleep(0)
        assert world.engine.schedule.probes_in_flight == 0
        assert (list(world.hosts()), world.host.connections) == ([], 0)


@pytest.mark.parametrize("configured", [False, True])
async def test_what_is_looked_up_for_a_stranger_s_host_is_a_stranger_s(*, configured: bool) -> None:
    async with running() as world:
        seen: list[bool] = []
        run = HostTurn.run

        async def noting(turn: HostTurn) -> None:
            seen.append(UNCONFIGURED.get())
            await run(turn)

        target = world.domain()
        if configured:
            world.adopt(target)
        with mock.patch.object(HostTurn, "run", noting):
            await asked(world, target)
        assert seen == [not configured]


async def test_the_state_of_a_host_is_told_of_its_domains_at_once_and_without_a_turn() -> None:
    async with running() as world:
        targets = world.domain("a.example"), world.domain("b.example")
        world.adopt(*targets)
        await asked(world, *targets)
        world.owner.domains.clear()
        world.host.script = ordinary(MX, greeting=b"554 not today\r\n")
        (conversation,) = world.engine.table.conversations.values()
        world.engine.schedule.begin((conversation,))
        await until(lambda: len(world.owner.domains) == 2)
        assert sorted(world.owner.domains) == [("a.example", False, False), ("b.example", False, False)]
        assert [result.up for result in await asked(world, *targets)] == [False, False]


def told_now(host: Host, failure: Failure | None) -> HostResult:
    return HostResult(host.identity, HostOutcome(failure, failure), timings=HostTimings(at=time.time()))


class OneFrontEnd:
    """A resolver that knows every domain, and two addresses for all."""

    def __init__(self) -> None:
        self.lookups: dict[str, MxLookup] = {}

    def known_mx(self, domain: str, families: object) -> MxLookup:
        hosts = (MxHost(MX, 10, ("127.61.0.1", "127.61.0.2")),)
        return self.lookups.setdefault(domain, MxLookup(domain, hosts, mx_records=1))


async def test_ten_thousand_domains_are_joined_some_at_a_time() -> None:
    """A state of one host is that of all; no pass of the loop has more than a part of the work."""
    async with running() as world:
        engine = world.engine
        engine._turn_tools.resolver = OneFrontEnd()  # type: ignore[assignment]
        with mock.patch.object(engine.schedule, "begin"), mock.patch.object(engine.schedule, "add"):
            world.adopt(*[world.domain(f"d{number}.example") for number in range(MANY)])
            for turn in engine._turns.values():
                assert turn.run_now()

        told, work = world.owner.domains, (engine._judgement._news, engine._joins)
        for failures, is_turn in (((None, None), True), ((REFUSED, REFUSED), False), ((None, REFUSED), False)):
            told.clear()
            for host, failure in zip(list(world.hosts()), failures, strict=True):
                engine._judgement.take_in({host: told_now(host, failure)})
            assert told == []
            assert sum(turn.dirty for turn in engine._turns.values()) <= host_judgement._TOLD_AT_ONCE
            most, passes = 0, 0
            while any(work):
                before = len(told)
                await asyncio.sleep(0)
                most, passes = max(most, len(told) - before), passes + 1
            assert passes > 10
            assert most < MANY / 3  # a few hundred are a pass's work
            last = {name: (up, turn) for name, up, turn in told}
            assert len(last) == MANY
            assert {up for up, _ in last.values()} == {None in failures}
            assert sum(turn for _, _, turn in told) == MANY * is_turn


async def test_a_target_is_joined_again_when_the_resolver_s_state_changes_if_a_name_of_it_failed() -> None:
    async with running() as world:
        absent, well = world.domain("absent.example"), world.domain("a.example")
        world.adopt(absent, well)
        await asked(world, absent, well)
        joined: list[str] = []
        join = type(world.engine._turns[absent.key]).join

        def noting(turn: object, *args: object) -> object:
            joined.append(turn.target.name)  # type: ignore[attr-defined]
            return join(turn, *args)  # type: ignore[arg-type]

        with mock.patch.object(type(world.engine._turns[absent.key]), "join", noting):
            world.engine.resolver_changed(ResolverView(ResolverState.FAILING))
            await until(lambda: len(world.engine._lookups) == 0)
        assert joined == ["absent.example"]


async def test_a_module_that_changes_has_other_hosts_and_no_session_in_the_old_words() -> None:
    async with running() as world:
        target = world.domain()
        world.adopt(target)
        await asked(world, target)
        (old,) = world.hosts()
        changed = replace(PLAIN, force_helo=True)
        world.reconfigure(modules={"default": changed, "other": OTHER})
        world.adopt(replace(target, settings=replace(target.settings, module=changed)))
        assert old.key.dialogue.retired
        assert old.conversation is not None
        world.engine.schedule.begin((old.conversation,))
        await old.conversation.ended()
        assert world.host.connections == 1
        (result,) = await asked(world, replace(target, settings=replace(target.settings, module=changed)))
        (new,) = world.hosts()
        assert (new.identity, new.key.dialogue is old.key.dialogue) == (old.identity, False)
        assert world.host.sessions[-1].verbs[0] == b"HELO"
        assert result.hosts == (new.result,)


async def test_a_closed_engine_begins_nothing_more() -> None:
    async with running() as world:
        world.adopt(world.domain())
        await world.engine.stop(0.1)
        asking = asyncio.ensure_future(world.engine.ask(world.domain(), within=0.1))
        result = await asking
        assert result.failure is not None
        assert result.failure.failure_class is FailureClass.NO_TURN
        assert world.host.connections == 0
