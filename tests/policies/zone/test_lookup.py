"""Name servers are asked seldom, few of them, and never at a special address."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from exporter.model.address import Family
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import MxHost
from exporter.model.target import PolicyKind, Target
from exporter.model.zone import DirectAnswer, DirectOutcome, MxZone, NameserverState
from exporter.policies.zone.lookup import MAX_NAMES, MAX_SERVERS, KeptZones, ZoneLookup
from exporter.resolver.answer import DnsAnswer
from tests.policies.lookups import DOMAIN, NXDOMAIN, target_of

MX = frozenset({(10, "mx.a.example")})
S = NameserverState


@dataclass
class Zones:
    """A DNS of maps: zones to the names of their servers, names to addresses."""

    servers: dict[str, tuple[str, ...]] = field(default_factory=lambda: {DOMAIN: ("ns1.b.example",)})
    addresses: tuple[str, ...] = ("44.0.0.1",)
    failure: Failure | None = None
    alias: str = ""
    is_slow: bool = False
    silent: frozenset[str] = frozenset()
    hanging: frozenset[str] = frozenset()
    asked: list[tuple[str, int, str]] = field(default_factory=list)

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        return MxHost(name, 0, self.addresses)

    async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
        assert kind == "NS"
        if self.failure is not None:
            return DnsAnswer(failure=self.failure)
        return DnsAnswer(self.servers[name]) if name in self.servers else DnsAnswer()

    async def lookup_mx_set(self, domain: str) -> tuple[DnsAnswer, float]:
        if self.is_slow:
            await asyncio.Event().wait()
        return DnsAnswer(tuple(MX), canonical=self.alias, is_alias=bool(self.alias)), 60.0

    async def ask_nameserver(self, server: tuple[str, int], name: str) -> DirectAnswer:
        self.asked.append((*server, name))
        if server[0] in self.hanging:
            await asyncio.Event().wait()
        if server[0] in self.silent:
            return DirectAnswer(DirectOutcome.SILENT, "it does not answer")
        return DirectAnswer(DirectOutcome.ANSWERED, "", MX, 300)


async def find(zones: Zones, target: Target | None = None) -> MxZone:
    return await ZoneLookup(zones, KeptZones()).find(target or target_of(PolicyKind.ZONE))


async def test_a_zone_is_asked_about_once_in_an_interval_and_over_a_reload() -> None:
    zones, kept = Zones(), KeptZones()
    target = target_of(PolicyKind.ZONE)
    assert ZoneLookup(zones, kept).held(target).detail
    first = await ZoneLookup(zones, kept).find(target)
    assert await ZoneLookup(zones, kept).find(target) is first
    assert ZoneLookup(zones, kept).held(target) is first
    assert zones.asked == [("44.0.0.1", 53, DOMAIN)]


async def test_a_special_address_is_never_asked_unless_it_is_allowed() -> None:
    zones = Zones(addresses=("10.0.0.1", "127.0.0.1"))
    zone = await find(zones, target_of(PolicyKind.ZONE, allowed="127.0.0.0/8"))
    assert [server.state for server in zone.servers] == [S.UNKNOWN, S.AGREES]
    assert [address for address, *_ in zones.asked] == ["127.0.0.1"]


async def test_the_number_of_servers_is_bounded() -> None:
    names = tuple(f"ns{number:03}.b.example" for number in range(40))
    addresses = (*(f"44.0.0.{number}" for number in range(1, 6)), "2a00::1", "2a00::2")
    zones = Zones({DOMAIN: names}, addresses)
    zone = await find(zones)
    assert len(zone.servers) == MAX_SERVERS
    # All names have the same addresses, of which two of each family are taken, and each is asked once.
    assert [address for address, *_ in zones.asked] == ["44.0.0.1", "44.0.0.2", "2a00::1", "2a00::2"]
    assert {server.state for server in zone.servers} == {S.AGREES}
    assert zone.more == 40 - MAX_NAMES + 7 * MAX_NAMES - MAX_SERVERS


async def test_an_address_of_a_family_that_is_not_probed_is_none_that_is_missing() -> None:
    zone = await find(Zones(addresses=("2a00::1",)), target_of(PolicyKind.ZONE, families=(Family.IPV4,)))
    assert [(server.address, server.state) for server in zone.servers] == [("2a00::1", S.UNKNOWN)]
    assert "IPv6 is not probed" in zone.servers[0].detail


async def test_an_address_in_place_of_a_name_is_not_asked() -> None:
    zones = Zones({DOMAIN: ("44.0.0.7", "[44.0.0.7]")})
    assert [server.state for server in (await find(zones)).servers] == [S.NO_ADDRESS, S.NO_ADDRESS]
    assert zones.asked == []


async def test_servers_without_an_answer_in_time_leave_what_the_others_said() -> None:
    zones = Zones(addresses=("44.0.0.1", "44.0.0.2"), hanging=frozenset({"44.0.0.2"}))
    kept, target = KeptZones(), target_of(PolicyKind.ZONE, timeout=0.1)
    zone = await ZoneLookup(zones, kept).find(target)
    assert [server.state for server in zone.servers] == [S.AGREES, S.UNKNOWN]
    assert "within the time" in zone.servers[1].detail
    assert kept.current((DOMAIN, target.settings.families)) is zone


async def test_silence_is_a_fault_where_a_server_of_another_zone_answers_at_that_time() -> None:
    zones = Zones({DOMAIN: ("ns1.b.example",), "b.example": ("ns1.b.example",)})
    lookup, target = ZoneLookup(zones, KeptZones()), target_of(PolicyKind.ZONE)
    await lookup.find(replace(target, host="b.example"))
    zones.addresses, zones.silent = ("45.0.0.1",), frozenset({"45.0.0.1"})
    zone = await lookup.find(target)
    assert [server.state for server in zone.servers] == [S.SILENT]
    assert zones.asked[-1] == ("44.0.0.1", 53, "b.example")


async def test_what_nobody_answers_any_more_is_ours() -> None:
    zones = Zones({DOMAIN: ("ns1.b.example",), "b.example": ("ns1.b.example",)})
    lookup, target = ZoneLookup(zones, KeptZones()), target_of(PolicyKind.ZONE)
    await lookup.find(replace(target, host="b.example"))
    zones.addresses, zones.silent = ("45.0.0.1",), frozenset({"44.0.0.1", "45.0.0.1"})
    zone = await lookup.find(target)
    assert [server.state for server in zone.servers] == [S.UNKNOWN]
    assert "port 53" in zone.detail


async def test_the_zone_is_the_closest_one_above_the_name_and_never_a_top_level_domain() -> None:
    zones = Zones({"b.example": ("ns1.b.example",)}, alias="deep.down.b.example")
    assert (await find(zones)).name == "b.example"
    assert zones.asked[0][2] == "deep.down.b.example"
    top = await find(Zones({"example": ("ns.registry.example",)}))
    assert (top.name, top.servers) == ("", ())
    assert "no zone" in top.detail


async def test_a_lookup_that_fails_says_why() -> None:
    failure = Failure(Stage.DNS, FailureClass.DNS_SERVFAIL, "SERVFAIL for a.example")
    assert (await find(Zones(failure=failure))).detail == "SERVFAIL for a.example"
    assert "no zone" in (await find(Zones(failure=NXDOMAIN.failure))).detail


async def test_what_takes_too_long_is_not_known() -> None:
    zone = await find(Zones(is_slow=True), target_of(PolicyKind.ZONE, timeout=0.05))
    assert zone.detail == "the zone is not known within the time of the probe"
