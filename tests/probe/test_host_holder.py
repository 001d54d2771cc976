"""The hosts that a target holds, as its lookups and its configuration change."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from exporter.model.failure import Failure, Stage
from exporter.model.result import MxHost, MxLookup
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.probe.demands import Demand
from exporter.probe.host_holder import DOUBT_SECONDS
from tests.probe.turning import NETWORKS, REFUSED, C, Turns, domain
from tests.support.virtual_time import VirtualLoop, run_virtually

SETTINGS = Settings(allow_addresses=NETWORKS)


async def test_hosts_are_held_before_others_are_let_go() -> None:
    turns = Turns()
    turns.dns.lookup(("mx.b.example", ("192.0.2.1", "192.0.2.2")))
    turn = turns.turn(domain())
    assert turn.run_now()
    kept = turns.host("mx.b.example", "192.0.2.2")
    turns.events.clear()
    turns.dns.lookup(("mx.b.example", ("192.0.2.2", "192.0.2.3")))
    assert turn.run_now()
    assert turns.events == ["+192.0.2.3", "-192.0.2.1"]
    assert turns.host("mx.b.example", "192.0.2.2") is kept
    assert [hold.host.key.address for hold in turn.holds] == ["192.0.2.2", "192.0.2.3"]


async def test_a_host_that_two_hold_stays_with_the_other() -> None:
    turns = Turns()
    first, second = turns.turn(domain()), turns.turn(domain("b.example"))
    for turn in (first, second):
        turns.dns.lookup(("mx.b.example", ("192.0.2.1",)), domain=turn.target.host)
        assert turn.run_now()
    assert len(turns.table.hosts) == len(turns.schedule.scheduled) == 1
    first.release()
    assert turns.named() == [("mx.b.example", "192.0.2.1")]
    second.release()
    assert (turns.named(), turns.schedule.scheduled) == ([], [])


async def test_an_alias_is_a_fact_of_the_host_and_a_host_target_changes_nothing_of_it() -> None:
    turns = Turns()
    mx = MxHost("mx.b.example", 10, ("192.0.2.1",), alias_of="a.b.example")
    turns.dns.domains["a.example"] = MxLookup("a.example", (mx,), mx_records=1)
    turns.dns.hosts["mx.b.example"] = replace(mx, preference=0)
    assert turns.turn(domain()).run_now()
    relay = Target(TargetKind.HOST, "mx.b.example:25", "mx.b.example", SETTINGS)
    assert turns.turn(relay).run_now()
    assert len(turns.table.hosts) == 1
    assert turns.host("mx.b.example", "192.0.2.1").is_alias


async def test_an_address_that_this_target_may_not_connect_to_is_settled_for_it_alone() -> None:
    turns = Turns()
    strict, lax = turns.turn(domain(settings=Settings())), turns.turn(domain("b.example"))
    for turn in (strict, lax):
        turns.dns.lookup(("mx.b.example", ("192.0.2.1",)), domain=turn.target.host)
    assert strict.run_now()
    host = turns.host("mx.b.example", "192.0.2.1")
    assert [(settled, settled.conversation) for settled, _ in turns.settled] == [(host, None)]
    assert host.result is not None
    assert lax.run_now()
    assert host.conversation is not None
    assert [lax.result] == [None]  # what is settled for another is not seen
    turns.see("mx.b.example", "192.0.2.1")
    turns.join_dirty()
    assert lax.result is not None
    assert lax.result.up
    assert strict.run_now()
    assert strict.result is not None
    assert strict.result.failure is not None
    assert strict.result.failure.failure_class is C.MX_ADDRESS_FORBIDDEN


async def test_new_settings_of_interval_and_timeout_hold_at_once() -> None:
    turns = Turns()
    turns.dns.lookup(("mx.b.example", ("192.0.2.1",)))
    turn = turns.turn(domain())
    assert turn.run_now()
    (hold,) = turn.holds
    conversation = hold.host.conversation
    assert conversation is not None
    turn.retarget(domain(settings=replace(SETTINGS, interval=10.0, timeout=5.0)))
    assert (conversation.interval, conversation.timeout) == (10.0, 5.0)
    assert hold.host.conversation is conversation
    assert turn.run_now()
    assert turn.holds[0].host is hold.host
    assert turns.gone == []


@pytest.mark.parametrize(
    "change", [{"module": Module(name="full")}, {"port": 2525}, {"helo": "x.example"}, {"source_ipv4": "192.0.2.9"}]
)
async def test_other_words_need_other_hosts_from_the_next_turn_on(change: dict[str, object]) -> None:
    turns = Turns()
    turns.dns.lookup(("mx.b.example", ("192.0.2.1",)))
    turn = turns.turn(domain())
    assert turn.run_now()
    turns.see("mx.b.example", "192.0.2.1")
    turns.join_dirty()
    told, before = turn.result, turn.holds
    turn.retarget(domain(settings=replace(SETTINGS, **change)))  # type: ignore[arg-type]
    assert turn.holds == before
    assert turn.run_now()
    assert turn.holds[0].host is not before[0].host
    assert turns.gone == [before[0].host]
    assert turn.result is told  # until the new ones are seen


async def test_other_labels_change_nothing() -> None:
    turns = Turns()
    turns.dns.lookup(("mx.b.example", ("192.0.2.1",)))
    turn = turns.turn(domain())
    assert turn.run_now()
    before = turn.holds
    turn.retarget(replace(domain(), labels=(("team", "mail"),)))
    assert turn.run_now()
    assert turn.holds is before


async def test_fewer_addresses_or_forbidden_ones_are_chosen_anew_though_the_lookup_is_the_same() -> None:
    turns = Turns()
    turns.dns.lookup(("mx.b.example", ("192.0.2.1", "192.0.2.2")))
    turn = turns.turn(domain())
    assert turn.run_now()
    turn.retarget(domain(settings=replace(SETTINGS, max_addresses=1)))
    assert turn.run_now()
    assert turns.named() == [("mx.b.example", "192.0.2.1")]
    turn.retarget(domain(settings=Settings(max_addresses=1)))
    assert turn.run_now()
    assert [hold.demand for hold in turn.holds] == [None]
    assert turns.schedule.scheduled == []


async def test_a_retired_dialogue_is_left_at_the_next_turn() -> None:
    turns = Turns()
    turns.dns.lookup(("mx.b.example", ("192.0.2.1",)))
    turn = turns.turn(domain())
    turns.dialogues.adopt({"default": Module()}, Settings(helo="x.example"))
    assert turn.run_now()
    before = turn.holds[0].host
    turns.dialogues.adopt({"default": Module()}, Settings())
    assert before.key.dialogue.retired
    assert turn.run_now()
    assert not turn.holds[0].host.key.dialogue.retired
    assert turns.gone == [before]


async def test_a_lease_has_a_demand_of_its_own() -> None:
    turns = Turns()
    turns.dns.lookup(("mx.b.example", ("192.0.2.1",)))
    lease = turns.turn(domain(), is_lease=True, seconds=4.5)
    assert lease.demand == Demand(60.0, 4.5, is_lease=True)
    assert lease.demand is turns.turn(domain("b.example"), is_lease=True, seconds=4.5).demand
    assert lease.run_now()
    assert turns.schedule.scheduled == []
    (conversation,) = turns.table.conversations.values()
    assert conversation.timeout == 4.5


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (C.DNS_TIMEOUT, True),
        (C.DNS_SERVFAIL, True),
        (C.DNS_REFUSED, True),
        (C.DNS_NXDOMAIN, False),
        (C.DNS_NULL_MX, False),
        (C.DNS_NO_ADDRESS, False),
    ],
)
async def test_a_failed_lookup_keeps_the_hosts_unless_it_denies_them(found: C, kept: bool) -> None:
    turns = Turns()
    good = turns.dns.lookup(("mx.b.example", ("192.0.2.1",)))
    turn = turns.turn(domain())
    assert turn.run_now()
    turns.see("mx.b.example", "192.0.2.1")
    host = turns.host("mx.b.example", "192.0.2.1")
    failure = Failure(Stage.DNS, found)
    turns.dns.domains["a.example"] = MxLookup("a.example", failure=failure, cause=found)
    assert turn.run_now()
    assert turn.result is not None
    assert (turn.result.failure, turn.result.hosts, turn.result.addresses) == (failure, (), 0)
    assert (turns.gone == []) is kept
    turns.dns.domains["a.example"] = good
    assert turn.run_now()
    assert (turn.holds[0].host is host) is kept
    assert turn.result is not None
    assert turn.result.up is kept  # else the host has to be seen again


async def test_a_name_whose_lookup_fails_keeps_its_addresses_and_is_told_as_it_is() -> None:
    turns = Turns()
    turns.dns.lookup(("mx1.b.example", ("192.0.2.1",)), ("mx2.b.example", ("192.0.2.2", "2001:db8::2")))
    turn = turns.turn(domain())
    assert turn.run_now()
    for mx, address in turns.named():
        turns.see(mx, address, REFUSED)
    lost = Failure(Stage.DNS, C.MX_UNRESOLVABLE)
    hosts = (
        MxHost("mx1.b.example", 10, failure=lost, cause=C.DNS_SERVFAIL, incomplete=True),
        MxHost("mx2.b.example", 10, ("192.0.2.2",), incomplete=True),  # AAAA alone failed
    )
    turns.dns.domains["a.example"] = MxLookup("a.example", hosts, mx_records=2)
    assert turn.run_now()
    assert turns.gone == []
    assert turn.result is not None
    assert [(host.mx, host.address) for host in turn.result.hosts] == [
        ("mx1.b.example", ""),
        ("mx2.b.example", "192.0.2.2"),
    ]


def test_the_doubt_has_an_end() -> None:
    async def main() -> None:
        turns = Turns()
        turns.dns.lookup(("mx.b.example", ("192.0.2.1",)))
        turn = turns.turn(domain())
        assert turn.run_now()
        failure = Failure(Stage.DNS, C.DNS_TIMEOUT)
        lookups = [MxLookup("a.example", failure=failure, duration=float(number)) for number in range(3)]
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        for lookup in lookups[:2]:
            turns.dns.domains["a.example"] = lookup
            assert turn.run_now()
            loop.jump(DOUBT_SECONDS / 2)
            assert turn.run_now()
        assert turns.gone == []
        loop.jump(1.0)
        assert turn.run_now()
        assert len(turns.gone) == 1
        turns.dns.domains["a.example"] = lookups[2]
        assert turn.run_now()
        assert turn.holds == ()

    run_virtually(main())
