"""States to be saved, and read back as another process does: later, and on another clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from exporter.app.results import Results
from exporter.concurrency import steady_clock
from exporter.model.address import Family
from exporter.model.arrival import Arrival, AuthenticationMethod, AuthenticationResult, Folder
from exporter.model.change import Difference, DomainChange, HostChange
from exporter.model.egress import EgressState, EgressStateChange, EgressView
from exporter.model.evidence import ConnectOutcome
from exporter.model.failure import Confidence, FailureClass
from exporter.model.resolver import ResolverState, ResolverView
from exporter.model.result import DomainResult, HostResult
from exporter.model.standing import ListAnswer, Listing, ListingState
from exporter.model.target import Settings, Target, TargetKind
from exporter.storage.head import Clock
from exporter.storage.reading import Expected, read_state
from exporter.storage.saved import SavedSide, SavedState, Snapshot, fingerprint
from exporter.storage.writing import lines
from exporter.store.journal import Journal
from tests.results import changed, domain, down_host, lookup_failed, result, tls_host, up_host, with_policies
from tests.support.steps import at_once

WELL, DOWN, NOWHERE, SECURE = (domain(f"{name}.example", team="mail") for name in ("well", "down", "nowhere", "secure"))
REFERENCE = Target(TargetKind.REFERENCE, "ref.example", "ref.example", Settings())
TARGETS = (WELL, DOWN, NOWHERE, SECURE)
BLOCKED = EgressView(
    EgressState.BLOCKED,
    Confidence.CERTAIN,
    frozenset({ConnectOutcome.NO_ANSWER, ConnectOutcome.PROHIBITED}),
    networks=7,
    since=1_700_000_000.0,
)
ARRIVAL = Arrival(
    Folder.JUNK,
    2.5,
    1_700_000_000.0,
    ((AuthenticationMethod.SPF, AuthenticationResult.SOFTFAIL),),
    "",
    None,
    True,
    1_700_000_001.0,
)
SIDE = SavedSide(
    MappingProxyType({Family.IPV4: BLOCKED, Family.IPV6: EgressView()}),
    (EgressStateChange(1_700_000_000.0, Family.IPV4, BLOCKED),),
    ResolverView(ResolverState.WORKING, Confidence.CERTAIN, since=1_700_000_000.0),
)

LISTING = Listing(
    "192.0.2.1",
    ListAnswer("bl.example", ListingState.LISTED, 1_700_000_000.0, ("127.0.0.2",), "see bl.example"),
)
MOVED = Difference(DomainChange.MX, "mx0.well.example", "mx.well.example", ("mx0.well.example",), ("mx.well.example",))
STRIPPED = Difference(HostChange.STARTTLS_LOST, "offered", "not offered")


def told(results: Results, target: Target, found: DomainResult, *hosts: HostResult) -> None:
    """A target has been probed, and its hosts."""
    for host in hosts:
        results.host_described(host.identity, "all", 1)
        results.host_told(host.identity, host, session=True)
    results.domain_told(target, found, turn=True)


def probed(at: float | None = None) -> Results:
    """The results of a few targets, of some seconds ago."""
    at = steady_clock.unix(steady_clock.now()) - 20.0 if at is None else at
    results = Results()
    at_once(results.replacing(TARGETS, [REFERENCE]))
    up, down = changed(up_host("mx.well.example"), at=at), changed(down_host(name="mx.down.example"), at=at)
    secure, reference = (
        changed(tls_host("mx.secure.example"), at=at, arrival=ARRIVAL),
        changed(up_host("ref.example"), at=at),
    )
    moment = steady_clock.moment(at)
    results.domain_journals.restore(WELL.key, Journal().noted([MOVED], moment))
    results.host_journals.restore(up.identity, Journal().noted([STRIPPED], moment))
    for _ in range(3):
        told(results, WELL, result(up, name="well.example")._replace(at=at, providers=("well.example",)), up)
        told(results, DOWN, result(down, name="down.example")._replace(at=at), down)
        judged = with_policies(result(secure, name="secure.example"))._replace(at=at)
        told(results, SECURE, judged, secure)
        told(results, NOWHERE, lookup_failed(FailureClass.DNS_NXDOMAIN, "nowhere.example")._replace(at=at))
        results.domain_told(REFERENCE, result(reference)._replace(at=at, lookup=None), turn=True)
    results.count_verdicts()
    return results


def snapshot_of(results: Results, side: SavedSide = SIDE) -> Snapshot:
    """The state as the monitor hands it over."""
    return Snapshot(
        results.targets.records(),
        results.references.records(),
        results.hosts.records(),
        side,
        results.verdict_counts()[:-1],
        Settings(),
        results.domain_journals.items(),
        results.host_journals.items(),
        (LISTING,),
    )


def text_of(results: Results | None = None) -> list[str]:
    """The lines of a saved state, without their ends."""
    return "".join(lines(snapshot_of(results or probed()))).splitlines()


def expected(targets: Iterable[Target] = (*TARGETS, REFERENCE)) -> dict[Any, Expected]:
    """The configuration that the reader has."""
    return {target.key: Expected(target, fingerprint(target.settings, Settings())) for target in targets}


def clock(later: float = 0.0) -> Clock:
    """A clock of another process, `later` seconds from now."""
    now = steady_clock.now()
    return Clock(steady_clock.unix(now) + later, now + later)


def read(
    text: Sequence[str], later: float = 0.0, targets: Iterable[Target] = (*TARGETS, REFERENCE), *, ended: bool = True
) -> SavedState:
    """The state in the lines of a file."""
    return read_state(text, expected(targets), clock(later), is_last_word=ended)


def edited(text: Sequence[str], kind: str, edit: Callable[[Any], Any], name: str = "") -> list[str]:
    """The text with one row changed: the first of its kind, or the target of that name. The head is of the kind ""."""
    changed_text = list(text)
    for place, line in enumerate(text):
        row = json.loads(line)
        found = "" if isinstance(row, dict) else row[0]
        if found == kind and (not name or row[2] == name):
            result = edit(row)
            changed_text[place] = json.dumps(result if isinstance(result, type(row)) else row)
            return changed_text
    raise AssertionError(f"no row of {kind} {name}")


def without_evidence(host: HostResult) -> HostResult:
    """A host as it comes back: what is kept for judging again is not saved."""
    return replace(host, evidence=None, transcript=())
