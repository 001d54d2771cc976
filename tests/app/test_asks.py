"""Results that somebody waits for: shared with the schedule and with each other, true, and in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from exporter.app import asks
from exporter.app.asks import Asks
from exporter.lab.dns_host import SILENT, Fault
from exporter.lab.smtp_script import Wait, ordinary
from exporter.model.configuration import Limits
from exporter.model.failure import Failure, FailureClass, Stage, Verdict
from exporter.model.result import DomainResult, HostOutcome, HostResult
from exporter.model.warning import HostWarning
from tests.app.engines import ADDRESS, MX, OTHER, PLAIN, RECORDS, Running, running
from tests.support.waiting import until

C = FailureClass
SLOW = ordinary(MX, greeting=(Wait(0.3), b"220 mx.well.example ESMTP\r\n"))
NEVER = ordinary(MX, greeting=Wait(60.0))
PACED = Limits(per_address=1, per_address_interval=3600.0)


def class_of(result: DomainResult) -> FailureClass | None:
    return None if result.failure is None else result.failure.failure_class


async def until_in_session(world: Running, count: int = 1) -> None:
    await until(lambda: world.host.connections >= count)


async def test_two_scrapers_and_the_schedule_have_one_result() -> None:
    async with running(SLOW) as world:
        target = world.domain()
        world.adopt(target)
        one, two = await asyncio.gather(world.engine.ask(target, within=5.0), world.engine.ask(target, within=5.0))
        assert one is two is await world.engine.ask(replace(target), within=5.0)
        assert one.up
        assert world.host.connections == 1
        assert world.owner.domains == [("a.example", True, True)]
        turn = world.engine.scheduled(target)
        assert turn is not None
        assert turn.result is one


async def test_a_configured_target_with_another_module_is_a_lease_with_sessions_of_its_own() -> None:
    async with running() as world:
        target = world.domain()
        world.adopt(target)
        own = await world.engine.ask(target)
        other = await world.engine.ask(replace(target, settings=replace(target.settings, module=OTHER)))
        assert [result.hosts[0].identity.module for result in (own, other)] == ["default", "other"]
        assert other.up
        assert world.host.connections == 2
        assert world.owner.domains == [("a.example", True, True)]
        assert {identity.module for identity, _, _ in world.owner.hosts} == {"default"}
        assert [scheduled for _, scheduled in world.owner.leaders] == [True, False]


async def test_a_lease_takes_what_the_schedule_and_other_leases_know_within_the_interval() -> None:
    async with running() as world:
        world.adopt(world.domain())
        await world.engine.ask(world.domain())
        stranger = await world.engine.ask(world.domain("b.example"))
        assert stranger.up
        assert world.host.connections == 1
        (host,) = world.hosts()
        assert host.conversation is not None
        host.conversation.began -= 0.96 * 3600.0
        await world.engine.ask(world.domain("b.example"))
        assert world.host.connections == 2


async def test_the_sessions_that_are_counted_are_those_that_were_made_whoever_asks_beside_the_schedule() -> None:
    async with running() as world:
        target, stranger = world.domain(interval=0.1), world.domain("b.example", interval=0.1)
        world.adopt(target)
        began = asyncio.get_running_loop().time()
        while world.host.connections < 6:
            asked = (world.engine.ask(target), world.engine.ask(target), world.engine.ask(stranger))
            assert all(result.up for result in await asyncio.gather(*asked))
        intervals = (asyncio.get_running_loop().time() - began) / 0.1
        await world.engine.stop(5.0)
        assert len(world.owner.leaders) == world.host.connections
        assert intervals > 2.0  # six sessions are half an interval apart or more


async def test_what_is_under_way_is_waited_for_and_not_begun_again() -> None:
    async with running(SLOW) as world:
        first = asyncio.ensure_future(world.engine.ask(world.domain()))
        await until_in_session(world)
        results = await asyncio.gather(world.engine.ask(world.domain("b.example")), first)
        assert [result.up for result in results] == [True, True]
        assert world.host.connections == 1


@pytest.mark.parametrize("delay", [0.0, 0.2])
async def test_tenants_that_come_later_wait_for_what_is_looked_up_for_them_and_have_no_sessions(delay: float) -> None:
    names = "cdefgh"
    records = {(f"{name}.example", "MX"): (f"10 mx.{name}.example.",) for name in names}
    records |= {(f"mx.{name}.example", "A"): (ADDRESS,) for name in names}
    async with running(ordinary("front.elsewhere.test"), records=records) as world:
        world.dns.negative_ttl = 0
        world.dns.faults = {"front.elsewhere.test": Fault(delay=delay)}
        for some in ("c", "defgh"):
            asked = [world.engine.ask(world.domain(f"{name}.example"), within=5.0) for name in some]
            assert [result.failure for result in await asyncio.gather(*asked)] == [None] * len(some)
        assert world.host.connections == 1


async def test_a_session_with_less_time_than_the_request_gives_is_no_answer() -> None:
    async with running(ordinary(MX, greeting=(Wait(0.8), b"220 mx.well.example ESMTP\r\n"))) as world:
        hasty = asyncio.ensure_future(world.engine.ask(world.domain(), within=0.9))
        await until_in_session(world)
        assert (await world.engine.ask(world.domain(), within=8.0)).up
        assert class_of(await hasty) is C.BANNER_TIMEOUT
        assert world.host.connections == 2


async def test_a_session_that_does_not_end_in_time_is_told_in_this_answer_alone() -> None:
    async with running(SLOW) as world:
        target = world.domain()
        world.adopt(target)
        await world.engine.resolver.lookup_mx("a.example", target.settings.families)
        early = await world.engine.ask(target, within=0.1)
        assert early.failure is not None
        assert (early.failure.stage, class_of(early), early.failure.verdict) == (
            Stage.CONNECT,
            C.NO_TURN,
            Verdict.LOCAL,
        )
        assert "did not end in the time given" in early.failure.detail
        (host,) = world.hosts()
        assert (host.result, world.owner.domains, world.owner.hosts) == (None, [], [])
        assert (await world.engine.ask(target, within=5.0)).up
        assert world.host.connections == 1


async def test_limits_that_leave_no_session_in_time_are_told_as_that() -> None:
    async with running(limits=PACED) as world:
        assert (await world.engine.ask(world.domain())).up
        other = world.domain(module=OTHER)
        result = await world.engine.ask(other, within=0.2)
        assert class_of(result) is C.NO_TURN
        assert result.failure is not None
        assert "per_address" in result.failure.detail
        assert world.host.connections == 1
        assert all(host.result is None for host in world.hosts() if host.identity.module == "other")


async def test_a_recent_result_answers_for_a_session_that_does_not_end_and_an_old_one_does_not() -> None:
    async with running() as world:
        await world.engine.ask(world.domain())
        (host,) = world.hosts()
        conversation = host.conversation
        assert conversation is not None
        world.host.script = NEVER
        conversation.began -= 1.5 * 3600.0
        assert (await world.engine.ask(world.domain(), within=0.2)).up
        assert world.host.connections == 2
        conversation.began -= 3600.0
        late = await world.engine.ask(world.domain(), within=0.2)
        assert class_of(late) is C.NO_TURN
        assert host.result is not None
        assert host.result.up


async def test_a_lookup_without_an_answer_in_time_is_the_resolver_s_doing() -> None:
    async with running() as world:
        world.dns.faults = {"a.example": SILENT}
        result = await world.engine.ask(world.domain(), within=0.2)
        assert result.failure is not None
        assert (result.failure.stage, class_of(result)) == (Stage.DNS, C.DNS_TIMEOUT)
        assert result.lookup is not None


async def test_a_turn_that_finds_no_slot_in_time_is_our_doing() -> None:
    async with running(SLOW, limits=Limits(concurrency=1)) as world:
        first = asyncio.ensure_future(world.engine.ask(world.domain()))
        await until_in_session(world)
        result = await world.engine.ask(world.domain("b.example"), within=0.1)
        assert result.failure is not None
        assert (class_of(result), result.failure.verdict, result.hosts) == (C.NO_TURN, Verdict.LOCAL, ())
        assert "concurrency" in result.failure.detail
        assert (await first).up


async def test_a_fresh_result_has_sessions_of_now_and_is_told_to_all() -> None:
    async with running() as world:
        target = world.domain()
        world.adopt(target)
        assert (await world.engine.ask(target)).up
        world.host.script = ordinary(MX, greeting=b"554 not today\r\n")
        assert (await world.engine.ask(target)).up  # within the interval
        result = await world.engine.ask(target, fresh=True)
        assert class_of(result) is C.BANNER_REJECTED
        assert world.host.connections == 2
        assert world.owner.domains[-1][:2] == ("a.example", False)
        assert [turn for _, _, turn in world.owner.domains].count(True) == 2
        assert world.owner.hosts[-1][1:] == (False, True)
        turn = world.engine.scheduled(target)
        assert turn is not None
        assert turn.result is result


async def test_a_fresh_result_waits_for_the_limits_like_any_other() -> None:
    async with running(limits=PACED) as world:
        target = world.domain()
        world.adopt(target)
        assert (await world.engine.ask(target)).up
        await world.engine.ask(target, within=0.2, fresh=True)
        assert world.host.connections == 1


async def test_a_way_that_changes_while_somebody_waits_is_gone_once_more() -> None:
    async with running(SLOW) as world:
        first = asyncio.ensure_future(world.engine.ask(world.domain()))
        await until_in_session(world)
        await asyncio.sleep(0)
        world.engine.watch.routes_changed_at = asyncio.get_running_loop().time()
        assert (await first).up
        assert world.host.connections == 2


async def test_a_result_of_before_the_way_changed_is_not_given() -> None:
    async with running() as world:
        target = world.domain()
        world.adopt(target)
        before = await world.engine.ask(target)
        world.engine.watch.routes_changed_at = asyncio.get_running_loop().time()
        assert await world.engine.ask(target) is not before
        assert world.host.connections == 2


async def test_a_target_that_a_reload_removes_is_answered_all_the_same() -> None:
    async with running(SLOW) as world:
        target = world.domain()
        world.adopt(target)
        waiting = asyncio.ensure_future(world.engine.ask(target, within=5.0))
        await until_in_session(world)
        world.adopt()
        result = await waiting
        assert result.up
        assert [host.address for host in result.hosts] == [ADDRESS]
        assert world.owner.domains == []


async def test_a_target_that_a_reload_removes_during_its_lookup_is_answered_all_the_same() -> None:
    async with running() as world:
        target = world.domain()
        world.adopt(target)
        waiting = asyncio.ensure_future(world.engine.ask(target, within=5.0))
        await asyncio.sleep(0)
        world.adopt()
        assert (await waiting).up


async def test_after_a_reload_of_its_module_a_target_is_asked_by_the_new_one() -> None:
    async with running() as world:
        target = world.domain()
        world.adopt(target)
        before = await world.engine.ask(target)
        changed = replace(PLAIN, force_helo=True)
        world.reconfigure(modules={"default": changed, "other": OTHER})
        renewed = replace(target, settings=replace(target.settings, module=changed))
        world.adopt(renewed)
        after = await world.engine.ask(renewed)
        assert after is not before
        assert after.up
        assert world.host.connections == 2
        assert world.owner.gone == [before.hosts[0].identity]  # the host of the old words
        assert [host.key.dialogue.retired for host in world.hosts()] == [False]


async def test_a_client_that_goes_away_leaves_the_session_to_the_others() -> None:
    async with running(SLOW) as world:
        waiting = asyncio.ensure_future(world.engine.ask(world.domain()))
        await until_in_session(world)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (await world.engine.ask(world.domain())).up
        assert world.host.connections == 1


async def test_a_lease_outlasts_whoever_waits_for_it() -> None:
    async with running(SLOW) as world:
        waiting = asyncio.ensure_future(world.engine.ask(world.domain(interval=0.01)))
        await until_in_session(world)
        await asyncio.sleep(0.02)
        world.engine.tick()
        await asyncio.sleep(0)
        assert (await waiting).up
        assert len(world.engine._leases) == 1


@pytest.mark.parametrize(
    ("failure_class", "warnings"),
    [(C.INTERNAL, ()), (C.NO_TURN, (HostWarning.COSTLY,)), (C.TIMEOUT, (HostWarning.COSTLY,))],
)
async def test_what_is_told_of_a_host_without_a_session_is_told_here_too(
    failure_class: FailureClass, warnings: tuple[HostWarning, ...]
) -> None:
    async with running(limits=PACED) as world:
        await world.engine.ask(world.domain())
        (host,) = world.hosts()
        assert host.conversation is not None
        host.conversation.began = float("-inf")  # a result that is of no session of its own
        failure = Failure(Stage.CONNECT, failure_class, "as its record has it")
        host.result = HostResult(host.identity, HostOutcome(failure, failure, warnings))
        told = await world.engine.ask(world.domain(), within=0.1)
        assert told.failure is not None
        assert told.failure.detail == "as its record has it"


@pytest.mark.parametrize(
    ("within", "seconds"),
    [(None, 5.0), (9.5, 5.0), (5.5, 5.0), (5.4, 4.5), (3.7, 3.0), (1.0, 0.8), (0.5, 0.4), (0.1, 0.1), (0.0, 0.1)],
)
async def test_sessions_of_a_request_have_what_it_leaves_in_steps(within: float | None, seconds: float) -> None:
    async with running() as world:
        assert asks._timeout(world.domain(), within) == pytest.approx(seconds)
        assert isinstance(world.engine._asks, Asks)


async def test_a_target_without_a_host_needs_no_session() -> None:
    async with running(records={**RECORDS, ("null.example", "MX"): ("0 .",)}) as world:
        result = await world.engine.ask(world.domain("null.example"), within=5.0)
        assert class_of(result) is C.DNS_NULL_MX
        assert world.host.connections == 0
