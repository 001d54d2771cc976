"""The content of the page of a target, as plain values for the template.

Texts of remote servers are escaped for display here; the templates escape markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from exporter.concurrency import steady_clock
from exporter.config.values import format_duration
from exporter.model.address import Family, family_of
from exporter.model.printable import printable
from exporter.model.result import DomainResult
from exporter.model.target import Target, TargetKind
from exporter.model.zone import MxZone
from exporter.report.summary import Summary, summarise
from exporter.report.transcript import policy_lines, tls_line, transcript_lines
from exporter.report.warning_text import domain_sentence
from exporter.report.zone_text import mx_text, zone_lines
from exporter.store.history import StateChange
from exporter.store.transcripts import StoredTranscript
from exporter.web.backend import TargetFacts
from exporter.web.pages.charts import sparkline
from exporter.web.pages.host_view import FailureView, HostView, WarningView, compared, failure_view, host_views
from exporter.web.pages.journal_view import JournalLine, journal_lines
from exporter.web.pages.target_row import last_probe, since, state_of, target_path, warnings_of
from exporter.web.pages.timeline import bands_of, state_timeline
from exporter.web.pages.times import duration

_FAMILIES: Final = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """One stored transcript; `lines` are (time, mark, text) with > for lines sent, < for lines received, * for TLS."""

    heading: str
    at: float
    state: str
    confidence: str
    outcome: str
    times: int
    first_at: float
    lines: tuple[tuple[str, str, str], ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change of state; `lasted` in seconds, until the next one or now."""

    at: float
    state: str
    failure_class: str
    stage: str
    confidence: str
    lasted: float


@dataclass(frozen=True, slots=True)
class ZoneView:
    """The name servers of the zone that has the MX records: (name, address, state, what it said, its TTL)."""

    summary: str
    at: float
    servers: tuple[tuple[str, str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class TargetView:
    """The page of one target."""

    name: str
    kind: str
    path: str
    state: str
    confidence: str
    summary: str
    evidence: tuple[str, ...]
    next: str
    failure: FailureView | None
    facts: tuple[tuple[str, str], ...]
    lookup: tuple[tuple[int, str, tuple[str, ...]], ...]  # preference, host, its addresses or its failure
    providers: tuple[str, ...]
    warned: bool  # up, with warnings of its own or of a host
    warnings: tuple[WarningView, ...]  # of the domain itself
    policies: tuple[str, ...]  # MTA-STS, TLS-RPT and DANE of the domain
    zone: ZoneView | None
    hosts: tuple[HostView, ...]
    transcripts: tuple[TranscriptView, ...]
    changes: tuple[ChangeView, ...]  # the latest first
    journal: tuple[JournalLine, ...]  # the latest first
    timeline: Markup
    compared: Markup  # its hosts on one scale
    recent: Markup
    since: float
    last_probe: float | None
    is_restored: bool  # known from before the start alone


def target_view(facts: TargetFacts) -> TargetView:
    """The page of a target with its present state."""
    target, result = facts.state.target, facts.state.result
    concluded = Summary(f"{target.name} has not been probed yet.")
    if result is not None:
        concluded = summarise(target.name, result, helo=facts.helo, port=target.settings.port)
    failure = result.failure if result is not None else None
    return TargetView(
        name=target.name,
        kind=target.kind.value,
        path=target_path(target),
        state=state_of(result),
        confidence=failure.confidence.value if failure is not None else "",
        summary=concluded.summary,
        evidence=concluded.evidence,
        next=concluded.next,
        failure=failure_view(failure),
        facts=tuple(_target_facts(facts, target, result)),
        lookup=tuple(_lookup(result)),
        providers=tuple(map(printable, result.providers)) if result is not None else (),
        warned=failure is None and bool(warnings_of(result)),
        warnings=tuple(WarningView(each.value, domain_sentence(each, result)) for each in result.warnings)
        if result is not None
        else (),
        policies=tuple(map(printable, policy_lines(result._replace(zone=None)))) if result is not None else (),
        zone=None if result is None or result.zone is None else _zone(result.zone),
        hosts=host_views(result, concluded, facts.sharing),
        transcripts=tuple(map(_transcript, facts.transcripts)),
        changes=tuple(_changes(facts.state.history.changes)),
        journal=journal_lines(facts.journal),
        compared=compared(result),
        timeline=_timeline(facts.state.history.changes),
        recent=sparkline(facts.state.history.recent),
        since=since(facts.state),
        last_probe=last_probe(facts.state),
        is_restored=facts.state.is_restored,
    )


def _target_facts(facts: TargetFacts, target: Target, result: DomainResult | None) -> Iterator[tuple[str, str]]:
    settings = target.settings
    yield "module", settings.module.name
    yield "port", str(settings.port)
    yield "interval", format_duration(settings.interval)
    if settings.expect_mx and target.kind is TargetKind.DOMAIN:
        yield "expected MX hosts", ", ".join(settings.expect_mx)
    yield "probes", f"{facts.probes:,} ({facts.probe_failures:,} failed)"
    if result is not None:
        yield "last probe took", duration(result.duration)
        if result.found:
            yield "addresses up", ", ".join(_of_each_family(result))
        if result.lookup is not None and result.lookup.duration is not None:
            yield "lookup took", duration(result.lookup.duration)
        if result.signature is not None:
            ends = printable(result.signature.of)
            yield (
                "first signature to end",
                f"{ends}, {datetime.fromtimestamp(result.signature.ends, UTC):%Y-%m-%d %H:%M} UTC",
            )
        if result.lookup is not None:
            yield "DNSSEC", "authenticated" if result.lookup.authenticated else "not authenticated"
    for name, value in target.labels:
        yield f"label {name}", printable(value)


def _of_each_family(result: DomainResult) -> Iterator[str]:
    up = Counter(family_of(host.address) for host in result.hosts if host.up and host.address)
    for family, found in result.found:
        yield f"{up[family]} of {found:,} {_FAMILIES[family]}"


def _lookup(result: DomainResult | None) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    if result is None or result.lookup is None:
        return
    for host in result.lookup.hosts:
        found = host.addresses if host.failure is None else (printable(host.failure.detail),)
        notes = [f"(an alias of {printable(host.alias_of)})"] if host.is_cname else []
        notes += ["(not expected)"] if host.name in result.mx_differences.unexpected else []
        yield host.preference, host.name, (*found, *notes)


def _zone(zone: MxZone) -> ZoneView:
    return ZoneView(
        summary=next(zone_lines(zone)),
        at=zone.at,
        servers=tuple(
            (
                printable(server.name) or ".",
                server.address or "no address",
                server.state.value,
                server.detail or ("" if server.mx is None else mx_text(server)),
                "" if server.ttl is None else f"{server.ttl} s",
            )
            for server in zone.servers
        ),
    )


def _transcript(stored: StoredTranscript) -> TranscriptView:
    lines = [(at, ">" if sent else "<", text) for at, sent, text in transcript_lines(stored.transcript)]
    if stored.tls is not None and stored.tls_at is not None:
        secured = stored.tls_at
        place = next((place for place, line in enumerate(lines) if line[0] >= secured), len(lines))
        lines.insert(place, (secured, "*", printable(tls_line(stored.tls))))
    failure = stored.failure
    return TranscriptView(
        heading=stored.mx if stored.mx == stored.address else f"{stored.mx} [{stored.address}]",
        at=steady_clock.unix(stored.moment),
        state="up" if failure is None else failure.verdict.value,
        confidence="" if failure is None else failure.confidence.value,
        outcome="worked" if failure is None else f"{failure.failure_class} at {failure.stage}",
        times=stored.times,
        first_at=stored.first_at,
        lines=tuple((f"{at * 1000:,.1f} ms", mark, text) for at, mark, text in lines),
        whole=stored.whole,
    )


def _timeline(changes: Sequence[StateChange]) -> Markup:
    now = steady_clock.unix(steady_clock.now())
    return state_timeline(bands_of(changes, now), now)


def _changes(changes: Sequence[StateChange]) -> Iterator[ChangeView]:
    end = steady_clock.now()
    for change in reversed(changes):
        failure_class = change.failure_class
        yield ChangeView(
            at=steady_clock.unix(change.at),
            state=change.verdict.value if change.verdict is not None else "up",
            failure_class=failure_class.value if failure_class is not None else "",
            stage=change.stage.value if change.stage is not None else "",
            confidence=change.confidence.value if change.confidence is not None else "",
            lasted=max(0.0, end - change.at),
        )
        end = change.at
