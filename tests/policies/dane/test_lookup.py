"""The TLSA records of a target's mail hosts looked up."""

from __future__ import annotations

from dataclasses import replace

from exporter.lab.https_host import HttpsHost
from exporter.model.target import PolicyKind, Target, TargetKind
from tests.policies.lookups import (
    DOMAIN,
    Names,
    target_of,
    world,
)


async def test_dane_asks_once_for_each_host_with_the_port_that_is_probed() -> None:
    names = Names()
    target = target_of(PolicyKind.DANE)
    target = replace(target, settings=replace(target.settings, port=2525))
    async with world(names, HttpsHost([])) as policies:
        found = await policies.find(target, ["mx1.a.example", "mx2.a.example", "mx1.a.example"])
        assert set(found.tlsa) == {"mx1.a.example", "mx2.a.example"}
        assert sorted(names.tlsa) == [("mx1.a.example", 2525, DOMAIN), ("mx2.a.example", 2525, DOMAIN)]
        names.tlsa.clear()
        relay = Target(TargetKind.HOST, "relay.a.example:2525", "relay.a.example", target.settings)
        found = await policies.find(relay, ["relay.a.example:2525"])
        assert names.tlsa == [("relay.a.example", 2525, None)]
        assert set(found.tlsa) == {"relay.a.example:2525"}
        names.tlsa.clear()
        bare = Target(TargetKind.HOST, "127.0.0.1:2525", "127.0.0.1", target.settings)
        assert ((await policies.find(bare, ["127.0.0.1:2525"])).tlsa, names.tlsa) == ({}, [])
