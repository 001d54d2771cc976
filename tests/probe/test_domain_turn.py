"""The turns of a target: when it is told, and of what."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.lab.https_host import HttpsHost
from exporter.model.address import Family
from exporter.model.failure import Confidence, Failure, Stage
from exporter.model.policy import MtaStsMode
from exporter.model.resolver import ResolverState, ResolverSymptom, ResolverView
from exporter.model.result import HostResult, MxHost, MxLookup
from exporter.model.target import PolicyKind, Settings, Target, TargetKind
from exporter.probe.domain_turn import DomainTurn
from exporter.probe.hosts import Host
from tests.policies.lookups import AUTHORITY, DOMAIN, Names, policy_answer, sts_record, target_of, world
from tests.probe.turning import NETWORKS, REFUSED, C, Turns, domain
from tests.results import host_of

SETTINGS = Settings(allow_addresses=NETWORKS)
ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1")
MX = "mx.b.example"


def _turn_of(turns: Turns, *addresses: str, target: Target | None = None) -> DomainTurn:
    turns.dns.lookup((MX, addresses))
    return turns.turn(target or domain())


async def _run(turns: Turns, turn: DomainTurn) -> None:
    """A turn as the schedule begins it: in a slot."""
    await turns.slots.take()
    try:
        await turn.run()
    finally:
        turns.slots.free()


async def test_a_target_is_first_told_when_all_its_addresses_have_been_seen() -> None:
    turns = Turns()
    turn = _turn_of(turns, *ADDRESSES)
    assert turn.run_now()
    for address in ADDRESSES:
        assert (turn.result, turns.dirty) == (None, [])
        turns.see(MX, address)
    assert (turn.result, turns.dirty) == (None, [turn])
    turns.join_dirty()
    assert turn.result is not None
    assert [host.address for host in turn.result.hosts] == [*ADDRESSES]
    assert turn.result.found == ((Family.IPV4, 2), (Family.IPV6, 1))


async def test_hosts_that_others_have_seen_are_told_in_the_first_turn() -> None:
    turns = Turns()
    _turn_of(turns, *ADDRESSES).run_now()
    for address in ADDRESSES:
        turns.see(MX, address)
    late = turns.turn(domain("b.example"))
    turns.dns.lookup((MX, ADDRESSES), domain="b.example")
    assert late.run_now()
    assert late.result is not None
    assert late.result.up


async def test_an_address_that_comes_later_is_counted_at_once_and_judged_when_it_has_been_seen() -> None:
    turns = Turns()
    turn = _turn_of(turns, "192.0.2.1")
    assert turn.run_now()
    turns.see(MX, "192.0.2.1", REFUSED)
    turns.join_dirty()
    turns.dns.lookup((MX, ("192.0.2.1", "192.0.2.2")))
    assert turn.run_now()
    assert turn.result is not None
    assert (turn.result.addresses, len(turn.result.hosts), turn.result.failure) == (2, 1, REFUSED)
    turns.see(MX, "192.0.2.2")
    assert turns.dirty == [turn]
    turns.join_dirty()
    assert turn.result.up
    assert len(turn.result.hosts) == 2


async def test_the_last_result_stays_until_one_of_other_hosts_has_been_seen() -> None:
    turns = Turns()
    turn = _turn_of(turns, "192.0.2.1")
    assert turn.run_now()
    turns.see(MX, "192.0.2.1")
    turns.join_dirty()
    told = turn.result
    turns.dns.lookup((MX, ("192.0.2.7", "192.0.2.8", "10.0.0.1")))  # the last is never connected to
    assert turn.run_now()
    assert turn.result is told
    turns.see(MX, "192.0.2.7", REFUSED)
    turns.join_dirty()
    assert turn.result is not None
    assert [(host.address, host.up) for host in turn.result.hosts] == [("192.0.2.7", False), ("10.0.0.1", False)]


async def test_a_state_is_told_soon_and_once_for_several_hosts() -> None:
    turns = Turns()
    turn = _turn_of(turns, "192.0.2.1", "192.0.2.2")
    assert turn.run_now()
    for address in ("192.0.2.1", "192.0.2.2"):
        turns.see(MX, address)
    turns.join_dirty()
    for address in ("192.0.2.1", "192.0.2.2"):
        turns.see(MX, address, REFUSED)
    assert turns.dirty == [turn]
    turns.join_dirty()
    assert turn.result is not None
    assert turn.result.failure is not None
    assert turn.result.failure.failure_class is C.CONNECT_REFUSED


async def test_a_turn_that_remembers_its_lookup_is_done_at_once() -> None:
    turns = Turns()
    turn = _turn_of(turns, "192.0.2.1")
    turns.dns.forgotten = {"a.example"}
    assert not turn.run_now()
    assert (turn.has_looked_up, turns.told) == (False, [])
    await _run(turns, turn)
    assert (turns.dns.asked, turns.told) == ([("a.example", False)], [turn])
    turns.see(MX, "192.0.2.1")
    turns.join_dirty()
    assert turn.result is not None
    assert turn.result.duration > 0.5  # the lookup of its turn, and the session
    turns.dns.forgotten = set()
    assert turn.run_now()
    assert turn.result.duration == 0.5
    assert len(turns.dns.asked) == 1


async def test_an_unchanged_lookup_holds_nothing_anew() -> None:
    turns = Turns()
    turn = _turn_of(turns, *ADDRESSES)
    assert turn.run_now()
    holds = turn.holds
    assert turn.run_now()
    assert turn.holds is holds


async def test_a_lookup_that_differs_in_its_times_alone_holds_nothing_anew() -> None:
    turns = Turns()
    turn = _turn_of(turns, *ADDRESSES)
    assert turn.run_now()
    holds, lookup = turn.holds, turns.dns.domains["a.example"]
    again = replace(lookup, asked_at=7.0, hosts=tuple(replace(host, asked_at=7.0) for host in lookup.hosts))
    turns.dns.domains["a.example"] = again
    assert turn.run_now()
    assert turn.holds is holds
    assert turn.lookup is again
    alias = replace(lookup, hosts=tuple(replace(host, alias_of="a.example") for host in lookup.hosts))
    turns.dns.domains["a.example"] = alias
    assert turn.run_now()
    assert all(hold.host.is_alias for hold in turn.holds)


async def test_a_host_target_is_looked_up_by_its_name() -> None:
    turns = Turns()
    turns.dns.hosts[MX] = MxHost(MX, 0, ("192.0.2.1",))
    relay = turns.turn(Target(TargetKind.HOST, f"{MX}:25", MX, SETTINGS))
    turns.dns.forgotten = {MX}
    await _run(turns, relay)
    turns.see(MX, "192.0.2.1")
    turns.join_dirty()
    assert relay.result is not None
    assert (relay.result.lookup, relay.result.named) == (None, (turns.dns.hosts[MX],))
    assert (relay.result.providers, relay.result.addresses, relay.result.up) == ((), 1, True)
    turns.dns.forgotten = set()
    assert relay.run_now()


async def test_a_lease_asks_the_dns_as_a_target_that_is_not_configured() -> None:
    turns = Turns()
    _turn_of(turns, "192.0.2.1")
    turns.dns.forgotten = {"a.example"}
    lease = turns.turn(domain(), is_lease=True)
    await _run(turns, lease)
    assert turns.dns.asked == [("a.example", True)]
    assert [hold.demand and hold.demand.is_lease for hold in lease.holds] == [True]


async def test_who_waits_for_a_turn_gets_the_next_one() -> None:
    turns = Turns()
    turn = _turn_of(turns, "192.0.2.1")
    waiting = turn.turned()
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not turn.is_recent(asyncio.get_running_loop().time())
    assert turn.run_now()
    await waiting
    assert turn.is_recent(asyncio.get_running_loop().time())
    assert not turn.is_recent(asyncio.get_running_loop().time() + 57.0)
    impatient = asyncio.create_task(asyncio.wait_for(asyncio.shield(turn.turned()), 0.01))
    with pytest.raises(TimeoutError):
        await impatient
    waiting = turn.turned()
    await asyncio.sleep(0)
    turn.release()
    await waiting


async def test_what_is_released_in_the_middle_of_its_turn_holds_nothing() -> None:
    turns = Turns()
    turn = _turn_of(turns, "192.0.2.1")
    turns.dns.forgotten, turns.dns.gate = {"a.example"}, asyncio.Event()
    running = asyncio.create_task(_run(turns, turn))
    await asyncio.sleep(0)
    turn.release()
    turns.dns.gate.set()
    await running
    assert (turns.named(), turns.told, turn.holds) == ([], [], ())


async def test_a_bug_is_the_result_until_the_next_turn() -> None:
    turns = Turns()
    turn = _turn_of(turns, "192.0.2.1")
    assert turn.run_now()
    turns.see(MX, "192.0.2.1")
    turn.failed(RuntimeError("a bug"))
    assert turn.result is not None
    assert turn.result.failure is not None
    assert (turn.result.failure.failure_class, turn.result.lookup) == (C.INTERNAL, None)
    assert turn.run_now()
    assert turn.result.up


async def test_a_failed_lookup_is_told_as_it_failed_and_anew_when_the_resolver_is_found_at_fault() -> None:
    turns = Turns()
    failure = Failure(Stage.DNS, C.DNS_SERVFAIL, "SERVFAIL")
    turns.dns.domains["a.example"] = MxLookup("a.example", failure=failure, cause=C.DNS_SERVFAIL)
    turn = turns.turn(domain())
    assert turn.run_now()
    assert turn.result is not None
    assert (turn.result.failure, turn.result.found) == (failure, ((Family.IPV4, 0), (Family.IPV6, 0)))
    turns.view = ResolverView(ResolverState.FAILING, Confidence.LIKELY, ResolverSymptom.NO_ANSWER, 9)
    found = turn.join(turns.view)
    assert found is not None
    assert found.failure is not None
    assert found.failure.failure_class is C.RESOLVER_FAILING


async def test_a_name_without_an_address_is_told_on_its_host_by_the_state_of_the_resolver() -> None:
    turns = Turns()
    lost = Failure(Stage.DNS, C.MX_UNRESOLVABLE, "no address")
    mx = MxHost(MX, 10, failure=lost, cause=C.DNS_SERVFAIL, incomplete=True)
    turns.dns.domains["a.example"] = MxLookup("a.example", (mx,), lost, mx_records=1)
    turns.view = ResolverView(ResolverState.FAILING, Confidence.LIKELY, ResolverSymptom.NO_ANSWER, 9)
    turn = turns.turn(domain())
    assert turn.run_now()
    (settled,) = turns.settled
    assert settled[0] is turns.host(MX, "")
    assert settled[1].failure is not None
    assert settled[1].failure.failure_class is C.RESOLVER_FAILING
    assert (settled[1].identity, settled[1].outcome.own_failure) == (settled[0].identity, lost)


async def test_an_answer_that_somebody_waits_for_is_joined_from_the_results_that_are_given() -> None:
    turns = Turns()
    turn = _turn_of(turns, "192.0.2.1", "192.0.2.2")
    assert turn.run_now()
    no_turn = Failure(Stage.CONNECT, C.NO_TURN)

    def given(host: Host) -> HostResult | None:
        return host_of(MX, host.key.address, failure=no_turn) if host.key.address == "192.0.2.1" else None

    answer = turn.join(turns.view, given)
    assert answer is not None
    assert [(host.address, host.failure) for host in answer.hosts] == [("192.0.2.1", no_turn)]
    assert turn.result is None


@given(st.permutations(ADDRESSES), st.lists(st.booleans(), min_size=3, max_size=3))
def test_the_order_in_which_hosts_are_seen_does_not_matter(order: list[str], up: list[bool]) -> None:
    async def main() -> tuple[object, ...]:
        turns = Turns()
        turn = _turn_of(turns, *ADDRESSES)
        assert turn.run_now()
        states = dict(zip(ADDRESSES, up, strict=True))
        for address in order:
            turns.see(MX, address, None if states[address] else REFUSED)
        turns.join_dirty()
        result = turn.result
        assert result is not None
        seen = tuple(states[host.address] == host.up for host in result.hosts)
        return (*(host.address for host in result.hosts), *seen, result.up, result.addresses_up)

    assert asyncio.run(main()) == (*ADDRESSES, True, True, True, any(up), sum(up))


async def test_the_policies_of_a_domain_are_waited_for_without_a_slot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A slow policy host must not keep others from their turns."""
    (tmp_path / "roots.pem").write_text(AUTHORITY.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    host = HttpsHost([policy_answer(mx="mx.other.example")], gate=asyncio.Event())
    assert host.gate is not None
    async with world(Names(sts_record()), host) as policies:
        turns = Turns(policies)
        turns.slots.resize(1)
        target = target_of(PolicyKind.MTA_STS, allowed="0.0.0.0/0")
        turns.dns.lookup((MX, ("192.0.2.1",)), domain=DOMAIN)
        turn = turns.turn(target)
        assert not turn.run_now()
        running = asyncio.create_task(_run(turns, turn))
        while not turn.has_looked_up:  # noqa: ASYNC110 - some milliseconds
            await asyncio.sleep(0.001)
        await turns.slots.take()  # given back by the one who waits
        assert turns.told == []
        turns.slots.free()
        turns.see(MX, "192.0.2.1")
        host.gate.set()
        await running
    assert turn.result is not None
    assert turn.result.mta_sts is not None
    assert (turn.result.up, turn.result.mta_sts.mode) == (True, MtaStsMode.ENFORCE)
    assert [str(warning) for warning in turn.result.warnings] == ["mta_sts_mismatch"]


async def test_without_policies_a_module_that_names_some_is_done_at_once() -> None:
    turns = Turns()
    target = replace(target_of(PolicyKind.MTA_STS), host="a.example")
    turns.dns.lookup((MX, ("192.0.2.1",)))
    assert turns.turn(target).run_now()
