"""The fleet at a glance: which targets a page shows, in which order, and how many there are of each kind.

One pass over all records, whatever their number, touches of each only what the filters ask for; a row is made only for
what the page shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlencode

from markupsafe import Markup

from exporter.concurrency import steady_clock
from exporter.config.values import parse_domain
from exporter.model.failure import FailureClass, Stage, Verdict
from exporter.model.printable import printable
from exporter.model.result import HostResult, ProbeResult
from exporter.model.target import Target, TargetKind
from exporter.store.targets import TargetRecord
from exporter.web.pages.charts import sparkline

# What a person scrolls through, and a browser lays out at once.
PAGE_ROWS: Final = 100
# Pairs to choose from; of labels with a value for each target only the most frequent.
MAX_LABELS: Final = 100
# A name has at most 253 characters (RFC 1035 2.3.4), an address with its port fewer.
MAX_SEARCH: Final = 253
# The page comes again by itself after so long.
REFRESH_SECONDS: Final = 30

WAITING: Final = "waiting"  # not probed yet
UP: Final = "up"
# The worst first: what we can mend ourselves, then what others have to, then what is no fault.
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
_PLACES: Final = {state: place for place, state in enumerate(STATES)}
_CLASSES: Final = frozenset(failure_class.value for failure_class in FailureClass)
# Where the page of a target of each kind is.
FOLDERS: Final = {TargetKind.DOMAIN: "domain", TargetKind.HOST: "host", TargetKind.REFERENCE: "reference"}


def target_path(target: Target) -> str:
    """The path of its page, relative to the status page."""
    return f"{FOLDERS[target.kind]}/{quote(target.name, safe='')}"


def state_of(result: ProbeResult | None) -> str:
    """One of STATES."""
    if result is None:
        return WAITING
    return UP if result.failure is None else result.failure.verdict.value


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """What a person looks for; an empty text means everything."""

    search: str = ""
    state: str = ""
    failure_class: str = ""
    label: str = ""  # name=value
    page: int = 1
    refreshing: bool = True

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> FleetQuery:
        """From the query of a URL, which a stranger may have made; what makes no sense there is as if it were not."""
        page = parameters.get("page", "")
        state, failure_class = parameters.get("verdict", ""), parameters.get("class", "")
        return cls(
            search=printable(parameters.get("q", "").strip(), MAX_SEARCH),
            state=state if state in _PLACES else "",
            failure_class=failure_class if failure_class in _CLASSES else "",
            label=printable(parameters.get("label", "")),
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            refreshing=parameters.get("refresh") != "off",
        )

    @property
    def filtered(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.search or self.state or self.failure_class or self.label)

    def url(self, **changes: str | int | bool) -> str:
        """A link to the status page, from itself, with some of it changed; to its first page, where not said."""
        query = replace(self, **({"page": 1} | changes))  # type: ignore[arg-type]
        parameters = {
            "q": query.search,
            "verdict": query.state,
            "class": query.failure_class,
            "label": query.label,
            "page": str(query.page) if query.page > 1 else "",
            "refresh": "" if query.refreshing else "off",
        }
        text = urlencode({name: value for name, value in parameters.items() if value})
        return f"./?{text}" if text else "./"


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One target in the table."""

    name: str
    path: str
    kind: str
    state: str
    confidence: str  # of what is wrong with it
    failure_class: str
    stage: str
    labels: tuple[str, ...]
    addresses: int
    addresses_up: int
    warnings: tuple[str, ...]
    slowest: tuple[str, float] | None  # phase and seconds, of all its addresses
    since: float  # Unix time
    last_probe: float | None
    recent: Markup


@dataclass(frozen=True, slots=True)
class Fleet:
    """A page of the table and what is around it. The counts of a filter are those with all others."""

    query: FleetQuery
    total: int
    states: tuple[tuple[str, int], ...]  # all of STATES
    classes: tuple[tuple[str, int], ...]
    labels: tuple[tuple[str, int], ...]
    matching: int
    pages: int
    first: int  # number of the first row shown, from 1
    rows: tuple[FleetRow, ...]


def fleet(records: Sequence[TargetRecord], query: FleetQuery) -> Fleet:
    """The page that `query` asks for; the last one where it asks for one beyond."""
    needles = _needles(query.search)
    states: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    labels: Counter[tuple[str, str]] = Counter()
    found: list[tuple[tuple[int, int, float, str], TargetRecord, ProbeResult | None]] = []
    wanted = query.label if "=" in query.label else ""
    for record in records:
        result, target = record.result, record.target
        if needles and not _is_found(needles, target, result):
            continue
        failure = result.failure if result is not None else None
        state = state_of(result)
        failure_class = failure.failure_class.value if failure is not None else ""
        right_state = not query.state or state == query.state
        right_class = not query.failure_class or failure_class == query.failure_class
        right_label = not wanted or any(_pair(*label) == wanted for label in target.labels)
        if right_class and right_label:
            states[state] += 1
        if right_state and right_label and failure_class:
            classes[failure_class] += 1
        if right_state and right_class:
            labels.update(target.labels)
            if right_label:
                found.append((_badness(state, target, result), record, result))
    found.sort(key=_first)
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = min(max(1, query.page), pages)
    first = (page - 1) * PAGE_ROWS
    shown = found[first : first + PAGE_ROWS]
    return Fleet(
        query=replace(query, page=page),
        total=len(records),
        states=tuple((state, states[state]) for state in STATES),
        classes=tuple(sorted(classes.items())),
        labels=_choices(labels),
        matching=len(found),
        pages=pages,
        first=first + 1 if shown else 0,
        rows=tuple(fleet_row(record, result) for _, record, result in shown),
    )


def phases_of(host: HostResult) -> tuple[tuple[Stage, float], ...]:
    """Its phases in seconds, with all else that was waited for, of which the last may have come to no end."""
    connect = host.evidence.connect if host.evidence is not None else None
    if connect is not None:
        return ((Stage.CONNECT, connect.elapsed), *host.timings.phases)
    waits = host.timings.waits or host.timings.phases
    return waits if host.timings.unfinished is None else (*waits, host.timings.unfinished)


def slowest_phase(result: ProbeResult | None) -> tuple[Stage, float] | None:
    """The phase that took longest with any of its addresses, in seconds."""
    phases = [phase for host in result.hosts for phase in phases_of(host)] if result is not None else []
    return max(phases, key=lambda phase: phase[1], default=None)


def _first(found: tuple[tuple[int, int, float, str], TargetRecord, ProbeResult | None]) -> tuple[int, int, float, str]:
    return found[0]


def _needles(search: str) -> tuple[str, ...]:
    """What to look for: as typed and, of an international name, as it is looked up."""
    text = search.lower()
    if not text or text.isascii():
        return (text,) if text else ()
    try:
        return (text, parse_domain(text))
    except ValueError:
        return (text,)


def _is_found(needles: Iterable[str], target: Target, result: ProbeResult | None) -> bool:
    """In the target's name, or in the name or address of one of its mail hosts."""
    hosts = result.hosts if result is not None else ()
    return any(
        needle in target.name or any(needle in host.mx or needle in host.address for host in hosts)
        for needle in needles
    )


def _badness(state: str, target: Target, result: ProbeResult | None) -> tuple[int, int, float, str]:
    """Sort key: the worst state, in it those of whom not all addresses are up, in them the slowest."""
    if result is None:
        return _PLACES[state], 0, 0.0, target.name
    whole = state == UP and result.addresses_up == len(result.hosts)
    return _PLACES[state], int(whole), -result.duration, target.name


def _pair(name: str, value: str) -> str:
    """A label as it is shown and asked for: a value may be a program's, with characters that turn the text around."""
    return printable(f"{name}={value}")


def _choices(labels: Counter[tuple[str, str]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((_pair(*label), count) for label, count in labels.most_common(MAX_LABELS)))


def since(record: TargetRecord) -> float:
    """Unix time since which a target is as it is; 0 before its first probe."""
    return steady_clock.unix(record.since) if record.since else 0.0


def last_probe(record: TargetRecord, result: ProbeResult | None) -> float | None:
    """Unix time at which its last probe began."""
    return steady_clock.unix(record.heard) if result is not None else None


def fleet_row(record: TargetRecord, result: ProbeResult | None) -> FleetRow:
    """The row of one target; its result is given, for the record may get another one meanwhile."""
    target, failure = record.target, result.failure if result is not None else None
    hosts = result.hosts if result is not None else ()
    return FleetRow(
        name=target.name,
        path=target_path(target),
        kind=target.kind.value,
        state=state_of(result),
        confidence=failure.confidence.value if failure is not None else "",
        failure_class=failure.failure_class.value if failure is not None else "",
        stage=failure.stage.value if failure is not None else "",
        labels=tuple(_pair(*label) for label in target.labels),
        addresses=result.addresses if result is not None else 0,
        addresses_up=result.addresses_up if result is not None else 0,
        warnings=tuple(dict.fromkeys(warning.value for host in hosts for warning in host.outcome.reported_warnings)),
        slowest=slowest_phase(result),
        since=since(record),
        last_probe=last_probe(record, result),
        recent=sparkline(record.history.recent),
    )
