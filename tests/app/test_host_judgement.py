"""Hosts are judged when they have a new result, and again when more is known; their sharers hear of what changes."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from exporter.app import host_judgement
from exporter.app.host_judgement import HostJudgement
from exporter.concurrency import spread_work
from exporter.egress import traces
from exporter.egress.settings import WatchSettings
from exporter.egress.watch import EgressWatch
from exporter.model.configuration import Egress
from exporter.model.egress import EgressByFamily
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.path_trace import PathTrace
from exporter.model.resolver import ResolverView
from exporter.model.result import HostIdentity, HostResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.demands import Demand
from exporter.probe.dialogue import Dialogues
from exporter.probe.hosts import Hold, Host, HostKey, HostTable
from exporter.schedule.scheduled import Scheduled
from tests.paths import path
from tests.results import changed
from tests.support.waiting import until

C = FailureClass
ADDRESSES = tuple(f"198.{number}.100.1" for number in range(51, 56))
DEMAND = Demand(60.0, 30.0)


class Schedule:
    """A schedule that never comes to a moment."""

    def add(self, turn: Scheduled) -> None:
        """Nothing is run."""

    moved = suspend = drop = add


class Domain:
    """A sharer that notes what it hears."""

    is_lease = False

    def __init__(self, name: str) -> None:
        self.target = Target(TargetKind.DOMAIN, name, name, Settings(source_ipv4="192.0.2.9"))
        self.first: list[Host] = []
        self.changed: list[Host] = []

    def host_changed(self, host: Host, *, first: bool, state: bool) -> None:
        assert first is not state
        (self.first if first else self.changed).append(host)


class World:
    """A table of hosts with a real watch; all addresses are outside."""

    def __init__(self, egress: Egress) -> None:
        self.states: list[EgressByFamily] = []
        self.told: list[tuple[Host, bool]] = []
        self.soon: list[Conversation] = []
        self.errors = 0
        self.dialogues = Dialogues("probe.example")
        self.table = HostTable(Schedule(), self._conversation, lambda host: None, self._gone)
        settings = WatchSettings(egress, 60.0, 30.0, is_outside=lambda address: True)
        self.watch = EgressWatch(settings, self)
        self.judgement = HostJudgement(
            self.watch,
            self.table.hosts,
            on_host=lambda host, session: self.told.append((host, session)),
            on_outdated=self.soon.extend,
            on_internal_error=self._error,
        )

    def egress_changed(self, states: EgressByFamily) -> None:
        self.states.append(states)
        self.judgement.judge_all_again()

    def resolver_changed(self, view: ResolverView) -> None:
        raise AssertionError("no lookup is told of")

    def evidence_found(self, identities: frozenset[HostIdentity]) -> None:
        self.judgement.evidence_found(identities)

    def references_wanted(self) -> None:
        """No reference is run."""

    def _conversation(self, key: ConversationKey) -> Conversation:
        async def run(conversation: Conversation) -> None:
            raise AssertionError("nothing is run")

        return Conversation(key, run)

    def _gone(self, host: Host) -> None:
        self.judgement.gone(host)

    def _error(self) -> None:
        self.errors += 1

    def hold(self, domain: Domain, mx: str, address: str) -> Hold:
        return self.table.hold(domain, HostKey(mx, address, self.dialogues.of(domain.target)), DEMAND)

    def host(self, mx: str, address: str, *domains: Domain) -> Host:
        """A host with these sharers, one at least."""
        holds = [self.hold(domain, mx, address) for domain in domains or (Domain(f"{mx}.test"),)]
        return holds[0].host

    def hosts(self) -> list[Host]:
        """A host in each of some unrelated networks."""
        return [self.host(f"mx.provider{number}.example", address) for number, address in enumerate(ADDRESSES)]

    def answered(self, *hosts: Host, reference: str = "") -> None:
        for host in hosts:
            self.judgement.take_in({host: up(host)}, reference=reference)

    def timed_out(self, *hosts: Host, reference: str = "", at: float | None = None) -> None:
        for host in hosts:
            self.judgement.take_in({host: silent(host, at=at)}, reference=reference)

    async def settled(self) -> None:
        """Until nothing waits to be judged."""
        await until(lambda: not self.judgement._work)


def up(host: Host) -> HostResult:
    return changed(HostResult(host.identity), at=time.time(), evidence=Evidence(25))


def silent(host: Host, *, at: float | None = None) -> HostResult:
    """No answer on port 25; another port of the host answers."""
    failure = Failure(Stage.CONNECT, C.CONNECT_TIMEOUT, "no answer")
    witnesses = (Witness(443, ConnectOutcome.ANSWERED),)
    evidence = Evidence(25, ConnectEvidence(host.key.address, None, elapsed=0.0), witnesses)
    began = time.time() if at is None else at
    return changed(HostResult(host.identity), at=began, evidence=evidence, failure=failure, own_failure=failure)


def refused(host: Host, text: str) -> HostResult:
    failure = Failure(Stage.BANNER, C.REPUTATION_BLOCKED, text)
    return changed(up(host), failure=failure, own_failure=failure)


def class_of(host: Host) -> FailureClass | None:
    assert host.result is not None
    return None if host.result.failure is None else host.result.failure.failure_class


@asynccontextmanager
async def world(**egress: object) -> AsyncIterator[World]:
    running = World(Egress(**{"trace": False, **egress}))  # type: ignore[arg-type]
    try:
        yield running
    finally:
        running.judgement.close()
        await running.watch.close()


async def test_sharers_hear_of_the_first_result_and_of_another_state_alone() -> None:
    async with world() as found:
        domains = [Domain("a.example"), Domain("b.example")]
        host = found.host("mx.a.example", ADDRESSES[0], *domains)

        def heard() -> tuple[int, int]:
            (numbers,) = {(len(domain.first), len(domain.changed)) for domain in domains}
            return numbers

        found.answered(host)
        assert heard() == (1, 0)
        found.answered(host)
        assert heard() == (1, 0)
        for text, changes in (("550 one", 1), ("550 two", 1)):
            found.judgement.take_in({host: refused(host, text)})
            assert heard() == (1, changes)
            assert host.result is not None
            assert host.result.failure is not None
            assert host.result.failure.detail == text
        found.answered(host)
        assert heard() == (1, 2)
        assert found.told == [(host, True)] * 5


async def test_when_the_egress_is_shut_all_hosts_behind_it_are_judged_again() -> None:
    async with world() as found:
        hosts = found.hosts()
        found.timed_out(*hosts[:-1])
        assert [class_of(host) for host in hosts[:3]] == [C.PORT_FILTERED] * 3
        await found.settled()
        assert [class_of(host) for host in hosts[:-1]] == [C.EGRESS_BLOCKED] * 4
        assert hosts[-1].result is None
        assert [is_session for _, is_session in found.told] == [True] * 4 + [False] * 3
        (domain,) = hosts[0].sharers
        assert isinstance(domain, Domain)
        assert (domain.first, domain.changed) == ([hosts[0]], [hosts[0]])


async def test_references_among_the_sessions_make_it_certain() -> None:
    async with world() as found:
        hosts = found.hosts()
        for tell in (found.answered, found.timed_out):
            for number, host in enumerate(hosts):
                tell(host, reference=f"reference{number}.example" if number < 2 else "")
        await found.settled()
        assert {host.result and host.result.failure and host.result.failure.confidence for host in hosts} == {
            Confidence.CERTAIN
        }


async def test_a_session_is_one_piece_of_evidence_however_many_names_share_it() -> None:
    async with world() as found:
        names = [found.host(f"mx.tenant{number}.example", ADDRESSES[0]) for number in range(10)]
        found.judgement.take_in({host: silent(host) for host in names})
        assert found.states == []
        assert [class_of(host) for host in names] == [C.PORT_FILTERED] * 10


async def test_a_result_without_a_session_is_no_evidence() -> None:
    async with world() as found:
        hosts = found.hosts()
        for host in hosts:
            found.judgement.take_in({host: silent(host)}, is_session=False)
        assert found.states == []
        assert found.told == [(host, False) for host in hosts]
        assert [class_of(host) for host in hosts] == [C.PORT_FILTERED] * 5


async def test_hosts_of_before_the_egress_opened_have_another_session_soon() -> None:
    async with world() as found:
        hosts = found.hosts()
        found.timed_out(*hosts[:4], at=time.time() - 1.0)
        found.answered(hosts[4])
        await found.settled()
        assert {class_of(host) for host in hosts[:4]} == {C.EGRESS_BLOCKED}
        assert set(found.soon) == {host.conversation for host in hosts[:4]}
        found.soon.clear()
        found.timed_out(hosts[0], at=time.time() - 1.0)  # it had begun before as well
        assert found.soon == [hosts[0].conversation]
        found.soon.clear()
        found.answered(hosts[0])
        assert found.soon == []


async def test_a_timeout_is_judged_again_when_another_host_has_answered_after_it() -> None:
    async with world() as found:
        domain = Domain("a.example")
        names = [found.host(f"mx.tenant{number}.example", ADDRESSES[0], domain) for number in range(3)]
        other = found.host("mx.b.example", ADDRESSES[1])
        found.answered(other)
        found.judgement.take_in({host: silent(host) for host in names})
        found.told.clear()
        found.answered(other)
        await until(lambda: len(found.told) == 4)
        assert [class_of(host) for host in names] == [C.PORT_FILTERED] * 3
        assert sorted(host.key.mx for host in domain.changed) == [host.key.mx for host in names]  # likely now
        assert {session for _, session in found.told[1:]} == {False}


async def test_a_path_is_traced_from_the_source_of_the_dialogue_and_told_with_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources: list[str] = []

    async def trace(address: str, port: int, *, against: int | None, source: str) -> PathTrace:
        sources.append(source)
        return path()

    monkeypatch.setattr(traces, "trace", trace)
    async with world(trace=True) as found:
        host = found.host("mx.a.example", ADDRESSES[0])
        found.timed_out(host)
        await until(lambda: len(found.told) == 2)
        assert sources == ["192.0.2.9"]
        assert host.result is not None
        assert host.result.evidence is not None
        assert host.result.evidence.path is not None


async def test_many_names_are_judged_some_at_a_time_or_when_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_judgement, "_AT_ONCE", 2)
    monkeypatch.setattr(spread_work, "_AT_ONCE", 0.0)
    async with world() as found:
        domain = Domain("a.example")
        names = [found.host(f"mx.tenant{number}.example", ADDRESSES[0], domain) for number in range(6)]
        found.judgement.take_in({host: up(host) for host in names})
        assert domain.first == names[:2]
        found.judgement.bring_up_to_date([names[0], names[4]])
        assert domain.first == [*names[:2], names[4]]
        newer = up(names[5])
        found.judgement.take_in({names[5]: newer})
        await found.settled()
        assert domain.first == [names[0], names[1], names[4], names[5], names[2], names[3]]
        assert names[5].result is newer
        assert [is_session for _, is_session in found.told] == [True] * 6


async def test_a_host_that_is_gone_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_judgement, "_AT_ONCE", 0)
    async with world() as found:
        domain = Domain("a.example")
        hold = found.hold(domain, "mx.a.example", ADDRESSES[0])
        found.judgement.take_in({hold.host: up(hold.host)})
        found.table.release(domain, hold)
        found.judgement.take_in({hold.host: up(hold.host)})
        await found.settled()
        assert (found.told, domain.first, hold.host.result) == ([], [], None)


async def test_a_host_of_a_retired_dialogue_does_not_stand_in_the_way_of_its_successor() -> None:
    """Both have the same labels until the last sharer of the old one has had its turn."""
    async with world() as found:
        domain, name, address = Domain("a.example"), "mx.a.example", ADDRESSES[0]
        hold, other = found.hold(domain, name, address), found.host("mx.b.example", ADDRESSES[1])
        found.answered(other)
        found.timed_out(hold.host)
        successor = Dialogues("probe.example").of(domain.target)
        new = found.table.hold(domain, HostKey(name, address, successor), DEMAND)
        assert new.host is not hold.host
        assert new.host.identity == hold.host.identity
        found.timed_out(new.host)
        found.table.release(domain, hold)
        found.told.clear()
        found.answered(other)
        await until(lambda: len(found.told) == 2)
        assert found.told == [(other, True), (new.host, False)]
        found.table.release(domain, new)
        assert not found.judgement._failing


async def test_a_settled_result_is_told_once_and_to_no_sharer() -> None:
    async with world() as found:
        domain = Domain("a.example")
        key = HostKey("mx.a.example", ADDRESSES[1], found.dialogues.of(domain.target))
        host = found.table.hold(domain, key, None).host
        failure = Failure(Stage.DNS, C.MX_ADDRESS_FORBIDDEN, "not allowed")
        result = changed(HostResult(host.identity), failure=failure, own_failure=failure)
        for each in (result, replace(result)):
            found.judgement.take_in_settled(host, each)
        assert (found.told, domain.first) == ([(host, False)], [])
        other = Domain("b.example")
        assert found.hold(other, "mx.a.example", ADDRESSES[1]).host is host
        found.answered(host)
        assert (domain.first, other.first, other.changed) == ([host], [host], [])  # `other` may connect to it
        probed = found.host("mx.b.example", ADDRESSES[0])
        found.judgement.take_in_settled(probed, result)
        assert probed.result is None


async def test_all_are_judged_at_once_at_the_end_of_probes_that_are_made_once() -> None:
    async with world() as found:
        hosts = found.hosts()
        found.timed_out(*hosts)
        assert class_of(hosts[0]) is C.PORT_FILTERED
        found.judgement.judge_all_now()
        assert {class_of(host) for host in hosts} == {C.EGRESS_BLOCKED}


async def test_a_bug_in_one_judgement_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with world() as found:
        hosts = found.hosts()
        found.timed_out(*hosts[:3])
        judge, bad = found.watch.judge_host, hosts[1].identity

        def judged(host: HostResult, source: str = "", *, request: bool) -> HostResult:
            if host.identity == bad:
                raise RuntimeError("a bug")
            return judge(host, source, request=request)

        monkeypatch.setattr(found.watch, "judge_host", judged)
        with caplog.at_level(logging.ERROR):
            found.timed_out(hosts[3])
            await found.settled()
        assert [class_of(host) for host in hosts[:4]] == [C.EGRESS_BLOCKED, C.PORT_FILTERED, *[C.EGRESS_BLOCKED] * 2]
        assert found.errors == 1
        assert "RuntimeError: a bug" in caplog.text
