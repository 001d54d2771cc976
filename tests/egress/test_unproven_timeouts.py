"""Timeouts wait for the answer of another host, and are judged again when it comes."""

from __future__ import annotations

import asyncio
from errno import ECONNREFUSED

import pytest

from exporter.egress import unproven_timeouts
from exporter.egress.clocks import Clocks
from exporter.egress.evidence import observation_of
from exporter.egress.settings import WatchSettings
from exporter.egress.states import JudgedStates
from exporter.egress.unproven_timeouts import UnprovenTimeouts
from exporter.model.configuration import Egress
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence
from exporter.model.failure import FailureClass
from exporter.model.result import HostIdentity, HostResult
from tests.results import changed, down_host, up_host


class Waiting:
    """Hosts that timed out, and another that may answer."""

    def __init__(self) -> None:
        self.proven: list[frozenset[HostIdentity]] = []
        self.clocks = Clocks()
        self.states = JudgedStates(WatchSettings(Egress(), 60.0, 35.0))
        self.timeouts = UnprovenTimeouts(self.states, self.clocks, self.proven.append)

    def time_out(self, number: int, *, failure: FailureClass = FailureClass.CONNECT_TIMEOUT) -> HostIdentity:
        silent = self._silent(number, failure)
        self.timeouts.see(silent, lambda address: True)
        return silent.identity

    def _silent(self, number: int, failure: FailureClass) -> HostResult:
        address = f"10.{number}.0.1"
        evidence = Evidence(25, ConnectEvidence(address, None, elapsed=1.0))
        at = self.clocks.now().unix
        return changed(down_host(failure, f"mx.d{number}.example", address), at=at, evidence=evidence)

    async def answer(self) -> None:
        now = self.clocks.now()
        host = changed(up_host("mx.well.example", "198.51.100.1"), at=now.unix, evidence=Evidence(25))
        evidence = host.evidence
        assert evidence is not None
        self.states.egress_judge.record(
            observation_of(host, evidence, ConnectOutcome.ANSWERED, now, reference="", is_own_reset=False)
        )
        self.timeouts.host_answered()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_an_answer_after_a_timeout_settles_it_once() -> None:
    waiting = Waiting()
    key = waiting.time_out(1)
    await waiting.answer()
    assert waiting.proven == [frozenset({key})]
    await waiting.answer()
    assert len(waiting.proven) == 1


async def test_a_host_that_answers_itself_waits_no_more() -> None:
    waiting = Waiting()
    waiting.timeouts.drop(waiting.time_out(1))
    await waiting.answer()
    assert waiting.proven == []


async def test_a_host_that_fails_otherwise_waits_no_more() -> None:
    waiting = Waiting()
    waiting.time_out(1)
    silent = waiting._silent(1, FailureClass.CONNECT_REFUSED)
    refused = Evidence(25, ConnectEvidence(silent.address, ECONNREFUSED))
    waiting.timeouts.see(changed(silent, evidence=refused), lambda address: True)
    await waiting.answer()
    assert waiting.proven == []


async def test_what_is_ours_is_judged_again_when_the_egress_opens() -> None:
    waiting = Waiting()
    waiting.time_out(1, failure=FailureClass.EGRESS_BLOCKED)
    await waiting.answer()
    assert waiting.proven == []


async def test_an_address_that_is_reached_without_the_egress_waits_for_nobody() -> None:
    waiting = Waiting()
    silent = waiting._silent(1, FailureClass.CONNECT_TIMEOUT)
    waiting.timeouts.see(silent, lambda address: False)
    await waiting.answer()
    assert waiting.proven == []


async def test_many_are_settled_some_at_a_time_and_of_too_many_the_first_wait_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unproven_timeouts, "_AT_ONCE", 2)
    monkeypatch.setattr(unproven_timeouts, "_MAX_WAITING", 4)
    waiting = Waiting()
    keys = [waiting.time_out(number) for number in range(5)]
    await waiting.answer()
    assert waiting.proven == [frozenset(keys[1:3]), frozenset(keys[3:5])]
