"""What the page of a target says, as plain values for the template.

Everything a stranger sent comes out of here printable; the templates escape markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from exporter.concurrency import steady_clock
from exporter.config.values import format_duration
from exporter.model.printable import printable
from exporter.model.result import ProbeResult
from exporter.model.target import Target
from exporter.report.summary import Summary, summarise
from exporter.report.transcript import policy_lines, tls_line, transcript_lines
from exporter.store.history import StateChange
from exporter.store.record import TargetRecord
from exporter.store.transcripts import StoredTranscript
from exporter.web.backend import TargetFacts
from exporter.web.pages.charts import duration, sparkline
from exporter.web.pages.fleet import last_probe, since, state_of, target_path
from exporter.web.pages.host_view import FailureView, HostView, failure_view, host_views


@dataclass(frozen=True, slots=True)
class DialogueView:
    """One dialogue that was kept; `lines` are (time, way, text), the way being > for ours and < for theirs."""

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
    """One change of state; `lasted` in seconds, to the next one or until now."""

    at: float
    state: str
    failure_class: str
    stage: str
    confidence: str
    lasted: float


@dataclass(frozen=True, slots=True)
class TargetView:
    """The page of one target."""

    name: str
    kind: str
    path: str
    state: str
    confidence: str
    sentence: str
    evidence: tuple[str, ...]
    next: str
    failure: FailureView | None
    facts: tuple[tuple[str, str], ...]
    lookup: tuple[tuple[int, str, tuple[str, ...]], ...]  # preference, host, its addresses or what is wrong
    policies: tuple[str, ...]  # what the domain asks of those who send mail to it
    hosts: tuple[HostView, ...]
    dialogues: tuple[DialogueView, ...]
    changes: tuple[ChangeView, ...]  # the latest first
    recent: Markup
    since: float
    last_probe: float | None


def target_view(facts: TargetFacts) -> TargetView:
    """The page of a target as it is known now."""
    record, target = facts.record, facts.record.target
    result, concluded = record.result, Summary(f"{record.target.name} has not been probed yet.")
    if result is not None:
        concluded = summarise(target.name, result, helo=facts.helo, port=target.settings.port)
    failure = result.failure if result is not None else None
    return TargetView(
        name=target.name,
        kind=target.kind.value,
        path=target_path(target),
        state=state_of(result),
        confidence=failure.confidence.value if failure is not None else "",
        sentence=concluded.summary,
        evidence=concluded.evidence,
        next=concluded.next,
        failure=failure_view(failure),
        facts=tuple(_target_facts(record, target, result)),
        lookup=tuple(_lookup(result)),
        policies=tuple(printable(line) for line in policy_lines(result)) if result is not None else (),
        hosts=host_views(result, concluded),
        dialogues=tuple(_dialogue(kept) for kept in facts.dialogues),
        changes=tuple(_changes(record.history.changes)),
        recent=sparkline(record.history.recent),
        since=since(record),
        last_probe=last_probe(record, result),
    )


def _target_facts(record: TargetRecord, target: Target, result: ProbeResult | None) -> Iterator[tuple[str, str]]:
    settings = target.settings
    yield "module", settings.module.name
    yield "port", str(settings.port)
    yield "interval", format_duration(settings.interval)
    yield "probes", f"{record.probes:,} ({record.probe_failures:,} failed)"
    if result is not None:
        yield "last probe took", duration(result.duration)
        if result.lookup is not None and result.lookup.duration is not None:
            yield "lookup took", duration(result.lookup.duration)
        if result.lookup is not None:
            yield "DNSSEC", "authenticated" if result.lookup.authenticated else "not authenticated"
    for name, value in target.labels:
        yield f"label {name}", printable(value)


def _lookup(result: ProbeResult | None) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    if result is None or result.lookup is None:
        return
    for host in result.lookup.hosts:
        found = host.addresses if host.failure is None else (printable(host.failure.detail),)
        yield host.preference, host.name, (*found, "(an alias)") if host.is_cname else tuple(found)


def _dialogue(kept: StoredTranscript) -> DialogueView:
    lines = [(at, ">" if sent else "<", text) for at, sent, text in transcript_lines(kept.transcript)]
    if kept.tls is not None and kept.tls_at is not None:
        secured = kept.tls_at
        place = next((place for place, line in enumerate(lines) if line[0] >= secured), len(lines))
        lines.insert(place, (secured, "*", printable(tls_line(kept.tls))))
    failure = kept.failure
    return DialogueView(
        heading=kept.mx if kept.mx == kept.address else f"{kept.mx} [{kept.address}]",
        at=steady_clock.unix(kept.moment),
        state="up" if failure is None else failure.verdict.value,
        confidence="" if failure is None else failure.confidence.value,
        outcome="worked" if failure is None else f"{failure.failure_class} at {failure.stage}",
        times=kept.times,
        first_at=kept.first_at,
        lines=tuple((f"{at * 1000:,.1f} ms", way, text) for at, way, text in lines),
        whole=kept.whole,
    )


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
