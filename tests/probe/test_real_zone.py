"""The MX zone whole: two nsd that agree, differ or do not know a zone, behind a validating unbound.

A zone is named after its case. Both servers have one port, at two addresses.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.configuration import ResolverSettings
from exporter.model.result import DomainResult
from exporter.model.target import Module, PolicyKind, Settings, Target, TargetKind
from exporter.model.warning import DomainWarning as W
from exporter.model.zone import NameserverState as S
from exporter.policies.domain_policies import DomainPolicies
from exporter.policies.mtasts.cache import PolicyCache
from exporter.policies.zone.lookup import KeptZones, ZoneLookup
from exporter.report.warning_text import domain_sentence
from exporter.resolver.client import Resolver
from tests.probe.whole import WholeProbes
from tests.support.daemons import nsd, unbound
from tests.support.dnssec import sign

FIRST, SECOND, NOBODY, MAIL = "127.0.0.1", "127.0.0.2", "127.0.0.9", "127.0.0.4"
DAY = 86400
SOON = ("-s", f"now-{40 * DAY}", "-e", f"now+{DAY}")
PAST = ("-s", f"now-{30 * DAY}", "-e", f"now-{DAY}")


# More than a datagram has room for.
MANY = "".join(f"{name} IN MX {number} {'x' * 60}.mx\n" for name in ("@", "sub") for number in range(11, 71))


def _zone(second: str = SECOND, mx: str = "10 mx", ttl: int = 60) -> str:
    text = "$TTL 60\n@ IN SOA ns1 admin 1 3600 600 86400 30\n@ IN NS ns1\n@ IN NS ns2\n"
    text += f"ns1 IN A {FIRST}\n" + (f"ns2 IN A {second}\n" if second else "")
    return text + f"@ {ttl} IN MX {mx}\nsub {ttl} IN MX {mx}\nmx IN A {MAIL}\nother IN A {MAIL}\nold IN A {MAIL}\n"


# By zone: its text at the first server, that at the second (None: it does not know the zone), states, warnings.
CASES: dict[str, tuple[str, str | None, dict[str, S], set[W]]] = {
    "agree": (_zone(), _zone(), {FIRST: S.AGREES, SECOND: S.AGREES}, set()),
    "differ": (
        _zone(),
        _zone(mx="10 other"),
        {FIRST: S.AGREES, SECOND: S.DIFFERS},
        {W.NAMESERVERS_DISAGREE},
    ),
    "lame": (_zone(), None, {FIRST: S.AGREES, SECOND: S.LAME}, {W.NAMESERVER_LAME}),
    "silent": (_zone(NOBODY), None, {FIRST: S.AGREES, NOBODY: S.SILENT}, {W.NAMESERVER_SILENT}),
    "long-answer": (_zone() + MANY, _zone() + MANY, {FIRST: S.AGREES, SECOND: S.AGREES}, set()),
    "forbidden": (_zone("10.0.0.1"), None, {FIRST: S.AGREES, "10.0.0.1": S.UNKNOWN}, set()),
    "addressless": (_zone(""), None, {FIRST: S.AGREES, "": S.NO_ADDRESS}, {W.NAMESERVER_WITHOUT_ADDRESS}),
    "long": (_zone(ttl=2 * DAY), _zone(ttl=2 * DAY), {FIRST: S.AGREES, SECOND: S.AGREES}, {W.MX_TTL_LONG}),
    "hidden": (_zone(), _zone(), {FIRST: S.AGREES, SECOND: S.AGREES}, {W.MX_CHANGE_HIDDEN}),
}
# The resolver goes on with an MX set of before.
OLD = (
    '  local-zone: "hidden.example." typetransparent\n'
    '  local-data: "hidden.example. 3600 IN MX 10 old.hidden.example."\n'
    '  local-data: "sub.hidden.example. 3600 IN MX 10 old.hidden.example."\n'
)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Of the resolver, and of the name servers."""
    folder = tmp_path_factory.mktemp("dns")
    first = {f"{case}.example": texts[0] for case, texts in CASES.items()}
    second = {f"{case}.example": texts[1] for case, texts in CASES.items() if texts[1] is not None}
    anchors = []
    for name, times in (("fresh", ()), ("soon", SOON)):
        signed, anchor = sign(folder / name, f"{name}.example", _zone(), *times)
        first[f"{name}.example"] = second[f"{name}.example"] = signed
        anchors.append(anchor)
    for name in ("mute", "mute-too"):
        first[f"{name}.example"] = _zone(NOBODY).replace(FIRST, NOBODY)
    # Our resolver has the zone from the first server, and cannot verify that of an island.
    first["stale.example"], anchor = sign(folder / "stale", "stale.example", _zone())
    second["stale.example"], _ = sign(folder / "old", "stale.example", _zone(), "-P", *PAST)
    anchors.append(anchor)
    island, _ = sign(folder / "island", "island.example", _zone(mx="10 mx.fresh.example."), *SOON)
    first["island.example"] = second["island.example"] = island
    with (
        nsd(folder / "first", first, FIRST) as port,
        nsd(folder / "second", second, SECOND, port),
        unbound(folder / "unbound", dict.fromkeys(first, port), anchors, more=OLD) as resolver,
    ):
        yield resolver, port


@dataclass
class World:
    probes: WholeProbes
    settings: Settings

    async def probe(self, name: str, *policies: PolicyKind) -> DomainResult:
        module = Module(policies=policies)
        settings = Settings(port=self.settings.port, allow_addresses=self.settings.allow_addresses, module=module)
        return await self.probes.probe(Target(TargetKind.DOMAIN, name, name, settings))


@pytest.fixture
async def world(ports: tuple[int, int]) -> AsyncIterator[World]:
    resolver_port, port = ports
    mail = SmtpHost(ordinary("mx.agree.example"))
    async with AsyncExitStack() as stack:
        resolver = Resolver(ResolverSettings(nameservers=(("127.0.0.1", resolver_port),), timeout=2.0))
        stack.callback(resolver.close)
        memory = PolicyCache()
        policies = DomainPolicies(
            resolver, memory, patience=math.inf, zones=ZoneLookup(resolver, KeptZones(), dns_port=port)
        )
        probes = await stack.enter_async_context(WholeProbes(resolver, policies=policies))
        settings = Settings(port=await mail.start(MAIL, 0), allow_addresses=(ip_network("127.0.0.0/8"),))
        yield World(probes, settings)
        await memory.close()
        await mail.stop()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("before", ["", "sub."])
async def test_each_case_reports_its_name_servers(world: World, case: str, before: str) -> None:
    _, _, states, warnings = CASES[case]
    result = await world.probe(f"{before}{case}.example", PolicyKind.ZONE)
    assert result.zone is not None
    assert result.up
    assert result.zone.name == f"{case}.example"
    assert {server.address: server.state for server in result.zone.servers} == states, result.zone
    assert set(result.warnings) == warnings
    for warning in warnings:
        assert domain_sentence(warning, result)


async def test_what_nobody_answers_is_ours_until_servers_of_another_zone_answer(world: World) -> None:
    result = await world.probe("mute.example", PolicyKind.ZONE)
    assert result.zone is not None
    assert {server.state for server in result.zone.servers} == {S.UNKNOWN}
    assert "port 53" in result.zone.detail
    assert result.warnings == ()
    await world.probe("agree.example", PolicyKind.ZONE)
    result = await world.probe("mute-too.example", PolicyKind.ZONE)
    assert result.zone is not None
    assert {server.state for server in result.zone.servers} == {S.SILENT}
    assert result.zone.detail == ""
    assert result.warnings == (W.NAMESERVER_SILENT,)


async def test_servers_that_differ_are_quoted(world: World) -> None:
    result = await world.probe("differ.example", PolicyKind.ZONE)
    sentence = domain_sentence(W.NAMESERVERS_DISAGREE, result)
    assert f"ns1.differ.example [{FIRST}] has 10 mx.differ.example" in sentence
    assert f"ns2.differ.example [{SECOND}] has 10 other.differ.example" in sentence


async def test_a_hidden_change_says_for_how_long(world: World) -> None:
    result = await world.probe("hidden.example", PolicyKind.ZONE)
    assert result.zone is not None
    assert 3500 < result.zone.hidden_until - result.at <= 3601
    assert "for up to 3" in domain_sentence(W.MX_CHANGE_HIDDEN, result)


async def test_signatures_are_told_without_any_policy(world: World) -> None:
    fresh = await world.probe("fresh.example")
    assert fresh.zone is None
    assert fresh.signature is not None
    assert fresh.signature.is_authenticated
    assert fresh.signature.ends == pytest.approx(time.time() + 30 * DAY, abs=DAY)
    assert fresh.warnings == ()
    assert (await world.probe("agree.example")).signature is None


async def test_a_signature_that_ends_soon_is_a_warning(world: World) -> None:
    result = await world.probe("soon.example", PolicyKind.ZONE)
    assert result.signature is not None
    assert result.signature.ends == pytest.approx(time.time() + DAY, abs=600)
    assert result.warnings == (W.SIGNATURE_EXPIRES_SOON,)
    assert "the DNSSEC signature of " in domain_sentence(W.SIGNATURE_EXPIRES_SOON, result)


async def test_a_name_server_that_serves_an_old_signature_is_named(world: World) -> None:
    result = await world.probe("stale.example", PolicyKind.ZONE)
    assert result.zone is not None
    assert {server.state for server in result.zone.servers} == {S.AGREES}
    assert result.warnings == (W.SIGNATURE_EXPIRES_SOON,)
    sentence = domain_sentence(W.SIGNATURE_EXPIRES_SOON, result)
    assert f"at the name server ns2.stale.example [{SECOND}] has ended" in sentence


async def test_a_signature_that_nobody_verifies_is_no_warning_beside_one_that_is_verified(world: World) -> None:
    result = await world.probe("island.example", PolicyKind.ZONE)
    assert result.zone is not None
    assert result.zone.signature is not None
    assert result.zone.signature.ends == pytest.approx(time.time() + DAY, abs=600)
    assert result.signature is not None
    assert (result.signature.of, result.signature.is_authenticated) == ("A of mx.fresh.example", True)
    assert result.warnings == ()
