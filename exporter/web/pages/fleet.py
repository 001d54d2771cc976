"""The status page: the targets that match the filters, in order, and the number of targets for each filter value.

One pass over all targets reads only the fields that the filters need; a row is made only for the
targets on the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from exporter.config.values import parse_domain
from exporter.model.result import ProbeResult
from exporter.model.target import Target
from exporter.web.backend import TargetState
from exporter.web.pages.fleet_query import FleetQuery
from exporter.web.pages.target_row import STATES, UP, TargetRow, label_text, state_of, target_row

# Rows of a page: few enough to scroll, and for a browser to lay out at once.
PAGE_ROWS: Final = 100
# Label pairs to choose from: the most frequent, for a label may have another value for each target.
MAX_LABELS: Final = 100
# The time between two reloads of a page.
REFRESH_SECONDS: Final = 30

_PLACES: Final = {state: place for place, state in enumerate(STATES)}
# Place of the state, then targets with an address down first, then the slowest first, then by name.
_SortKey = tuple[int, int, float, str]


@dataclass(frozen=True, slots=True)
class Fleet:
    """A page of the table and its filters. The counts of a filter's values are those with all other filters."""

    query: FleetQuery
    total: int
    states: tuple[tuple[str, int], ...]  # all of STATES
    classes: tuple[tuple[str, int], ...]
    labels: tuple[tuple[str, int], ...]
    matching: int
    pages: int
    first: int  # number of the first row shown, from 1
    rows: tuple[TargetRow, ...]


@dataclass(slots=True)
class _Matches:
    """The targets that match all filters, and the counts of the filters' values."""

    found: list[tuple[_SortKey, TargetState]] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)


def fleet(targets: Sequence[TargetState], query: FleetQuery) -> Fleet:
    """The page that `query` asks for; the last one where there are fewer pages."""
    matches = _matches(targets, query)
    found = matches.found
    found.sort(key=_sort_key)
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = min(max(1, query.page), pages)
    first = (page - 1) * PAGE_ROWS
    shown = found[first : first + PAGE_ROWS]
    return Fleet(
        query=replace(query, page=page),
        total=len(targets),
        states=tuple((state, matches.states[state]) for state in STATES),
        classes=tuple(sorted(matches.classes.items())),
        labels=_most_frequent(matches.labels),
        matching=len(found),
        pages=pages,
        first=first + 1 if shown else 0,
        rows=tuple(target_row(seen) for _, seen in shown),
    )


def _matches(targets: Iterable[TargetState], query: FleetQuery) -> _Matches:
    needles = _needles(query.search)
    wanted = query.label if "=" in query.label else ""
    matches = _Matches()
    for seen in targets:
        target, result = seen.target, seen.result
        if needles and not _is_found(needles, target, result):
            continue
        failure = result.failure if result is not None else None
        state = state_of(result)
        failure_class = failure.failure_class.value if failure is not None else ""
        right_state = not query.state or state == query.state
        right_class = not query.failure_class or failure_class == query.failure_class
        right_label = not wanted or any(label_text(*label) == wanted for label in target.labels)
        if right_class and right_label:
            matches.states[state] += 1
        if right_state and right_label and failure_class:
            matches.classes[failure_class] += 1
        if right_state and right_class:
            matches.labels.update(target.labels)
            if right_label:
                matches.found.append((_badness(state, target, result), seen))
    return matches


def _sort_key(found: tuple[_SortKey, TargetState]) -> _SortKey:
    return found[0]


def _needles(search: str) -> tuple[str, ...]:
    """The texts to search for: as typed and, for an international name, as A-labels."""
    text = search.lower()
    if not text or text.isascii():
        return (text,) if text else ()
    try:
        return (text, parse_domain(text))
    except ValueError:
        return (text,)


def _is_found(needles: Iterable[str], target: Target, result: ProbeResult | None) -> bool:
    """One of the texts is in the target's name, or in the name or address of one of its MX hosts."""
    hosts = result.hosts if result is not None else ()
    return any(
        needle in target.name or any(needle in host.mx or needle in host.address for host in hosts)
        for needle in needles
    )


def _badness(state: str, target: Target, result: ProbeResult | None) -> _SortKey:
    if result is None:
        return _PLACES[state], 0, 0.0, target.name
    whole = state == UP and result.addresses_up == len(result.hosts)
    return _PLACES[state], int(whole), -result.duration, target.name


def _most_frequent(labels: Counter[tuple[str, str]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((label_text(*label), count) for label, count in labels.most_common(MAX_LABELS)))
