"""A target as a row of a table, on the status page and on the egress page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from exporter.concurrency import steady_clock
from exporter.model.failure import Stage, Verdict
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostResult
from exporter.model.target import Target, TargetKind
from exporter.model.warning import HostWarning
from exporter.web.backend import TargetState
from exporter.web.pages.charts import sparkline

WAITING: Final = "waiting"  # not probed yet
UP: Final = "up"
WARNED: Final = "warned"  # up, with warnings: a part of those that are up
# The worst first: faults of our own side, then of others, then declined, which is no fault.
STATES: Final = (
    Verdict.LOCAL.value,
    Verdict.BLOCKED.value,
    Verdict.UNDETERMINED.value,
    Verdict.DEAD.value,
    Verdict.MISCONFIGURED.value,
    Verdict.DEGRADED.value,
    Verdict.DECLINED.value,
    WAITING,
    UP,
)
# The folders of the pages of targets, by kind.
FOLDERS: Final = {TargetKind.DOMAIN: "domain", TargetKind.HOST: "host", TargetKind.REFERENCE: "reference"}


@dataclass(frozen=True, slots=True)
class TargetRow:
    """The row of one target."""

    name: str
    path: str
    kind: str
    state: str
    confidence: str  # of the failure
    failure_class: str
    stage: str
    labels: tuple[str, ...]
    addresses: int
    addresses_up: int
    warnings: tuple[str, ...]
    slowest: tuple[str, float] | None  # phase and seconds, of all its addresses
    since: float  # Unix time
    last_probe: float | None  # Unix time
    recent: Markup
    is_restored: bool = False  # known from before the start alone


def target_row(seen: TargetState) -> TargetRow:
    """The row of a target."""
    target, result = seen.target, seen.result
    failure = result.failure if result is not None else None
    return TargetRow(
        name=target.name,
        path=target_path(target),
        kind=target.kind.value,
        state=state_of(result),
        confidence=failure.confidence.value if failure is not None else "",
        failure_class=failure.failure_class.value if failure is not None else "",
        stage=failure.stage.value if failure is not None else "",
        labels=tuple(label_text(*label) for label in target.labels),
        addresses=result.addresses if result is not None else 0,
        addresses_up=result.addresses_up if result is not None else 0,
        warnings=warnings_of(result),
        slowest=slowest_phase(result),
        since=since(seen),
        last_probe=last_probe(seen),
        recent=sparkline(seen.history.recent),
        is_restored=seen.is_restored,
    )


def target_path(target: Target) -> str:
    """The path of the page of a target, relative to the status page."""
    return f"{FOLDERS[target.kind]}/{quote(target.name, safe='')}"


def state_of(result: DomainResult | None) -> str:
    """The state of a target, one of STATES."""
    if result is None:
        return WAITING
    return UP if result.failure is None else result.failure.verdict.value


def warnings_of(result: DomainResult | None) -> tuple[str, ...]:
    """The warnings of a target, each once: of the domain itself, then of its hosts."""
    if result is None:
        return ()
    found: dict[str, None] = dict.fromkeys(result.warnings)
    before: tuple[HostWarning, ...] = ()
    for host in result.hosts:
        warnings = host.outcome.warnings and host.outcome.reported_warnings
        if warnings != before:  # hosts of one provider often have the same
            found.update(dict.fromkeys(warnings))
            before = warnings
    return tuple(found)


def since(seen: TargetState) -> float:
    """Unix time of the last change of state; 0 before the first probe."""
    return steady_clock.unix(seen.since) if seen.since else 0.0


def last_probe(seen: TargetState) -> float | None:
    """Unix time at which the last probe began; None before the first probe."""
    return steady_clock.unix(seen.began) if seen.result is not None else None


def label_text(name: str, value: str) -> str:
    """A label for display and for the filter, escaped: a value may have characters that reverse the text around it."""
    return printable(f"{name}={value}")


def phases_of(host: HostResult) -> tuple[tuple[Stage, float], ...]:
    """The phases of a session in seconds with all other waits; the last one may be incomplete."""
    connect = host.evidence.connect if host.evidence is not None else None
    if connect is not None:
        return ((Stage.CONNECT, connect.elapsed), *host.timings.phases)
    waits = host.timings.waits or host.timings.phases
    return waits if host.timings.unfinished is None else (*waits, host.timings.unfinished)


def slowest_phase(result: DomainResult | None) -> tuple[Stage, float] | None:
    """The longest phase of all addresses, in seconds."""
    phases = [phase for host in result.hosts for phase in phases_of(host)] if result is not None else []
    return max(phases, key=lambda phase: phase[1], default=None)
