"""The parts that turns have in common."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostOutcome
from exporter.model.target import Module, PolicyKind, Settings
from tests.probe.hosting import Holder, HostWorld
from tests.probe.probing import domain_of
from tests.probe.test_tlsa_answers import TlsaZone


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize("are_looked_up", [True, False])
async def test_dane_counts_where_the_module_names_it_and_records_are_looked_up(
    is_named: bool, are_looked_up: bool
) -> None:
    module = Module(name="m", policies=(PolicyKind.DANE,) if is_named else (PolicyKind.MTA_STS,))
    async with HostWorld(tlsa=TlsaZone().searches() if are_looked_up else None) as world:
        holder = Holder(domain_of("a.example", Settings(module=module)))
        conversation = world.hold(holder, "mx.example", "192.0.2.1").host.conversation
        assert conversation is not None
        assert world.tools.wants_tlsa(conversation) is (is_named and are_looked_up)
        world.let_go()


async def test_what_is_told_without_a_session_is_told_of_each_host_in_its_name() -> None:
    failure = Failure(Stage.CONNECT, FailureClass.NO_TURN, "for a reason")
    async with HostWorld() as world:
        holder = Holder(domain_of("a.example", replace(Settings(), port=1)))
        hosts = [world.hold(holder, name, "192.0.2.1").host for name in ("a.example", "b.example")]
        conversation = hosts[0].conversation
        assert conversation is not None
        world.tools.tell_without_session(conversation, (), HostOutcome(failure, failure))
        assert world.told == []
        world.tools.tell_without_session(conversation, hosts, HostOutcome(failure, failure))
        world.let_go()
    (told,) = world.told
    assert told.record is None
    assert [(result.mx, result.failure) for result in told.results.values()] == [
        ("a.example", failure),
        ("b.example", failure),
    ]
    assert all(result.timings.at > 0 for result in told.results.values())
