"""The content of the egress page, as plain values for the template.

Texts of remote servers are escaped for display here; the templates escape markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.connect_errors import outcome_of
from exporter.diagnosis.egress_state import NETWORKS_NEEDED
from exporter.diagnosis.fingerprints import describe_mark
from exporter.model.address import Family
from exporter.model.egress import SMTP_PORT, EgressState, EgressStateChange, EgressView
from exporter.model.evidence import ConnectOutcome
from exporter.model.printable import printable
from exporter.model.resolver import ResolverState, ResolverView
from exporter.report.local_state import since
from exporter.web.backend import EgressFacts, TargetState
from exporter.web.pages.target_row import TargetRow, target_path, target_row
from exporter.web.pages.times import clock

# Addresses with witnesses that the page lists.
MAX_WITNESSED: Final = 100


@dataclass(frozen=True, slots=True)
class StateCard:
    """The state of the egress of one family, or of the resolver."""

    key: str  # the id of the section: ipv4, ipv6, resolver
    title: str
    state: str
    confidence: str
    meaning: str
    evidence: tuple[str, ...]
    since: float  # Unix time; 0: since the start


@dataclass(frozen=True, slots=True)
class EgressChangeView:
    """One change of the egress state."""

    at: float
    family: str  # IPv4, IPv6
    state: str
    confidence: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessedView:
    """An address whose mail port did not answer, and the outcomes of its other ports."""

    target: str
    path: str
    mx: str
    address: str
    port: int
    outcome: str
    witnesses: str
    failure_class: str
    confidence: str
    last_hop: str


@dataclass(frozen=True, slots=True)
class EgressPage:
    """The egress page."""

    port: int  # whose egress is judged
    cards: tuple[StateCard, ...]
    changes: tuple[EgressChangeView, ...]  # the latest first
    references: tuple[TargetRow, ...]
    witnessed: tuple[WitnessedView, ...]
    more_witnessed: int
    witness_ports: tuple[int, ...]
    tracing: bool


def egress_page(facts: EgressFacts) -> EgressPage:
    """The egress page with the present state."""
    witnessed = list(_witnessed(facts.targets))
    return EgressPage(
        port=next((view.port for view in facts.families.values()), SMTP_PORT),
        cards=(
            *(_family_card(family, view, facts.changes) for family, view in facts.families.items()),
            _resolver_card(facts.resolver),
        ),
        changes=tuple(map(_change, reversed(facts.changes))),
        references=tuple(map(target_row, facts.references)),
        witnessed=tuple(witnessed[:MAX_WITNESSED]),
        more_witnessed=max(0, len(witnessed) - MAX_WITNESSED),
        witness_ports=facts.witness_ports,
        tracing=facts.tracing,
    )


_TITLES: Final = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}
_EGRESS_MEANINGS: Final = {
    EgressState.OPEN: "Outgoing connections to port {port} work.",
    EgressState.BLOCKED: "A filter blocks outgoing connections to port {port}, while other ports work.",
    EgressState.INTERCEPTED: "One server on the path answers for all destinations.",
    EgressState.OFFLINE: "No outgoing connection works.",
    EgressState.UNKNOWN: "Too few results to compare: no public address was probed lately, or too few.",
}
_RESOLVER_MEANINGS: Final = {
    ResolverState.WORKING: "The resolver answers.",
    ResolverState.FAILING: (
        "Unrelated names fail in the same way: the cause is the resolver, its uplink, its trust anchor, or the clock."
    ),
    ResolverState.FILTERING: "The resolver withholds or replaces answers.",
    ResolverState.UNKNOWN: "Too few results to compare: no name was queried lately, or none was answered.",
}


def _family_card(family: Family, view: EgressView, changes: Iterable[EgressStateChange]) -> StateCard:
    return StateCard(
        key=family.value,
        title=_TITLES[family],
        state=view.state.value,
        confidence=view.confidence.value if view.state is not EgressState.UNKNOWN else "",
        meaning=_EGRESS_MEANINGS[view.state].format(port=view.port),
        evidence=(*_restored(view), *_egress_evidence(view), *_of_now(view)),
        since=since(family, view.state, changes),
    )


def _resolver_card(view: ResolverView) -> StateCard:
    evidence = [*_restored(view)]
    if view.names:
        symptom = f": {view.symptom.value}" if view.symptom is not None else ""
        evidence.append(f"{_unrelated(view.names, 'name', view.references)}{symptom}")
    if view.last_success:
        evidence.append(f"the last useful answer came at {clock(view.last_success)}")
    return StateCard(
        key="resolver",
        title="Resolver",
        state=view.state.value,
        confidence=view.confidence.value if view.state is not ResolverState.UNKNOWN else "",
        meaning=_RESOLVER_MEANINGS[view.state],
        evidence=tuple(evidence),
        since=view.since,
    )


def _change(change: EgressStateChange) -> EgressChangeView:
    view = change.view
    return EgressChangeView(
        at=change.at,
        family=_TITLES[change.family],
        state=view.state.value,
        confidence=view.confidence.value if view.state is not EgressState.UNKNOWN else "",
        evidence=tuple(_egress_evidence(view)),
    )


def _restored(view: EgressView | ResolverView) -> Iterator[str]:
    """The age of a state that is known from before the start alone."""
    if view.as_of:
        yield f"known from before the restart, as of {clock(view.as_of)}: nothing is judged by it"


def _egress_evidence(view: EgressView) -> Iterator[str]:
    networks = _unrelated(view.networks, "network", view.references)
    if view.outcomes and view.state is not EgressState.OPEN:
        outcomes = " or ".join(sorted(outcome.value.replace("_", " ") for outcome in view.outcomes))
        yield f"{networks}, each {outcomes}"
    elif view.networks:
        yield networks
    if view.passing_traffic:
        yield f"{printable(view.passing_traffic)} gets through"
    if view.common_fingerprint:
        yield f"{printable(describe_mark(view.common_fingerprint))} answers for all of them"
    if view.state is EgressState.OPEN:
        yield "at least one public address sent a greeting, or refused the connection itself"


def _of_now(view: EgressView) -> Iterator[str]:
    """The evidence that moves on while the state stays."""
    if view.state is EgressState.BLOCKED and not view.passing_traffic and ConnectOutcome.NO_ANSWER in view.outcomes:
        yield "no other port was seen to get through lately: the state is that of before"
    if view.state is EgressState.UNKNOWN and view.heard:
        heard = "1 address" if view.heard == 1 else f"{view.heard:,} addresses"
        yield f"{heard} probed lately; a common failure takes {NETWORKS_NEEDED} unrelated organisations"
    if view.last_success:
        yield f"the last session that got out began at {clock(view.last_success)}"


def _unrelated(count: int, noun: str, references: int) -> str:
    """The number of unrelated networks or names, and how many of them are of references."""
    text = f"{count} unrelated {noun if count == 1 else f'{noun}s'}"
    return f"{text}, {references} of them of references" if references else text


def _witnessed(targets: Iterable[TargetState]) -> Iterator[WitnessedView]:
    """Each address with witnesses once, however many targets share it."""
    listed: set[tuple[str, int]] = set()
    for seen in targets:
        for host in seen.result.hosts if seen.result is not None else ():
            evidence, failure = host.evidence, host.failure
            if evidence is None or not evidence.witnesses or (host.address, evidence.port) in listed:
                continue
            listed.add((host.address, evidence.port))
            yield WitnessedView(
                target=seen.target.name,
                path=target_path(seen.target),
                mx=host.mx,
                address=host.address,
                port=evidence.port,
                outcome=outcome_of(evidence.connect).value.replace("_", " "),
                witnesses=", ".join(f"{one.port} {one.outcome.value.replace('_', ' ')}" for one in evidence.witnesses),
                failure_class=failure.failure_class.value if failure is not None else "",
                confidence=failure.confidence.value if failure is not None else "",
                last_hop=host.outcome.last_hop,
            )
