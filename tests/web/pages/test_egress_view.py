"""The egress page."""

from __future__ import annotations

import pytest

from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressStateChange, EgressView
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence
from exporter.model.resolver import ResolverState, ResolverSymptom, ResolverView
from tests.results import AT, changed, domain, down_host, result
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    C,
    get,
    known,
    text,
)


async def test_the_egress_page_shows_state_evidence_witnesses_and_changes(backend: FakeBackend) -> None:
    view = EgressView(
        EgressState.BLOCKED,
        Confidence.CERTAIN,
        frozenset({ConnectOutcome.NO_ANSWER}),
        7,
        2,
        "port 443 of 192.0.2.9",
        port=2525,
    )
    silent = changed(
        down_host(C.EGRESS_BLOCKED),
        evidence=Evidence(25, ConnectEvidence("2001:db8::2", None), (Witness(443, ConnectOutcome.RESET),)),
        last_hop="203.0.113.1",
    )
    opened = EgressView(EgressState.OPEN, Confidence.CERTAIN)
    backend.kept = known((domain(), result(silent)), (domain("other.example"), result(silent)))
    backend.families = {Family.IPV4: view, Family.IPV6: EgressView()}
    backend.changes = [EgressStateChange(AT, Family.IPV4, opened), EgressStateChange(AT + 60, Family.IPV4, view)]
    shown = text(await get(backend, "/egress"))
    assert "Can this machine open connections to port 2525?" in shown
    assert "IPv4 blocked A filter blocks outgoing connections to port 2525, while other ports work." in shown
    assert "7 unrelated networks, 2 of them of references, each silent" in shown
    assert "port 443 of 192.0.2.9 gets through" in shown
    assert "IPv6 unknown Too few results to compare" in shown
    assert "healthy.example mx2.healthy.example 2001:db8::2 25 silent 443 reset 203.0.113.1 egress_blocked" in shown
    assert "other.example" not in shown  # the address is told of once
    assert shown.index("blocked IPv4 certain") < shown.index("open IPv4")


async def test_the_resolver_is_shown_with_the_egress(backend: FakeBackend) -> None:
    backend.resolver = ResolverView(ResolverState.FAILING, Confidence.LIKELY, ResolverSymptom.NO_ANSWER, 5, since=AT)
    shown = text(await get(backend, "/egress"))
    (trouble,) = backend.local_state().troubles
    assert f"{trouble.text} since 2023-11-14 22:13 UTC (likely)" in shown
    assert "Resolver failing? Unrelated names fail in the same way" in shown
    assert "5 unrelated names: no answer" in shown


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (
            EgressView(EgressState.OPEN, last_success=AT),
            "the last session that got out began at 2023-11-14 22:13:20 UTC",
        ),
        (EgressView(heard=3), "3 addresses probed lately; a common failure takes 4 unrelated organisations"),
        (
            EgressView(EgressState.BLOCKED, outcomes=frozenset({ConnectOutcome.NO_ANSWER})),
            "no other port was seen to get through lately",
        ),
    ],
)
async def test_the_evidence_is_that_of_now(backend: FakeBackend, view: EgressView, told: str) -> None:
    backend.families = {Family.IPV4: view, Family.IPV6: EgressView()}
    assert told in text(await get(backend, "/egress"))


async def test_without_references_the_egress_page_says_what_they_are_for(backend: FakeBackend) -> None:
    assert "None is configured." in text(await get(backend, "/egress"))


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        ((), "no other port is tried"),
        ((443,), "its port 443 is tried"),
        ((80, 443, 587), "its ports 80, 443 and 587 are tried"),
    ],
)
async def test_the_witness_ports_are_named(backend: FakeBackend, ports: tuple[int, ...], said: str) -> None:
    backend.witness_ports = ports
    assert f"does not answer, {said}" in text(await get(backend, "/egress"))
