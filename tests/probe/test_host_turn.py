"""Turns of conversations with hosts on loopback: who shares a session, who has an own one, and who waits for whom."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.lab.smtp_script import CLOSE, SwitchToTls, Wait, ordinary, reply
from exporter.model.configuration import Limits
from exporter.model.failure import FailureClass, Stage
from exporter.model.policy import DANE_EE, DaneState, Tlsa, TlsaLookup, TlsaStatus
from exporter.model.result import HostResult
from exporter.model.target import Canary, CanaryMailbox, Module, PolicyKind, Starttls
from exporter.model.warning import HostWarning
from exporter.probe.conversation import FRESH_SHARE, Conversation
from exporter.probe.demands import Demand
from exporter.probe.host_turn import HostTurn
from exporter.probe.hosts import Host, HostKey
from exporter.probe.session_results import SessionResults
from tests.probe.hosting import Holder, HostWorld
from tests.probe.probing import PLAIN, Names, domain_of, settings_of, smtp_hosts
from tests.probe.test_tlsa_answers import TlsaZone
from tests.support.certificates import Issued, authority, issue
from tests.support.waiting import until

C, W = FailureClass, HostWarning
SECURED = Module(name="tls", stages=(Stage.EHLO, Stage.STARTTLS))
ROOT = authority()


def held(world: HostWorld, port: int, names: Iterable[str], module: Module = PLAIN) -> list[Host]:
    """A domain for each MX name on 127.0.0.2."""
    settings = settings_of(port, module=module)
    return [
        world.hold(Holder(domain_of(f"d{number}.example", settings)), name, "127.0.0.2").host
        for number, name in enumerate(names)
    ]


async def test_four_hundred_names_of_an_address_share_one_session() -> None:
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", ordinary("mx.farm.example"))) as (port, (smtp,)):
        hosts = held(world, port, [f"mx{number}.farm.example" for number in range(400)])
        results = await world.first_results(*hosts)
        assert smtp.connections == 1
    assert all(result.up for result in results)
    assert [result.mx for result in results] == [f"mx{number}.farm.example" for number in range(400)]
    (told,) = world.told
    assert next(iter(told.results)) is hosts[0], "the one whose name was used comes first"
    assert told.record is not None
    assert told.said.words
    assert len({id(result.facts) for result in results}) == 1, "equal facts are one object"


async def test_ten_thousand_names_do_not_stall_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    made = most = 0
    result_of = SessionResults.of

    def counted(self: SessionResults, *arguments: Any) -> HostResult:
        nonlocal made
        made += 1
        return result_of(self, *arguments)

    async def watch() -> None:
        nonlocal made, most
        while True:
            most, made = max(most, made), 0
            await asyncio.sleep(0)

    monkeypatch.setattr(SessionResults, "of", counted)
    async with HostWorld(once=False) as world, smtp_hosts(("127.0.0.2", ordinary("a.example"))) as (port, (smtp,)):
        hosts = held(world, port, [f"mx{number}.example" for number in range(10_000)])
        watching = asyncio.create_task(watch())
        await world.first_results(*hosts)
        watching.cancel()
        assert smtp.connections == 1
    assert len(world.told[0].results) == 10_000
    assert 0 < most <= 50


async def test_thousands_of_names_that_need_their_own_sessions_do_not_stall_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parted = most = 0

    async def watch() -> None:
        nonlocal parted, most
        while True:
            most, parted = max(most, parted), 0
            await asyncio.sleep(0)

    async with HostWorld(once=False) as world, smtp_hosts(("127.0.0.2", ordinary("a.example"))) as (port, (smtp,)):
        hosts = held(world, port, [f"mx{number}.example" for number in range(1000)])
        conversation = hosts[0].conversation
        assert conversation is not None
        monkeypatch.setattr(world.sharing, "record_for", lambda host, record, _: record if host is hosts[0] else None)

        def part(host: Host) -> None:
            nonlocal parted
            parted += 1
            host.conversation = None

        monkeypatch.setattr(world.table, "part", part)
        watching = asyncio.create_task(watch())
        await until(lambda: sum(host.conversation is None for host in hosts) == 999)
        watching.cancel()
        assert smtp.connections == 1
        assert [*world.told[0].results] == [hosts[0]]
    assert 0 < most <= 50


async def test_who_comes_while_a_session_is_under_way_shares_it() -> None:
    slow = ordinary("a.example", greeting=(Wait(0.2), reply(220, "a.example")))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", slow)) as (port, (smtp,)):
        (first,) = held(world, port, ["a.example"])
        await until(lambda: smtp.connections)
        (second,) = held(world, port, ["b.example"])
        await world.first_results(first, second)
        assert smtp.connections == 1
    assert len(world.told) == 1


async def test_who_comes_after_a_session_has_its_result_from_it_at_once() -> None:
    async with HostWorld(once=False) as world, smtp_hosts(("127.0.0.2", ordinary("a.farm.example"))) as (port, (smtp,)):
        first, second = held(world, port, ["a.farm.example", "b.farm.example"])
        await world.first_results(first, second)
        (third,) = held(world, port, ["c.farm.example"])
        assert third.result is not None
        assert third.result.identity.mx == "c.farm.example"
        assert smtp.connections == 1
        told = world.told[-1]
        assert (told.record, told.said.words, [*told.results]) == (None, (), [third])
        assert third.conversation is not None
        third.conversation.began -= third.conversation.interval * FRESH_SHARE
        (fourth,) = held(world, port, ["d.farm.example"])
        assert fourth.result is None, "what is older than the last turn is not told again"
        await world.first_results(fourth)
        assert smtp.connections == 2


async def test_a_lone_host_of_the_configuration_keeps_no_record() -> None:
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", ordinary("a.example"))) as (port, _):
        (host,) = held(world, port, ["a.example"])
        await world.first_results(host)
        assert host.conversation is not None
        assert host.conversation.record is None


async def test_tenants_of_an_address_that_are_asked_for_one_after_the_other_share_a_session() -> None:
    async with HostWorld(once=False) as world, smtp_hosts(("127.0.0.2", ordinary("a.farm.example"))) as (port, (smtp,)):
        for name in ("a.farm.example", "b.farm.example", "c.farm.example"):
            lease = Holder(domain_of("d.example", settings_of(port)), is_lease=True)
            hold = world.hold(lease, name, "127.0.0.2")
            await world.first_results(hold.host)
        assert smtp.connections == 1


@pytest.mark.parametrize("concurrency", [1, 2, 3])
async def test_who_waits_for_a_permit_holds_no_slot(concurrency: int) -> None:
    slow = ordinary("b.example", greeting=(Wait(0.02), reply(220, "b.example")))
    slots = ProbeSlots(concurrency)
    async with HostWorld(slots=slots) as world, smtp_hosts(("127.0.0.2", slow)) as (port, (smtp,)):
        hosts = []
        for number in range(12):
            # Three ways to greet, so three conversations with one address that takes one at a time.
            settings = replace(settings_of(port), helo=f"helo{number % 3}.example")
            holder = Holder(domain_of(f"a{number}.example", settings))
            hosts.append(world.hold(holder, "b.example", "127.0.0.2").host)
        async with asyncio.timeout(30.0):
            results = await world.first_results(*hosts)
        assert (smtp.connections, smtp.concurrent_max) == (3, 1)
    assert all(result.up for result in results)
    assert slots.used == 0


async def test_the_schedule_of_one_slot_serves_all() -> None:
    """Addresses that take one session at a time, further dialogues with them, and leases."""
    slots = ProbeSlots(1)
    slow = ordinary("b.example", greeting=(Wait(0.01), reply(220, "b.example")))
    addresses = ("127.0.0.2", "127.0.0.3")
    async with (
        HostWorld(slots=slots, is_scheduled=True) as world,
        smtp_hosts(*((one, slow) for one in addresses)) as (
            port,
            smtp,
        ),
    ):
        hosts = []
        for number in range(6):
            settings = replace(settings_of(port), helo=f"helo{number % 3}.example", interval=0.2)
            holder = Holder(domain_of(f"a{number}.example", settings), is_lease=number == 5)
            hosts += [world.hold(holder, f"mx{number % 2}.example", address).host for address in addresses]
        async with asyncio.timeout(30.0):
            await world.first_results(*hosts)
            await until(lambda: all(host.connections >= 12 for host in smtp))
        assert [host.concurrent_max for host in smtp] == [1, 1]
        conversations = [*world.table.conversations.values()]
        assert len(conversations) == 6
        world.let_go()
        await until(lambda: not any(conversation.course for conversation in conversations))
        assert slots.used == 0
    assert world.bugs == 0
    assert world.lags


async def test_many_addresses_of_one_name_are_asked_one_after_the_other() -> None:
    slow = ordinary("b.example", greeting=(Wait(0.02), reply(220, "b.example")))
    addresses = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
    slots = ProbeSlots(1)
    async with HostWorld(slots=slots) as world, smtp_hosts(*((one, slow) for one in addresses)) as (port, hosts):
        results = await world.probe(
            domain_of("a.example", settings_of(port)), *(("b.example", address) for address in addresses)
        )
        assert [(host.connections, host.concurrent_max) for host in hosts] == [(1, 1)] * 3
    assert [result.address for result in results] == [*addresses]
    assert slots.used == 0


async def test_a_turn_given_up_while_it_waits_for_a_slot_gives_its_permit_back() -> None:
    mute = ordinary("b.example", greeting=None)
    slots = ProbeSlots(2)
    async with HostWorld(slots=slots) as world, smtp_hosts(("127.0.0.2", mute)) as (port, (smtp,)):
        holds = []
        for number in range(2):
            settings = replace(settings_of(port, timeout=0.3), helo=f"helo{number}.example")
            holder = Holder(domain_of(f"a{number}.example", settings))
            holds.append((holder, world.table.hold(holder, _key(world, holder), _demand(holder))))
        await until(lambda: smtp.connections == 1)
        await slots.take()  # the one that the second gave back when it began to wait for its permit
        slots.limit = 1
        await world.first_results(holds[0][1].host)
        for _ in range(5):
            await asyncio.sleep(0)  # the second has its permit now, and no slot
        second = holds[1][1].host
        conversation = second.conversation
        assert conversation is not None
        task = conversation.course
        assert isinstance(task, asyncio.Task)
        world.table.release(*holds[1])
        await asyncio.gather(task, return_exceptions=True)
        await conversation.ended()  # it has: nobody is kept waiting
        slots.free()
        slots.resize(2)
        third = Holder(domain_of("c.example", replace(settings_of(port, timeout=0.3), helo="c.example")))
        async with asyncio.timeout(30.0):
            await world.first_results(world.hold(third, "b.example", "127.0.0.2").host)
        assert smtp.connections == 2
    assert slots.used == 0


def _key(world: HostWorld, holder: Holder) -> HostKey:
    return HostKey("b.example", "127.0.0.2", world.dialogues.of(holder.target))


def _demand(holder: Holder) -> Demand:
    return Demand(holder.target.settings.interval, holder.target.settings.timeout, holder.is_lease)


async def test_the_least_time_between_sessions_holds_for_leases_too() -> None:
    limits = Limits(per_address_interval=0.3)
    async with HostWorld(limits=limits) as world, smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, (smtp,)):
        hosts = []
        for number, is_lease in enumerate((False, True, False)):
            settings = replace(settings_of(port), helo=f"helo{number}.example")
            holder = Holder(domain_of(f"a{number}.example", settings), is_lease)
            hosts.append(world.hold(holder, "b.example", "127.0.0.2").host)
        await world.first_results(*hosts)
        await smtp.sessions_ended(3)
    opened = [session.opened for session in smtp.sessions]
    assert all(later - earlier >= 0.28 for earlier, later in pairwise(opened))
    assert world.lags[0] < 0.2
    assert world.lags[2] > 0.5, "the lateness of a session is told when it has its permit"


async def test_a_retired_dialogue_is_not_held_even_if_its_permit_comes_later() -> None:
    slow = ordinary("b.example", greeting=(Wait(0.2), reply(220, "b.example")))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", slow)) as (port, (smtp,)):
        hosts = []
        for number in range(2):
            holder = Holder(domain_of("a.example", replace(settings_of(port), helo=f"helo{number}.example")))
            hosts.append(world.hold(holder, "b.example", "127.0.0.2").host)
        await until(lambda: smtp.connections == 1)
        hosts[1].key.dialogue.retired = True
        conversation = hosts[1].conversation
        assert conversation is not None
        ended = conversation.ended()
        await world.first_results(hosts[0])
        await ended
        world.schedule.soon((conversation,))
        await conversation.ended()
        assert smtp.connections == 1
    assert hosts[1].result is None
    assert world.bugs == 0


async def test_a_costly_address_is_left_alone_and_its_last_result_stays() -> None:
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, (smtp,)):
        (host,) = held(world, port, ["b.example"])
        before = (await world.first_results(host))[0]
        world.costs.settle("127.0.0.2", 1.0)
        assert await world.again(host) is before
        (other,) = held(world, port, ["b.example"], Module(force_helo=True, name="helo"))
        (result,) = await world.first_results(other)
        assert smtp.connections == 1
    assert result.failure is not None
    assert (result.failure.stage, result.failure.failure_class) == (Stage.CONNECT, C.NO_TURN)
    assert "far more of this exporter's CPU" in result.failure.detail
    assert result.outcome.reported_warnings == (W.COSTLY,)
    assert world.told[-1].record is None


async def test_the_cost_of_a_session_counts_for_its_address() -> None:
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, _):
        spent: list[tuple[str, float]] = []
        world.costs.settle = lambda address, seconds: spent.append((address, seconds))  # type: ignore[method-assign]
        await world.first_results(*held(world, port, ["b.example"]))
    assert spent == [("127.0.0.2", 0.0)]


async def test_a_bug_is_the_result_of_every_host(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: HostTurn) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(HostTurn, "run", broken)
    async with HostWorld() as world:
        results = await world.first_results(*held(world, 1, ["a.example", "b.example"]))
    assert [result.failure and result.failure.failure_class for result in results] == [C.INTERNAL, C.INTERNAL]


async def test_the_name_in_a_greeting_is_looked_up_once_for_all_names() -> None:
    resolver = Names(hosts={"node.other.example": ("127.0.0.9",)})
    script = ordinary("node.other.example")
    async with HostWorld(resolver) as world, smtp_hosts(("127.0.0.2", script)) as (port, _):
        hosts = held(world, port, ["mx.other.example", *(f"mx.d{number}.example" for number in range(20))])
        results = await world.first_results(*hosts)
    assert resolver.asked == ["node.other.example"]
    mismatched = [W.BANNER_NAME_MISMATCH in result.outcome.warnings for result in results]
    assert mismatched == [False, *[True] * 20]


async def test_who_comes_later_has_the_greeting_looked_up_too() -> None:
    resolver = Names(hosts={"node.other.example": ("127.0.0.9",)})
    async with HostWorld(resolver) as world, smtp_hosts(("127.0.0.2", ordinary("node.other.example"))) as (port, _):
        await world.first_results(*held(world, port, ["a.example", "b.example"]))
        (later,) = held(world, port, ["c.example"])
        assert later.result is None
        (result,) = await world.first_results(later)
    assert W.BANNER_NAME_MISMATCH in result.outcome.warnings
    assert len([told for told in world.told if told.record is not None]) == 1


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the root of the lab, and no other."""
    (tmp_path / "roots.pem").write_text(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))


class FrontEnd:
    """A host that chooses its certificate by the name in the handshake; an empty name has none, and fails."""

    def __init__(self, certificates: Mapping[str, ssl.SSLContext | None], usual: ssl.SSLContext | None) -> None:
        self.asked: list[str | None] = []
        self.certificates = certificates
        self.usual = usual
        self.context = issue("unused.example").context()
        self.context.sni_callback = self._choose
        self.script = ordinary(
            "front.example",
            EHLO=reply(250, "front.example", "STARTTLS"),
            STARTTLS=(reply(220, "go"), SwitchToTls(self.context)),
        )

    def _choose(self, server: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        self.asked.append(name)
        chosen = self.certificates.get(name or "", self.usual)
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        server.context = chosen
        return None


def certificate_for(*names: str) -> ssl.SSLContext:
    return issue(*names, by=ROOT).context()


def verified(result: HostResult) -> bool | None:
    return None if result.facts.tls is None else result.facts.tls.verified


@pytest.mark.usefixtures("trusted")
async def test_names_that_the_certificate_is_for_share_a_session_with_tls() -> None:
    front = FrontEnd({}, certificate_for("*.mx.example", "other.example"))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", front.script)) as (port, (smtp,)):
        hosts = held(world, port, [*(f"t{number}.mx.example" for number in range(400)), "other.example"], SECURED)
        results = await world.first_results(*hosts)
        assert smtp.connections == 1
    assert front.asked == ["t0.mx.example"]
    assert all(verified(result) for result in results)


@pytest.mark.usefixtures("trusted")
async def test_a_name_that_is_not_covered_has_a_session_with_its_own_name() -> None:
    front = FrontEnd({"b.example": certificate_for("b.example")}, certificate_for("a.example", "c.example"))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", front.script)) as (port, _):
        a, b, c = held(world, port, ["a.example", "b.example", "c.example"], SECURED)
        results = await world.first_results(a, b, c)
        assert [verified(result) for result in results] == [True, True, True]
        assert front.asked == ["a.example", "b.example"]
        assert [host.is_parted for host in (a, b, c)] == [False, True, False]
        await world.again(a)
        await world.again(b)
        assert front.asked == ["a.example", "b.example"] * 2
        # One certificate for all: it comes back.
        front.usual = certificate_for("a.example", "b.example", "c.example")
        await world.again(a)
        await world.again(b)
        assert not b.is_parted
        assert b.conversation is a.conversation
        await world.again(a)
        assert front.asked[-2:] == ["b.example", "a.example"]
        assert world.table.conversations.keys() == {a.conversation.key} if a.conversation else False


@pytest.mark.usefixtures("trusted")
async def test_a_server_that_ignores_the_name_is_asked_by_each_name_once_and_then_once_for_all() -> None:
    front = FrontEnd({}, certificate_for("elsewhere.example"))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", front.script)) as (port, _):
        hosts = held(world, port, [f"mx{number}.example" for number in range(5)], SECURED)
        results = await world.first_results(*hosts)
        assert sorted(filter(None, front.asked)) == [f"mx{number}.example" for number in range(5)]
        assert not any(host.is_parted for host in hosts)
        again = await world.again(hosts[0])
        assert len(front.asked) == 6
        results = [host.result for host in hosts if host.result is not None]
        assert again is results[0]
        # A renewed one that is as wrong: each is asked again.
        front.usual = certificate_for("elsewhere.example")
        await world.again(hosts[0])
        await until(lambda: len(front.asked) == 11 and not any(host.is_parted for host in hosts))
    for host, result in zip(hosts, results, strict=True):
        assert W.TLS_NAME_MISMATCH in result.outcome.warnings
        assert result.facts.tls is not None
        assert host.key.mx in result.facts.tls.faults[0].detail


@pytest.mark.usefixtures("trusted")
async def test_a_handshake_that_fails_for_one_name_is_not_the_fault_of_all() -> None:
    front = FrontEnd({"a.example": None}, certificate_for("a.example", "b.example", "c.example"))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", front.script)) as (port, _):
        a, b, c = held(world, port, ["a.example", "b.example", "c.example"], SECURED)
        results = await world.first_results(a, b, c)
        assert [W.TLS_HANDSHAKE in result.outcome.warnings for result in results] == [True, False, False]
        assert [verified(result) for result in results] == [None, True, True]
        assert next(iter(world.told[0].results)) is b, "the record is that of its name"
        assert (a.is_parted, b.is_parted) == (True, False)
        await world.again(b)
        assert front.asked[-1] == "b.example", "it leads now"


@pytest.mark.usefixtures("trusted")
async def test_a_handshake_that_fails_for_all_is_tried_with_a_second_name_once_in_a_while() -> None:
    front = FrontEnd({}, None)
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", front.script)) as (port, servers):
        hosts = held(world, port, ["a.example", "b.example", "c.example"], SECURED)
        results = await world.first_results(*hosts)
        assert all(W.TLS_HANDSHAKE in result.outcome.warnings for result in results)
        assert {"a.example", "b.example"} == set(front.asked)
        before = len(front.asked)
        await world.again(hosts[0])
        assert set(front.asked[before:]) == {"a.example"}
        assert not any(host.is_parted for host in hosts)
    assert world.sessions == servers[0].connections > len(front.asked), "with those without TLS, each was counted"


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_that_is_verified_for_one_name_alone_ends_no_dialogue_of_the_other() -> None:
    strict = Module(name="strict", stages=SECURED.stages, starttls=Starttls(verify="require"))
    front = FrontEnd({}, certificate_for("a.example"))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", front.script)) as (port, _):
        a, b = held(world, port, ["a.example", "b.example"], strict)
        results = await world.first_results(a, b)
    assert front.asked == ["a.example", "b.example"]
    assert results[0].up
    assert results[1].failure is not None
    assert results[1].failure.failure_class is C.TLS_NAME_MISMATCH
    assert b.is_parted


async def test_without_a_handshake_all_names_have_the_same_state() -> None:
    async with (
        HostWorld() as world,
        smtp_hosts(("127.0.0.2", ordinary("a.example", greeting=CLOSE))) as (port, (smtp,)),
    ):
        results = await world.first_results(*held(world, port, ["a.example", "b.example"], SECURED))
        assert smtp.connections == 1
    assert [result.failure and result.failure.failure_class for result in results] == [C.BANNER_CLOSED] * 2


async def test_a_name_in_the_module_is_the_name_of_all() -> None:
    named = Module(name="named", stages=SECURED.stages, starttls=Starttls(server_name="front.example"))
    front = FrontEnd({}, certificate_for("front.example"))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", front.script)) as (port, _):
        await world.first_results(*held(world, port, ["a.example", "b.example"], named))
    assert front.asked == ["front.example"]


async def test_the_leader_may_leave_while_its_session_is_under_way() -> None:
    slow = ordinary("a.example", greeting=(Wait(0.1), reply(220, "a.example")))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", slow)) as (port, (smtp,)):
        settings = settings_of(port)
        first, second = (Holder(domain_of(f"{letter}.example", settings)) for letter in "ab")
        leading = world.table.hold(
            first, HostKey("a.example", "127.0.0.2", world.dialogues.of(first.target)), _demand(first)
        )
        other = world.hold(second, "b.example", "127.0.0.2").host
        await until(lambda: smtp.connections)
        world.table.release(first, leading)
        (result,) = await world.first_results(other)
        assert (result.identity.mx, result.up) == ("b.example", True)
        assert smtp.connections == 1
    assert leading.host.result is None
    assert world.gone == [leading.host]


def dane_ee(issued: Issued) -> TlsaLookup:
    return TlsaLookup(TlsaStatus.FOUND, (Tlsa(DANE_EE, 0, 1, hashlib.sha256(issued.der).digest()),), ("a.example",))


def state(result: HostResult) -> DaneState | None:
    return None if result.facts.dane is None else result.facts.dane.state


@pytest.mark.usefixtures("trusted")
async def test_tlsa_records_give_a_name_its_own_session_and_the_leader_needs_none() -> None:
    """RFC 7672: the certificate may be another one for each name, though one is for both."""
    both, own = issue("a.example", "b.example", "c.example", by=ROOT), issue("b.example")
    front = FrontEnd({"b.example": own.context()}, both.context())
    zone = TlsaZone(a=dane_ee(both), b=dane_ee(own))
    dane = replace(SECURED, name="dane", policies=(PolicyKind.DANE,), starttls=Starttls(verify="require"))
    async with (
        HostWorld(tlsa=zone.searches()) as world,
        smtp_hosts(("127.0.0.2", front.script)) as (port, _),
    ):
        hosts = held(world, port, ["a.example", "b.example", "c.example"], dane)
        results = await world.first_results(*hosts)
        assert [state(result) for result in results] == [DaneState.VERIFIED, DaneState.VERIFIED, DaneState.ABSENT]
        assert all(result.up for result in results)
        assert front.asked == ["a.example", "b.example"]
        assert [host.is_parted for host in hosts] == [False, True, False]
        # It has the certificate of the others; whether its records have gone is not known, and then it is.
        front.certificates = {}
        zone.lookups = {"a": dane_ee(both), "b": TlsaLookup(TlsaStatus.FAILED)}
        await world.again(hosts[0])
        await world.again(hosts[1])
        assert hosts[1].is_parted
        zone.lookups = {"a": dane_ee(both)}
        await world.again(hosts[0])
        await world.again(hosts[1])
        assert not hosts[1].is_parted


@pytest.mark.usefixtures("trusted")
async def test_a_turn_waits_for_records_without_its_slot_and_not_for_long() -> None:
    front = FrontEnd({}, certificate_for("a.example"))
    event = asyncio.Event()
    slots = ProbeSlots(1)
    dane = replace(SECURED, name="dane", policies=(PolicyKind.DANE,), starttls=Starttls(verify="require"))
    async with (
        HostWorld(slots=slots, tlsa=TlsaZone(a=event).searches(patience=0.5)) as world,
        smtp_hosts(("127.0.0.2", front.script)) as (port, (smtp,)),
    ):
        (host,) = held(world, port, ["a.example"], dane)
        await until(lambda: smtp.connections)
        await until(slots.take_nowait)  # it waits, and its slot is free for others
        slots.free()
        (result,) = await world.first_results(host)
        assert (result.up, state(result)) == (True, None), "they are not known: nothing is held against the host"
        event.set()
        assert state(await world.again(host)) is not None
    assert slots.used == 0


class Canaries:
    """Hears of the messages that are sent."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def under_way(self, conversation: Conversation, message_id: str, seconds: float) -> None:
        self.heard.append(("under way", message_id))

    def accepted(self, conversation: Conversation, message_id: str, at: float) -> None:
        self.heard.append(("accepted", message_id))


@pytest.mark.parametrize("taken", [True, False], ids=["accepted", "refused"])
async def test_a_message_is_told_of_when_its_session_begins_and_when_it_is_accepted(taken: bool) -> None:
    stages = (Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA)
    data = Canary(arrival=CanaryMailbox("imap.example"))
    module = Module("canary", stages, mail_from="probe@example.net", rcpt_to=("a@b.example",), data=data)
    script = ordinary("mx.example") if taken else ordinary("mx.example", RCPT=reply(550, "5.7.1 No"))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", script)) as (port, (smtp,)):
        world.tools.canaries = canaries = Canaries()
        await world.first_results(*held(world, port, ["mx.example"], module))
        (session,) = smtp.sessions
    ((begun, message_id), *rest) = canaries.heard
    assert begun == "under way"
    assert rest == ([("accepted", message_id)] if taken else [])
    assert (message_id.encode() in session.message) is taken


async def test_the_time_of_a_message_is_the_beginning_of_its_session() -> None:
    stages = (Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA)
    data = Canary(arrival=CanaryMailbox("imap.example"))
    module = Module("canary", stages, mail_from="probe@example.net", rcpt_to=("a@b.example",), data=data)
    slow = ordinary("mx.example", greeting=(Wait(0.3), reply(220, "mx.example")))
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", slow)) as (port, _):
        world.tools.canaries = Canaries()
        (host,) = held(world, port, ["mx.example"], module)
        await world.first_results(host)
        conversation = host.conversation
        assert conversation is not None
        assert conversation.canary_at == pytest.approx(conversation.began, abs=0.1)


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "."])
async def test_of_a_greylisted_message_the_one_that_is_accepted_is_told_of_and_no_other_follows(verb: str) -> None:
    stages = (Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA)
    data = Canary(arrival=CanaryMailbox("imap.example"))
    module = Module("canary", stages, mail_from="probe@example.net", rcpt_to=("a@b.example",), data=data)
    later = ordinary("mx.example", **{verb: reply(450, "4.7.1 Greylisted, come back later")})
    async with HostWorld() as world, smtp_hosts(("127.0.0.2", later)) as (port, (smtp,)):
        world.tools.canaries = canaries = Canaries()
        (host,) = held(world, port, ["mx.example"], module)
        (result,) = await world.first_results(host)
        assert not result.up
        smtp.script = ordinary("mx.example")
        for _ in range(3):
            assert (await world.again(host)).up
    assert [what for what, _ in canaries.heard] == ["under way", "under way", "accepted"]
    assert canaries.heard[1][1] == canaries.heard[2][1] != canaries.heard[0][1]
    assert [b"DATA" in session.commands for session in smtp.sessions][1:] == [True, False, False]
