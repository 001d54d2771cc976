"""What the page of the way out says, as plain values for the template.

Everything a stranger sent comes out of here printable; the templates escape markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.connect_errors import outcome_of
from exporter.diagnosis.fingerprints import describe_mark
from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressStateChange, EgressView
from exporter.model.printable import printable
from exporter.model.resolver import ResolverState, ResolverView
from exporter.report.local_state import since
from exporter.store.record import TargetRecord
from exporter.web.backend import EgressFacts
from exporter.web.pages.fleet import FleetRow, fleet_row, target_path

# Addresses with witnesses that the page lists.
MAX_WITNESSED: Final = 100


@dataclass(frozen=True, slots=True)
class FamilyView:
    """The way out of one family."""

    family: str
    state: str
    confidence: str
    meaning: str
    evidence: tuple[str, ...]
    since: float  # Unix time; 0: since the start


@dataclass(frozen=True, slots=True)
class ResolverCard:
    """Our resolver."""

    state: str
    confidence: str
    meaning: str
    evidence: tuple[str, ...]
    since: float  # Unix time; 0: since the start


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn of the way out."""

    at: float
    family: str
    state: str
    confidence: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessedView:
    """An address whose port did not answer, and what its other ports did."""

    target: str
    path: str
    mx: str
    address: str
    port: int
    way: str
    witnesses: str
    failure_class: str
    confidence: str
    last_hop: str


@dataclass(frozen=True, slots=True)
class EgressPage:
    """The page of the way out."""

    families: tuple[FamilyView, ...]
    resolver: ResolverCard
    turns: tuple[TurnView, ...]  # the latest first
    references: tuple[FleetRow, ...]
    witnessed: tuple[WitnessedView, ...]
    more_witnessed: int
    witness_ports: tuple[int, ...]
    tracing: bool


def egress_page(facts: EgressFacts) -> EgressPage:
    """The page of the way out as it is known now."""
    witnessed = list(_witnessed(facts.records))
    return EgressPage(
        families=tuple(_family(family, view, facts.turns) for family, view in facts.surroundings.items()),
        resolver=_resolver(facts.resolver),
        turns=tuple(
            TurnView(turn.at, turn.family, turn.view.state, turn.view.confidence, tuple(_egress_evidence(turn.view)))
            for turn in reversed(facts.turns)
        ),
        references=tuple(fleet_row(record, record.result) for record in facts.references),
        witnessed=tuple(witnessed[:MAX_WITNESSED]),
        more_witnessed=max(0, len(witnessed) - MAX_WITNESSED),
        witness_ports=facts.witness_ports,
        tracing=facts.tracing,
    )


_STATES: Final = {
    EgressState.OPEN: "Connections to port 25 get out.",
    EgressState.BLOCKED: "Something on the way out stops connections to port 25, while other ports get through.",
    EgressState.INTERCEPTED: "Somebody on the way out answers in everybody's name.",
    EgressState.OFFLINE: "Nothing gets out of here.",
    EgressState.UNKNOWN: "There is too little to compare: no public address has been probed lately, or too few.",
}


def _family(family: Family, view: EgressView, turns: Iterable[EgressStateChange]) -> FamilyView:
    return FamilyView(
        family=family.value,
        state=view.state.value,
        confidence=view.confidence.value if view.state is not EgressState.UNKNOWN else "",
        meaning=_STATES[view.state],
        evidence=tuple(_egress_evidence(view)),
        since=since(family, view.state, turns),
    )


_RESOLVER_STATES: Final = {
    ResolverState.WORKING: "Names that were asked for are answered.",
    ResolverState.FAILING: (
        "Names that have nothing in common fail alike: the resolver, its uplink, its trust anchor, or our clock."
    ),
    ResolverState.FILTERING: "The resolver keeps answers from us.",
    ResolverState.UNKNOWN: "There is too little to compare: no name was asked for lately, or none was answered.",
}


def _resolver(view: ResolverView) -> ResolverCard:
    evidence = []
    if view.names:
        references = f", {view.references} of them of references" if view.references else ""
        look = f": {view.look.value}" if view.look is not None else ""
        evidence.append(f"{view.names} unrelated {'name' if view.names == 1 else 'names'}{references}{look}")
    return ResolverCard(
        state=view.state.value,
        confidence=view.confidence.value if view.state is not ResolverState.UNKNOWN else "",
        meaning=_RESOLVER_STATES[view.state],
        evidence=tuple(evidence),
        since=view.since,
    )


def _egress_evidence(view: EgressView) -> Iterator[str]:
    if view.ways and view.state is not EgressState.OPEN:
        ways = " or ".join(sorted(way.value.replace("_", " ") for way in view.ways))
        yield f"{_networks(view)}, each {ways}"
    elif view.networks:
        yield _networks(view)
    if view.others_out:
        yield f"{printable(view.others_out)} gets out all the same"
    if view.speaker:
        yield f"{printable(describe_mark(view.speaker))} answers for all of them"
    if view.state is EgressState.OPEN:
        yield "at least one public address has greeted, or refused for itself, on the port"


def _networks(view: EgressView) -> str:
    text = f"{view.networks} unrelated {'network' if view.networks == 1 else 'networks'}"
    return f"{text}, {view.references} of them of references" if view.references else text


def _witnessed(records: Iterable[TargetRecord]) -> Iterator[WitnessedView]:
    """Each address once, however many targets share it."""
    seen: set[tuple[str, int]] = set()
    for record in records:
        result = record.result
        for host in result.hosts if result is not None else ():
            evidence = host.evidence
            if evidence is None or not evidence.witnesses or (host.address, evidence.port) in seen:
                continue
            seen.add((host.address, evidence.port))
            yield WitnessedView(
                target=record.target.name,
                path=target_path(record.target),
                mx=host.mx,
                address=host.address,
                port=evidence.port,
                way=outcome_of(evidence.connect).value.replace("_", " "),
                witnesses=", ".join(f"{one.port} {one.way.value.replace('_', ' ')}" for one in evidence.witnesses),
                failure_class=host.failure.failure_class.value if host.failure is not None else "",
                confidence=host.failure.confidence.value if host.failure is not None else "",
                last_hop=host.outcome.last_hop,
            )
