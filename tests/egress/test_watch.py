"""The egress watch on loopback: its networks stand for those of the internet."""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from exporter.egress import traces
from exporter.egress.settings import WatchSettings
from exporter.egress.watch import EgressWatch
from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.address import Family
from exporter.model.configuration import Egress
from exporter.model.egress import EgressByFamily, EgressState
from exporter.model.evidence import ConnectOutcome, Witness
from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.resolver import ResolverState, ResolverView
from exporter.model.result import DomainResult, HostIdentity, HostResult, MxHost, MxLookup
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.host_result import host_result
from exporter.probe.session import Session
from exporter.probe.session_outcome import connect_outcome
from exporter.probe.session_request import Endpoint
from exporter.smtp.plan import Plan
from tests.paths import GONE_443, OPEN_443, path
from tests.results import changed
from tests.support.waiting import until

K = HopKind
ADDRESSES = tuple(f"127.{number}.0.1" for number in (61, 62, 63, 64))
PROXY = "proxy.isp.example"


class World:
    """Mail hosts on one port of unrelated networks, and an exporter's watch on them."""

    def __init__(self, port: int, witness: int, egress: Egress) -> None:
        self.port = port
        self.witness = witness
        self.turned: list[EgressByFamily] = []
        self.paths: list[frozenset[HostIdentity]] = []
        self.suspicions: list[bool] = []
        self.overtaken: list[HostIdentity] = []
        self.resolver_states: list[ResolverState] = []
        self.running: list[SmtpHost | SilentHost] = []
        self.settings = WatchSettings(egress, 60.0, 0.0, "probe.example", port, lambda address: True)
        self.watch = EgressWatch(self.settings, self)

    def egress_changed(self, states: EgressByFamily) -> None:
        self.turned.append(states)

    def resolver_changed(self, view: ResolverView) -> None:
        self.resolver_states.append(view.state)

    def evidence_found(self, identities: frozenset[HostIdentity]) -> None:
        self.paths.append(identities)

    def references_wanted(self) -> None:
        self.suspicions.append(True)

    async def session(self, address: str, port: int = 0, *, mx: str = "") -> HostResult:
        """One session, not judged. Hosts are named by their addresses unless told otherwise."""
        identity = HostIdentity(mx or address, address, port or self.port, "default")
        record = await Session(Plan(b"probe.example"), Endpoint(address, identity.port), 0.6).run()
        if self.settings.egress.witness_ports and connect_outcome(record) is ConnectOutcome.NO_ANSWER:
            record = replace(record, witnesses=(await self._witness(address),))
        return host_result(identity, record)

    async def _witness(self, address: str) -> Witness:
        try:
            _, writer = await asyncio.open_connection(address, self.witness)
        except ConnectionRefusedError:
            return Witness(self.witness, ConnectOutcome.RESET)
        writer.close()
        return Witness(self.witness, ConnectOutcome.ANSWERED)

    def take_in(self, host: HostResult, reference: str = "") -> HostResult:
        """A session as the engine tells of it: observed, and its host judged."""
        self.watch.observe(host, reference)
        judged = self.watch.judge_host(host, request=True)
        if reference:
            self.watch.reference_probed(reference, up=judged.up)
        if self.watch.is_outdated(judged):
            self.overtaken.append(judged.identity)
        return judged

    async def probe(self, address: str, *, reference: str = "") -> HostResult:
        return self.take_in(await self.session(address), reference)

    async def probe_all(self) -> list[HostResult]:
        return await self.probe_at_once(*ADDRESSES)

    async def probe_at_once(self, *addresses: str) -> list[HostResult]:
        """Sessions side by side, taken in one after the other."""
        return [self.take_in(host) for host in await asyncio.gather(*map(self.session, addresses))]

    async def probe_references(self) -> None:
        for host in await asyncio.gather(*map(self.session, ADDRESSES)):
            self.take_in(host, host.address)

    def again(self, host: HostResult) -> HostResult:
        return self.watch.judge_host(host, request=False)

    async def answer(self, *addresses: str, greeting: str = "") -> None:
        for address in addresses:
            host = SmtpHost(ordinary(greeting or f"mx.{address}.example"))
            self.running.append(host)
            await host.start(address, self.port)

    async def timed_out(self, *addresses: str) -> None:
        for address in addresses:
            host = SilentHost()
            self.running.append(host)
            await host.start(address, self.port)

    async def clear(self) -> None:
        while self.running:
            await self.running.pop().stop()

    def state(self) -> EgressState:
        return self.watch.egress[Family.IPV4].state


@asynccontextmanager
async def world(**egress: object) -> AsyncIterator[World]:
    """No port but the SMTP port is listened on: others refuse, and so prove the hosts alive."""
    with socket.socket() as port, socket.socket() as witness:
        for sock in (port, witness):
            sock.bind(("127.60.0.1", 0))
        numbers = [sock.getsockname()[1] for sock in (port, witness)]
        settings = replace(Egress(witness_ports=(numbers[1],), trace=False), **egress)  # type: ignore[arg-type]
        running = World(numbers[0], numbers[1], settings)
        try:
            yield running
        finally:
            await running.watch.close()
            await running.clear()


def class_of(result: HostResult) -> FailureClass | None:
    return result.failure.failure_class if result.failure is not None else None


async def test_all_silent_at_once_is_a_block_and_what_was_taken_in_before_is_seen_so_too() -> None:
    async with world() as found:
        await found.timed_out(*ADDRESSES)
        results = await found.probe_all()
        # Until the fourth, each might have been filtered by itself.
        assert [class_of(result) for result in results] == [
            *[FailureClass.PORT_FILTERED] * 3,
            FailureClass.EGRESS_BLOCKED,
        ]
        assert found.state() is EgressState.BLOCKED
        assert [(turn.family, turn.view) for turn in found.watch.changes] == [
            (Family.IPV4, found.watch.egress[Family.IPV4])
        ]
        assert len(found.turned) == 1
        again = found.again(results[0])
        assert class_of(again) is FailureClass.EGRESS_BLOCKED
        assert again.timings.at == results[0].timings.at


async def test_when_it_opens_what_was_shut_off_keeps_its_class_until_it_is_probed_again() -> None:
    async with world() as found:
        await found.timed_out(*ADDRESSES)
        results = await found.probe_all()
        await found.clear()
        await found.answer(*ADDRESSES[:2])
        await found.probe(ADDRESSES[0])
        assert found.state() is EgressState.OPEN
        again = found.again(results[3])
        assert again.failure is not None
        assert again.failure.failure_class is FailureClass.EGRESS_BLOCKED
        assert any("being probed again" in text for text in again.failure.evidence)
        assert found.watch.is_outdated(again)
        await found.answer(ADDRESSES[3])
        assert (await found.probe(ADDRESSES[3])).up
        assert found.overtaken == []


async def test_a_clock_that_is_set_back_neither_keeps_the_past_alive_nor_blinds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, back = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() - back)
    async with world() as found:
        await found.timed_out(*ADDRESSES)
        await found.probe_all()
        await found.clear()
        await found.answer(*ADDRESSES[:3])
        early = await found.session(ADDRESSES[0])
        await found.probe_all()
        assert found.state() is EgressState.OPEN
        found.overtaken.clear()
        back = 3600.0
        # One that is silent for itself is not probed over and over until the clock has come there again.
        silent = await found.probe(ADDRESSES[3])
        assert class_of(silent) is not FailureClass.EGRESS_BLOCKED
        assert found.overtaken == []
        # A session from before the step is no proof of the future.
        found.take_in(early)
        await found.clear()
        await found.timed_out(*ADDRESSES)
        assert {class_of(result) for result in await found.probe_all()} & {FailureClass.EGRESS_BLOCKED}
        assert found.state() is EgressState.BLOCKED


async def test_a_silence_counts_against_a_host_only_once_another_has_answered_after_it() -> None:
    async with world() as found:
        await found.answer(*ADDRESSES)
        await found.probe_all()
        await found.clear()
        await found.timed_out(ADDRESSES[0])
        silent = await found.probe(ADDRESSES[0])
        assert silent.failure is not None
        assert (silent.failure.failure_class, silent.failure.confidence) == (
            FailureClass.PORT_FILTERED,
            Confidence.UNCERTAIN,
        )
        assert found.suspicions == [True]
        await found.answer(*ADDRESSES[1:])
        await found.probe(ADDRESSES[1])
        await until(lambda: found.paths, 5.0)
        again = found.again(silent)
        assert again.failure is not None
        assert (again.failure.failure_class, again.failure.confidence) == (
            FailureClass.PORT_FILTERED,
            Confidence.LIKELY,
        )


async def test_what_another_port_draws_is_a_witness_and_no_proof_of_the_way_out() -> None:
    async with world() as found:
        host = SmtpHost(ordinary("submission.example"))
        found.running.append(host)
        await host.start(ADDRESSES[0], found.witness)
        assert found.take_in(await found.session(ADDRESSES[0], found.witness)).up
        assert found.state() is EgressState.UNKNOWN
        await found.timed_out(*ADDRESSES)
        assert class_of((await found.probe_all())[-1]) is FailureClass.EGRESS_BLOCKED
        assert found.state() is EgressState.BLOCKED


async def test_references_make_it_certain_and_their_own_state_is_kept() -> None:
    async with world() as found:
        await found.timed_out(*ADDRESSES[:3])
        await found.answer(ADDRESSES[3])
        await found.probe_references()
        assert found.watch.references_up == {
            ADDRESSES[0]: False,
            ADDRESSES[1]: False,
            ADDRESSES[2]: False,
            ADDRESSES[3]: True,
        }
        assert found.state() is EgressState.OPEN
        await found.clear()
        await found.answer(*ADDRESSES)
        await found.probe_references()
        await found.clear()
        await found.timed_out(*ADDRESSES)
        await found.probe_references()
        view = found.watch.egress[Family.IPV4]
        assert (view.state, view.confidence, view.references) == (EgressState.BLOCKED, Confidence.CERTAIN, 4)
        found.watch.configure(replace(found.settings, egress=Egress()))
        assert found.watch.references_up == {}


async def test_a_path_is_traced_when_it_is_wished_for_and_seen_again_with_the_result() -> None:
    async with world(trace=True) as found:
        await found.timed_out(ADDRESSES[0])
        result = await found.probe(ADDRESSES[0])
        await until(lambda: found.paths, 30.0)
        assert found.paths == [frozenset({result.identity})]
        host = found.again(result)
        assert host.evidence is not None
        assert host.evidence.path is not None
        assert host.evidence.path.against is not None
        assert host.evidence.path.against.port == found.witness


async def test_a_path_outlives_that_the_way_out_becomes_known_but_not_that_it_turns() -> None:
    async with world(trace=True) as found:

        def known() -> PathTrace | None:
            host = found.again(result)
            assert host.evidence is not None
            return host.evidence.path

        await found.timed_out(*ADDRESSES)
        result = await found.probe(ADDRESSES[0])
        await found.watch.trace_all((result,), lambda address: "")
        assert found.state() is EgressState.UNKNOWN
        before = known()
        assert before is not None
        await found.probe_all()
        assert found.state() is EgressState.BLOCKED
        assert known() is before
        await found.clear()
        await found.answer(*ADDRESSES[1:])
        await found.probe_all()
        assert found.state() is EgressState.OPEN
        assert known() is not before


@pytest.mark.parametrize(
    ("trace", "state"),
    [
        (path(K.REFUSED, against=OPEN_443), EgressState.BLOCKED),
        # Most mail hosts are silent on other ports; that routers beyond let one pass shows that it gets out.
        (path(K.REFUSED, against=GONE_443), EgressState.BLOCKED),
        (path(K.SILENT, against=path(K.SILENT, K.SILENT, port=443)), EgressState.UNKNOWN),
        # The host itself refuses: the port gets out as well.
        (path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.REFUSED, against=OPEN_443), EgressState.OPEN),
    ],
)
async def test_the_other_port_of_a_trace_is_something_that_gets_out_where_the_port_does_not(
    monkeypatch: pytest.MonkeyPatch, trace: PathTrace, state: EgressState
) -> None:
    async def traced(*_: object, **__: object) -> PathTrace:
        return trace

    monkeypatch.setattr(traces, "trace", traced)
    async with world(trace=True) as found:
        results = await found.probe_all()
        assert not any(result.up for result in results)
        await found.watch.trace_all(results[:1], lambda address: "")
        assert found.state() is state


async def test_one_speaker_for_all_is_looked_at_closely_and_then_seen_through() -> None:
    async with world() as found:
        await found.answer(*ADDRESSES, greeting=PROXY)
        results = await found.probe_all()
        assert all(result.up for result in results)
        # Hosts are named by their addresses here: each is its own organisation.
        found.watch.tick({})
        await found.watch.finish_checks()
        assert found.state() is EgressState.INTERCEPTED
        seen = found.again(results[0])
        assert class_of(seen) is FailureClass.EGRESS_INTERCEPTED
        assert seen.failure is not None
        assert PROXY in seen.failure.detail


async def test_a_nameserver_that_answers_is_something_that_gets_out() -> None:
    async with world(witness_ports=()) as found:
        await found.timed_out(*ADDRESSES)
        await found.probe_all()
        assert found.state() is EgressState.UNKNOWN
        found.watch.tick({"192.0.2.53": asyncio.get_running_loop().time()})
        assert found.state() is EgressState.BLOCKED


async def test_a_session_that_many_names_share_is_one_voice_and_each_name_is_judged() -> None:
    async with world() as found:
        await found.timed_out(*ADDRESSES)
        first = await found.session(ADDRESSES[0], mx="mx.a.example")
        names = [changed(first, mx=f"mx.tenant{number}.example") for number in range(6)]
        found.watch.observe(first)
        judged = [found.watch.judge_host(host, request=True) for host in names]
        assert {class_of(host) for host in judged} == {FailureClass.PORT_FILTERED}
        assert found.state() is EgressState.UNKNOWN
        await found.probe_at_once(*ADDRESSES[1:])
        assert found.state() is EgressState.BLOCKED
        assert {class_of(found.again(host)) for host in judged} == {FailureClass.EGRESS_BLOCKED}


async def test_each_name_of_a_silent_address_is_told_when_another_host_has_answered() -> None:
    async with world() as found:
        await found.timed_out(ADDRESSES[0])
        await found.answer(ADDRESSES[1])
        silent = await found.session(ADDRESSES[0], mx="mx.a.example")
        names = [changed(silent, mx=f"mx.tenant{number}.example") for number in range(3)]
        found.watch.observe(silent)
        for host in names:
            found.watch.judge_host(host, request=True)
        answered = await found.session(ADDRESSES[1])
        found.watch.judge_host(changed(answered, mx=names[2].mx, address=ADDRESSES[0]), request=True)
        found.take_in(answered)
        await until(lambda: found.paths, 5.0)
        assert found.paths == [frozenset(host.identity for host in names[:2])]
        failures = [found.again(host).failure for host in names[:2]]
        assert {failure and failure.confidence for failure in failures} == {Confidence.LIKELY}


async def test_a_reference_counts_as_one_that_is_a_domains_mail_host_as_well() -> None:
    """One host, one session: a domain asks for it, and so does the list of references."""
    async with world() as found:
        await found.answer(*ADDRESSES)
        await found.probe_references()
        await found.clear()
        await found.timed_out(*ADDRESSES)
        await found.probe_at_once(*ADDRESSES)  # of another dialogue with the same addresses
        view = found.watch.egress[Family.IPV4]
        assert (view.state, view.confidence, view.references) == (EgressState.BLOCKED, Confidence.CERTAIN, 4)


async def test_the_last_reference_that_has_a_result_lets_the_judgement_be_made_at_once() -> None:
    async with world() as found:
        names = ("ref.a.example", "ref.b.example")
        settings = Settings()
        references = tuple(Target(TargetKind.REFERENCE, name, name, settings) for name in names)
        found.watch.configure(replace(found.settings, egress=replace(found.settings.egress, references=references)))
        await found.timed_out(*ADDRESSES)
        await found.probe_at_once(*ADDRESSES)
        assert found.state() is EgressState.UNKNOWN
        assert found.suspicions
        found.watch.reference_probed(names[0], up=False)
        assert found.state() is EgressState.UNKNOWN
        found.watch.reference_probed(names[1], up=False)
        assert found.state() is EgressState.BLOCKED


async def test_what_is_of_before_the_routes_changed_is_known_and_a_first_judgement_is_no_change() -> None:
    async with world() as found:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await found.answer(*ADDRESSES)
        await found.probe_at_once(*ADDRESSES)
        assert found.state() is EgressState.OPEN
        assert found.watch.routes_changed_at < began
        await found.clear()
        await found.timed_out(*ADDRESSES)
        began = loop.time()
        await found.probe_at_once(*ADDRESSES)
        assert found.state() is EgressState.BLOCKED
        assert began < found.watch.routes_changed_at <= loop.time()


def failed_lookup(name: str, asked_at: float | None) -> MxLookup:
    failure = Failure(Stage.DNS, FailureClass.DNS_SERVFAIL, "SERVFAIL")
    return MxLookup(name, failure=failure, asked_at=asked_at)


async def test_lookups_show_the_resolver_and_what_failed_before_it_answers_is_outdated() -> None:
    async with world() as found:
        watch, began = found.watch, time.time()
        names = [f"domain-{letter}.example" for letter in "abcd"]
        for name in names:
            watch.observe_lookup(failed_lookup(name, None))  # from the cache: nobody was asked
        assert found.resolver_states == []
        for name in names:
            watch.observe_lookup(failed_lookup(name, began), reference=name == names[0])
        assert found.resolver_states == [ResolverState.FAILING]
        assert (watch.resolver.confidence, watch.resolver.references) == (Confidence.CERTAIN, 1)
        failure = Failure(Stage.DNS, FailureClass.RESOLVER_FAILING, "our resolver")
        failed = DomainResult(began, 0.1, failed_lookup(names[0], began), (), (), failure)
        assert not watch.is_outdated_lookup(failed)
        named = (MxHost("ref.example.org", 0, ("192.0.2.1",), asked_at=began + 1.0),)
        watch.observe_lookup(None, named, reference=True)
        assert found.resolver_states == [ResolverState.FAILING, ResolverState.WORKING]
        assert watch.is_outdated_lookup(failed)
        assert watch.routes_changed_at > -math.inf
        assert not watch.is_outdated_lookup(failed._replace(failure=None))
