"""The egress watch on loopback: its networks stand for those of the internet."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.egress import traces
from exporter.egress.settings import WatchSettings
from exporter.egress.watch import EgressWatch
from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.address import Family
from exporter.model.configuration import Egress, Limits
from exporter.model.egress import EgressByFamily, EgressState
from exporter.model.failure import Confidence, FailureClass
from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.resolver import ResolverView
from exporter.model.result import ProbeResult
from exporter.model.target import Settings, Target, TargetKey, TargetKind
from exporter.probe.prober import Prober
from tests.paths import GONE_443, OPEN_443, path
from tests.probe.probing import LOOPBACK, Names, unshared
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
        self.paths: list[frozenset[TargetKey]] = []
        self.suspicions: list[bool] = []
        self.overtaken: list[TargetKey] = []
        self.running: list[SmtpHost | SilentHost] = []
        names = Names(hosts={address: (address,) for address in ADDRESSES})
        self.prober = unshared(Prober(names, Limits(), "probe.example", ProbeSlots(10), egress.witness_ports))
        self.settings = WatchSettings(egress, 60.0, 0.0, "probe.example", port, lambda address: True)
        self.watch = EgressWatch(self.settings, self)

    def egress_changed(self, states: EgressByFamily) -> None:
        self.turned.append(states)

    def resolver_changed(self, view: ResolverView) -> None:
        pass

    def evidence_found(self, keys: frozenset[TargetKey]) -> None:
        self.paths.append(keys)

    def references_wanted(self) -> None:
        self.suspicions.append(True)

    def result_outdated(self, key: TargetKey) -> None:
        self.overtaken.append(key)

    def target(self, address: str, kind: TargetKind = TargetKind.HOST) -> Target:
        settings = Settings(port=self.port, timeout=0.6, allow_addresses=LOOPBACK)
        return Target(kind, address, address, settings)

    async def probe(self, address: str, kind: TargetKind = TargetKind.HOST) -> ProbeResult:
        target = self.target(address, kind)
        return self.watch.take_in(target, await self.prober.probe(target))

    async def probe_all(self) -> list[ProbeResult]:
        return [await self.probe(address) for address in ADDRESSES]

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


def class_of(result: ProbeResult) -> FailureClass | None:
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
        again = found.watch.judge_again(found.target(ADDRESSES[0]), results[0])
        assert class_of(again) is FailureClass.EGRESS_BLOCKED
        assert again.at == results[0].at


async def test_when_it_opens_what_was_shut_off_keeps_its_class_until_it_is_probed_again() -> None:
    async with world() as found:
        await found.timed_out(*ADDRESSES)
        results = await found.probe_all()
        await found.clear()
        await found.answer(*ADDRESSES[:2])
        await found.probe(ADDRESSES[0])
        assert found.state() is EgressState.OPEN
        again = found.watch.judge_again(found.target(ADDRESSES[3]), results[3])
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
        early = await found.prober.probe(found.target(ADDRESSES[0]))
        await found.probe_all()
        assert found.state() is EgressState.OPEN
        found.overtaken.clear()
        back = 3600.0
        # One that is silent for itself is not probed over and over until the clock has come there again.
        silent = await found.probe(ADDRESSES[3])
        assert class_of(silent) is not FailureClass.EGRESS_BLOCKED
        assert found.overtaken == []
        # A session from before the step is no proof of the future.
        found.watch.take_in(found.target(ADDRESSES[0]), early)
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
        again = found.watch.judge_again(found.target(ADDRESSES[0]), silent)
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
        target = found.target(ADDRESSES[0])
        submission = replace(target, settings=replace(target.settings, port=found.witness))
        assert found.watch.take_in(submission, await found.prober.probe(submission)).up
        assert found.state() is EgressState.UNKNOWN
        await found.timed_out(*ADDRESSES)
        assert class_of((await found.probe_all())[-1]) is FailureClass.EGRESS_BLOCKED
        assert found.state() is EgressState.BLOCKED


async def test_references_make_it_certain_and_their_own_state_is_kept() -> None:
    async with world() as found:
        await found.timed_out(*ADDRESSES[:3])
        await found.answer(ADDRESSES[3])
        for address in ADDRESSES:
            await found.probe(address, TargetKind.REFERENCE)
        assert found.watch.references_up == {
            ADDRESSES[0]: False,
            ADDRESSES[1]: False,
            ADDRESSES[2]: False,
            ADDRESSES[3]: True,
        }
        assert found.state() is EgressState.OPEN
        await found.clear()
        await found.answer(*ADDRESSES)
        for address in ADDRESSES:
            await found.probe(address, TargetKind.REFERENCE)
        await found.clear()
        await found.timed_out(*ADDRESSES)
        for address in ADDRESSES:
            await found.probe(address, TargetKind.REFERENCE)
        view = found.watch.egress[Family.IPV4]
        assert (view.state, view.confidence, view.references) == (EgressState.BLOCKED, Confidence.CERTAIN, 4)
        found.watch.configure(replace(found.settings, egress=Egress()))
        assert found.watch.references_up == {}


async def test_a_path_is_traced_when_it_is_wished_for_and_seen_again_with_the_result() -> None:
    async with world(trace=True) as found:
        await found.timed_out(ADDRESSES[0])
        result = await found.probe(ADDRESSES[0])
        target = found.target(ADDRESSES[0])
        await until(lambda: found.paths, 30.0)
        assert found.paths == [frozenset({target.key})]
        (host,) = found.watch.judge_again(target, result).hosts
        assert host.evidence is not None
        assert host.evidence.path is not None
        assert host.evidence.path.against is not None
        assert host.evidence.path.against.port == found.witness


async def test_a_path_outlives_that_the_way_out_becomes_known_but_not_that_it_turns() -> None:
    async with world(trace=True) as found:

        def known() -> PathTrace | None:
            (host,) = found.watch.judge_again(found.target(ADDRESSES[0]), result).hosts
            assert host.evidence is not None
            return host.evidence.path

        await found.timed_out(*ADDRESSES)
        result = await found.probe(ADDRESSES[0])
        await found.watch.trace_all(found.target(ADDRESSES[0]), result)
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
        await found.watch.trace_all(found.target(ADDRESSES[0]), results[0])
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
        seen = found.watch.judge_again(found.target(ADDRESSES[0]), results[0])
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
