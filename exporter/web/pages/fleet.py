"""The status page: the targets that match the filters, or groups of them, in order; and the values of the filters.

A row is made only for what is on the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from exporter.model.failure import FailureClass
from exporter.model.printable import printable
from exporter.web.backend import TargetState
from exporter.web.pages.fleet_matches import Matches, matches_of
from exporter.web.pages.fleet_query import BY_CHANGE, BY_LABEL, BY_NAME, BY_PHASE, FleetQuery
from exporter.web.pages.groups import GroupRow, group_rows, groups
from exporter.web.pages.ordering import part
from exporter.web.pages.target_row import STATES, UP, WARNED, TargetRow, label_text, phases_of, target_row

# Rows of a page: few enough to scroll, and for a browser to lay out at once.
PAGE_ROWS: Final = 100
# Values to choose from: the most frequent, for a label may have another value for each target.
MAX_CHOICES: Final = 100
# The time between two reloads of a page.
REFRESH_SECONDS: Final = 30

_PLACES: Final = {state: place for place, state in enumerate(STATES)} | {WARNED: STATES.index(UP)}
# Place of the state, then targets with an address down first and those without a warning last, then the slowest first,
# then by name.
_SortKey = tuple[float, int, float, str]
_Found = tuple[str, TargetState]
_Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """A page of the table and its filters. The counts of a filter's values are those with all other filters."""

    query: FleetQuery
    total: int
    states: _Counts  # all of STATES
    tiles: _Counts  # the same and WARNED, or of the whole fleet where the other filters leave no target
    tile_query: FleetQuery  # the filters of the tiles' links, beside the state
    warned: int  # of those that are up
    classes: _Counts
    warnings: _Counts
    providers: _Counts
    labels: _Counts
    label_names: tuple[str, ...]  # to group by
    matching: int  # targets, without those that are folded
    folded: Mapping[
        FailureClass, tuple[TargetRow, ...]
    ]  # the first that a fault of our own side explains, by its class
    folded_count: int  # all of them
    groups: int  # of them; 0: they are not grouped
    pages: int
    first: int  # number of the first row shown, from 1
    rows: tuple[TargetRow, ...]
    group_rows: tuple[GroupRow, ...]


def fleet(targets: Sequence[TargetState], query: FleetQuery, ours: Collection[FailureClass] = ()) -> Fleet:
    """The page that `query` asks for; the last one where there are fewer pages.

    `ours`: the classes that a fault of our own side explains. Their targets stand behind all others that are not up;
    without a filter, which may ask for them, they are folded.
    """
    matches = matches_of(targets, query)
    found, folded = matches.found, dict[FailureClass, list[_Found]]()
    if ours and not query.filtered and not query.group:
        found, folded = _unfolded(found, ours)
    grouped = groups(found, query.group, ours) if query.group else ()
    count = len(grouped if query.group else found)
    pages = max(1, -(-count // PAGE_ROWS))
    page = min(max(1, query.page), pages)
    first = (page - 1) * PAGE_ROWS
    query = replace(query, page=page)
    shown = _shown(found, query, ours, first) if count and not query.group else []
    counts = matches.states or matches_of(targets, query.unfiltered).states
    return Fleet(
        query=query,
        total=len(targets),
        tiles=tuple((state, counts[state]) for state in (*STATES, WARNED)),
        tile_query=query if matches.states else query.unfiltered,
        states=tuple((state, matches.states[state]) for state in STATES),
        warned=matches.states[WARNED],
        classes=tuple(sorted(matches.classes.items())),
        warnings=tuple(sorted(matches.warnings.items())),
        providers=_most_frequent(matches.providers),
        labels=tuple(sorted((label_text(*label), count) for label, count in matches.labels.most_common(MAX_CHOICES))),
        label_names=_label_names(matches, query),
        matching=len(found),
        folded={cause: tuple(target_row(seen) for _, seen in rows[:PAGE_ROWS]) for cause, rows in folded.items()},
        folded_count=sum(map(len, folded.values())),
        groups=len(grouped),
        pages=pages,
        first=first + 1 if count else 0,
        rows=tuple(target_row(seen) for _, seen in shown),
        group_rows=group_rows(grouped, query, first, PAGE_ROWS) if grouped else (),
    )


def _shown(found: Sequence[_Found], query: FleetQuery, ours: Collection[FailureClass], first: int) -> Sequence[_Found]:
    """The targets from the place `first` on, in the order of the query."""
    key = _SORT_KEYS.get(query.sort.removeprefix("-"), partial(_badness, ours))
    return part(found, key, first, PAGE_ROWS, reverse=query.sort.startswith("-"))


def _by_name(found: _Found) -> str:
    return found[1].target.name


def _by_change(found: _Found) -> tuple[float, str]:
    return -found[1].since, found[1].target.name


def _by_phase(found: _Found) -> tuple[float, str]:
    result = found[1].result
    hosts = result.hosts if result is not None else ()
    return -max([seconds for host in hosts for _, seconds in phases_of(host)], default=0.0), found[1].target.name


def _unfolded(
    found: Iterable[_Found], ours: Collection[FailureClass]
) -> tuple[list[_Found], dict[FailureClass, list[_Found]]]:
    """The targets that nothing of our own side explains, and the others by what does."""
    left: list[_Found] = []
    folded: dict[FailureClass, list[_Found]] = {cause: [] for cause in ours}
    for each in found:
        result = each[1].result
        failure = result.failure if result is not None else None
        (left if failure is None else folded.get(failure.failure_class, left)).append(each)
    return left, folded


def _badness(ours: Collection[FailureClass], found: _Found) -> _SortKey:
    state, seen = found
    result = seen.result
    if result is None:
        return _PLACES[state], 0, 0.0, seen.target.name
    explained = result.failure is not None and result.failure.failure_class in ours
    place = _PLACES[UP] - 0.5 if explained else _PLACES[state]
    wellness = 0  # of those that are up: with an address down, with warnings, well
    if result.failure is None and result.addresses_up == len(result.hosts):
        wellness = 1 if state == WARNED else 2
    return place, wellness, -result.duration, seen.target.name


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


_SORT_KEYS: Final[Mapping[str, Callable[[_Found], Any]]] = MappingProxyType(
    {BY_NAME: _by_name, BY_CHANGE: _by_change, BY_PHASE: _by_phase}
)
