"""The status page with one row for a group of targets, so that the outage of a provider is one row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from exporter.model.failure import FailureClass, Verdict
from exporter.model.printable import printable
from exporter.model.result import DomainResult
from exporter.web.backend import TargetState
from exporter.web.pages.fleet_query import BY_HOST, BY_LABEL, BY_NAME, BY_PROVIDER, NONE, FleetQuery
from exporter.web.pages.ordering import part
from exporter.web.pages.target_row import STATES, UP, WAITING, WARNED, label_text

# States in which there is nothing to do.
_QUIET: Final = frozenset({UP, WAITING, Verdict.DECLINED.value})


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The row of one group. Links are relative to the status page."""

    name: str  # empty: the targets that belong to no group
    link: str  # the targets of the group
    mx_page: str  # the page of an MX name, for a group by host
    total: int
    states: tuple[tuple[str, int, str], ...]  # those that occur, the worst first, with the link to their targets
    failure_class: str  # the most frequent one
    addresses: int  # of an MX name
    addresses_up: int


class TargetGroup:
    """The targets of a group, counted."""

    __slots__ = ("addresses", "classes", "name", "needing", "states", "total")

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self.needing = 0  # targets in a state that asks for something, which no fault of our own side explains
        self.states: dict[str, int] = {}
        self.classes: dict[str, int] | None = None  # of those that fail
        self.addresses: dict[str, bool] = {}  # of an MX name, and whether they are up

    def badness(self) -> tuple[int, int, int, int, str]:
        """The most targets in need first, but for those explained, then the most addresses down, the worst state."""
        worst = next((place for place, state in enumerate(STATES) if state in self.states), len(STATES))
        return -self.needing, -[*self.addresses.values()].count(False), worst, -self.total, self.name


def groups(
    found: Iterable[tuple[str, TargetState]], by: str, ours: Collection[FailureClass] = ()
) -> Sequence[TargetGroup]:
    """The groups of targets with their states, `by` as in :attr:`FleetQuery.group`. A target may be in several.

    `ours`: the classes that a fault of our own side explains.
    """
    known: dict[str, TargetGroup] = {}
    for state, seen in found:
        result, own = seen.result, UP if state == WARNED else state
        failure = result.failure if result is not None else None
        needs = own not in _QUIET and (failure is None or failure.failure_class not in ours)
        for name in _names(seen, by):
            group = known.get(name)
            if group is None:
                group = known[name] = TargetGroup(name)
            group.total += 1
            group.needing += needs
            group.states[own] = group.states.get(own, 0) + 1
            if failure is not None:
                classes = group.classes = group.classes or {}
                failure_class = failure.failure_class.value
                classes[failure_class] = classes.get(failure_class, 0) + 1
        if by == BY_HOST and result is not None:
            _count_addresses(known, result)
    return list(known.values())


def _count_addresses(known: Mapping[str, TargetGroup], result: DomainResult) -> None:
    """The addresses of the MX names of a target: in several dialogues, as for the alerts, up where one works."""
    for host in result.hosts:
        mx, address, *_ = host.identity
        if address:
            addresses = known[mx].addresses
            addresses[address] = host.outcome.failure is None or addresses.get(address, False)


def group_rows(found: Sequence[TargetGroup], query: FleetQuery, first: int, count: int) -> tuple[GroupRow, ...]:
    """The rows from the place `first` on, the worst first or by name; a group has no other order."""
    if query.sort.removeprefix("-") != BY_NAME:
        return tuple(_row(group, query) for group in part(found, TargetGroup.badness, first, count))
    reverse = query.sort.startswith("-")
    return tuple(_row(group, query) for group in part(found, lambda group: group.name, first, count, reverse=reverse))


def _names(seen: TargetState, by: str) -> Iterable[str]:
    """The names of the groups of a target; an empty one where it is in none."""
    result = seen.result
    if by == BY_PROVIDER:
        return (result.providers if result is not None else ()) or ("",)
    if by == BY_HOST:
        return {host.identity.mx for host in result.hosts} if result is not None and result.hosts else ("",)
    label = by.removeprefix(BY_LABEL)
    return (next((value for name, value in seen.target.labels if name == label), ""),)


def _row(group: TargetGroup, query: FleetQuery) -> GroupRow:
    filters = _filter(group.name, query.group)
    return GroupRow(
        name=printable(group.name),
        link=query.url(**filters),
        mx_page=f"mx/{quote(group.name, safe='')}" if query.group == BY_HOST and group.name else "",
        total=group.total,
        states=tuple(
            (state, group.states[state], query.url(**filters, state=state)) for state in STATES if state in group.states
        ),
        failure_class=max(group.classes, key=group.classes.__getitem__) if group.classes else "",
        addresses=len(group.addresses),
        addresses_up=sum(group.addresses.values()),
    )


def _filter(name: str, by: str) -> dict[str, str]:
    """The filter that leaves the targets of a group."""
    if by == BY_PROVIDER:
        return {"group": "", "provider": name or NONE}
    if by == BY_HOST:
        return {"group": "", "mx": name or NONE}
    return {"group": "", "label": label_text(by.removeprefix(BY_LABEL), name)}
