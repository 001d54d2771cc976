"""The targets that match the filters of the status page, and the number of targets for each value of a filter.

One pass over all targets reads only the fields that the filters need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from exporter.config.values import parse_domain
from exporter.model.result import DomainResult
from exporter.model.target import Target
from exporter.web.backend import TargetState
from exporter.web.pages.fleet_query import NONE, FleetQuery
from exporter.web.pages.target_row import UP, WAITING, WARNED, label_text, warnings_of


@dataclass(slots=True)
class Matches:
    """The targets that match all filters, and the counts of the filters' values with all other filters."""

    found: list[tuple[str, TargetState]] = field(default_factory=list)  # with their states, or WARNED
    states: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    providers: Counter[str] = field(default_factory=Counter)
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)


def matches_of(targets: Iterable[TargetState], query: FleetQuery) -> Matches:
    """The matches of `query`."""
    matches, is_candidate, has_label = Matches(), _candidates(query), _label_filter(query.label)
    counted = (matches.states, matches.classes, matches.warnings, matches.providers, matches.labels)
    counters: tuple[Counter[Any], ...] = counted
    takes_all = not (query.state or query.failure_class or query.warning or query.provider or has_label)
    right, wrong = (True,) * len(counters), 0
    for seen in targets:
        target, result = seen.target, seen.result
        if not is_candidate(target, result):
            continue
        values = _values(target, result)
        states, classes, warnings, providers, _ = values
        if not takes_all:
            right = (
                not query.state or query.state in states,
                not query.failure_class or query.failure_class in classes,
                not query.warning or query.warning in warnings,
                not query.provider or (query.provider in providers if query.provider != NONE else not providers),
                has_label is None or has_label(target),
            )
            wrong = right.count(False)
        if not wrong:
            matches.found.append((states[-1], seen))
            for counter, of_it in zip(counters, values, strict=True):
                for value in of_it:  # faster than Counter.update for one or two
                    counter[value] += 1
        elif wrong == 1:  # with all filters but that one it would match
            place = right.index(False)
            counters[place].update(values[place])
    return matches


def _values(
    target: Target, result: DomainResult | None
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """States, classes, warnings, providers and labels of a target: what the filters are about."""
    if result is None:
        return (WAITING,), (), (), (), target.labels
    failure = result.failure
    warnings = warnings_of(result)
    if failure is None:
        return (UP, WARNED) if warnings else (UP,), (), warnings, result.providers, target.labels
    return (failure.verdict.value,), (failure.failure_class.value,), warnings, result.providers, target.labels


def _candidates(query: FleetQuery) -> Callable[[Target, DomainResult | None], bool]:
    """The filters whose values are not counted."""
    needles, mx = _needles(query.search), query.mx
    if not needles and not mx:
        return lambda target, result: True

    def is_candidate(target: Target, result: DomainResult | None) -> bool:
        hosts = result.hosts if result is not None else ()
        if mx and not (any(host.mx == mx for host in hosts) if mx != NONE else not hosts):
            return False
        return not needles or _is_found(needles, target, result)

    return is_candidate


def _needles(search: str) -> tuple[str, ...]:
    """The texts to search for: as typed and, for an international name, as A-labels."""
    text = search.lower()
    if not text or text.isascii():
        return (text,) if text else ()
    try:
        return (text, parse_domain(text))
    except ValueError:
        return (text,)


def _is_found(needles: Iterable[str], target: Target, result: DomainResult | None) -> bool:
    """One of the texts is in the target's name, or in the name or address of one of its MX hosts."""
    hosts = result.hosts if result is not None else ()
    return any(
        needle in target.name or any(needle in host.mx or needle in host.address for host in hosts)
        for needle in needles
    )


def _label_filter(wanted: str) -> Callable[[Target], bool] | None:
    """The filter for a pair of name and value, as it is shown; None for a text that is no pair."""
    name, equals, value = wanted.partition("=")
    if not equals:
        return None
    if value:
        return lambda target: any(label_text(*label) == wanted for label in target.labels)
    return lambda target: not any(each == name and value for each, value in target.labels)
