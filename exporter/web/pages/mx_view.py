"""The content of the page of one MX name: its hosts, and the targets behind them, as plain values for the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.networks import organisation
from exporter.model.address import is_address
from exporter.model.printable import printable
from exporter.model.result import HostIdentity, HostResult
from exporter.web.backend import KnownChange, KnownHost, TargetState
from exporter.web.pages.fleet import Fleet, fleet
from exporter.web.pages.fleet_query import NONE, FleetQuery
from exporter.web.pages.host_view import HostView, host_views_alone
from exporter.web.pages.journal_view import JournalLine, journal_lines

# A name has few addresses, but a dialogue of its own for each domain where a module speaks of the domain.
MAX_HOSTS: Final = 32


@dataclass(frozen=True, slots=True)
class MxView:
    """The page of one MX name."""

    name: str
    provider: str  # its organisation; empty for an address
    known: int  # its addresses, each with each dialogue
    up: int  # of them
    hosts: tuple[HostView, ...]  # the first of them, those that are down before the others
    fleet: Fleet  # the first targets behind the name, the worst first
    journal: tuple[JournalLine, ...]  # the changes of its hosts, the latest first


def mx_view(
    name: str, hosts: Sequence[KnownHost], targets: Sequence[TargetState], changes: Iterable[KnownChange] = ()
) -> MxView | None:
    """The page of `name`; None for a name that no target has."""
    behind = fleet(targets, FleetQuery(mx=name)) if name != NONE else None
    if behind is None or not (behind.matching or hosts):
        return None
    results = sorted((host.result for host in hosts if host.result is not None), key=_place)
    return MxView(
        name=printable(name),
        provider="" if is_address(name) else printable(organisation(name)),
        known=len(results),
        up=sum(host.up for host in results),
        hosts=host_views_alone(results[:MAX_HOSTS]),
        fleet=behind,
        journal=journal_lines(changes),
    )


def _place(host: HostResult) -> tuple[bool, HostIdentity]:
    return host.up, host.identity
