"""The calls that an owner of an engine gets, each with what it says."""

from __future__ import annotations

from exporter.app.engine_owner import EngineOwner
from exporter.app.monitor import Monitor
from exporter.commands.one_shot import NoOwner
from exporter.model.result import HostIdentity
from tests.app.engines import ADDRESS, MX, Owner, running


def test_the_server_and_a_command_are_owners() -> None:
    names = [name for name in vars(EngineOwner) if not name.startswith("_")]
    assert len(names) == 10
    for owner in (Monitor, NoOwner, Owner):
        assert [name for name in names if not callable(getattr(owner, name, None))] == []


async def test_an_owner_hears_of_a_turn_a_session_a_host_a_domain_and_of_the_end() -> None:
    async with running() as world:
        target, owner = world.domain(), world.owner
        world.adopt(target)
        await world.engine.ask(target)
        host = HostIdentity(MX, ADDRESS, world.port, "default")
        assert owner.started == 2  # the turn, and the session
        assert owner.hosts == [(host, True, True)]
        assert [(leader.identity, scheduled) for leader, scheduled in owner.leaders] == [(host, True)]
        assert owner.domains == [("a.example", True, True)]
        assert owner.gone == []
        world.adopt()
        assert owner.gone == [host]
        assert owner.errors == 0
