"""The status page: the targets that match the filters, or groups of them, in order; and the values of the filters.

A row is made only for what is on the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from exporter.model.printable import printable
from exporter.web.backend import TargetState
from exporter.web.pages.fleet_matches import Matches, matches_of
from exporter.web.pages.fleet_query import BY_LABEL, FleetQuery
from exporter.web.pages.groups import GroupRow, group_rows, groups
from exporter.web.pages.ordering import part
from exporter.web.pages.target_row import STATES, UP, TargetRow, label_text, target_row

# Rows of a page: few enough to scroll, and for a browser to lay out at once.
PAGE_ROWS: Final = 100
# Values to choose from: the most frequent, for a label may have another value for each target.
MAX_CHOICES: Final = 100
# The time between two reloads of a page.
REFRESH_SECONDS: Final = 30

_PLACES: Final = {state: place for place, state in enumerate(STATES)}
# Place of the state, then targets with an address down first, then the slowest first, then by name.
_SortKey = tuple[int, int, float, str]
_Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """A page of the table and its filters. The counts of a filter's values are those with all other filters."""

    query: FleetQuery
    total: int
    states: _Counts  # all of STATES
    classes: _Counts
    warnings: _Counts
    providers: _Counts
    labels: _Counts
    label_names: tuple[str, ...]  # to group by
    matching: int  # targets
    groups: int  # of them; 0: they are not grouped
    pages: int
    first: int  # number of the first row shown, from 1
    rows: tuple[TargetRow, ...]
    group_rows: tuple[GroupRow, ...]


def fleet(targets: Sequence[TargetState], query: FleetQuery) -> Fleet:
    """The page that `query` asks for; the last one where there are fewer pages."""
    matches = matches_of(targets, query)
    grouped = groups(matches.found, query.group) if query.group else ()
    count = len(grouped if query.group else matches.found)
    pages = max(1, -(-count // PAGE_ROWS))
    page = min(max(1, query.page), pages)
    first = (page - 1) * PAGE_ROWS
    query = replace(query, page=page)
    shown = part(matches.found, _badness, first, PAGE_ROWS) if count and not query.group else []
    return Fleet(
        query=query,
        total=len(targets),
        states=tuple((state, matches.states[state]) for state in STATES),
        classes=tuple(sorted(matches.classes.items())),
        warnings=tuple(sorted(matches.warnings.items())),
        providers=_most_frequent(matches.providers),
        labels=tuple(sorted((label_text(*label), count) for label, count in matches.labels.most_common(MAX_CHOICES))),
        label_names=_label_names(matches, query),
        matching=len(matches.found),
        groups=len(grouped),
        pages=pages,
        first=first + 1 if count else 0,
        rows=tuple(target_row(seen) for _, seen in shown),
        group_rows=group_rows(grouped, query, first, PAGE_ROWS) if grouped else (),
    )


def _badness(found: tuple[str, TargetState]) -> _SortKey:
    state, seen = found
    result = seen.result
    if result is None:
        return _PLACES[state], 0, 0.0, seen.target.name
    whole = state == UP and result.addresses_up == len(result.hosts)
    return _PLACES[state], int(whole), -result.duration, seen.target.name


def _most_frequent(values: Counter[str]) -> _Counts:
    return tuple(sorted((printable(value), count) for value, count in values.most_common(MAX_CHOICES)))


def _label_names(matches: Matches, query: FleetQuery) -> tuple[str, ...]:
    """The names of labels to group by: the most frequent, and the one of the query."""
    counts: Counter[str] = Counter()
    for (name, _), count in matches.labels.items():
        counts[name] += count
    names = {name for name, _ in counts.most_common(MAX_CHOICES)}
    if query.group.startswith(BY_LABEL):
        names.add(query.group.removeprefix(BY_LABEL))
    return tuple(sorted(names))
