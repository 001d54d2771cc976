"""The turns of all conversations, by callbacks or by a task."""

from __future__ import annotations

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.failure import FailureClass, Stage
from exporter.probe.expectation import FamiliarWords
from exporter.schedule.turns_under_way import TurnsUnderWay
from tests.probe.hosting import NAME, Holder, HostWorld
from tests.probe.probing import domain_of, running, settings_of


async def test_a_host_of_which_nothing_is_expected_needs_a_task() -> None:
    async with running(("127.0.0.2", SmtpHost(ordinary(NAME)))) as (port, _), HostWorld(once=False) as world:
        host = world.hold(Holder(domain_of("a.example", settings_of(port))), NAME, "127.0.0.2").host
        await world.first_results(host)
        conversation = host.conversation
        assert conversation is not None
        assert conversation.familiar is None
        for familiar in (None, FamiliarWords()):
            conversation.familiar = familiar
            assert world.turns.begin(conversation, TurnsUnderWay(world.slots, lambda: None)) is None
        assert world.slots.used == 0
        assert (await world.again(host)).up


async def test_a_bug_is_told_of_all_hosts_of_the_conversation() -> None:
    async with running(("127.0.0.2", SmtpHost(ordinary(NAME)))) as (port, _), HostWorld(once=False) as world:
        holder = Holder(domain_of("a.example", settings_of(port)))
        hosts = [world.hold(holder, name, "127.0.0.2").host for name in (NAME, "mx2.example")]
        await world.first_results(*hosts)
        conversation = hosts[0].conversation
        assert conversation is not None
        world.turns.failed(conversation, ValueError("x"))
    failures = [host.result.failure for host in hosts if host.result is not None]
    assert [(failure.stage, failure.failure_class) for failure in failures if failure is not None] == [
        (Stage.CONNECT, FailureClass.INTERNAL)
    ] * 2
