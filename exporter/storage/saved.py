"""The state as it is saved: what is told of each target and host, of our own side, and the day of the fleet. Pure.

Times that order things are moments of exporter.concurrency.steady_clock: those of the process that saved until
:mod:`exporter.storage.head` has moved them to the clock of this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from exporter.model.change import DomainFacts
from exporter.model.egress import EgressByFamily, EgressStateChange
from exporter.model.failure import Failure, FailureClass
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverView
from exporter.model.result import DomainResult, HostFacts, HostIdentity, HostResult
from exporter.model.standing import Listing
from exporter.model.target import Settings, TargetKey
from exporter.storage.rows import dumps
from exporter.store.history import History
from exporter.store.hosts import HostRecord
from exporter.store.journal import Journal
from exporter.store.record import TargetRecord
from exporter.store.verdict_counts import VerdictCount

# The settings that decide on what is found, and on the labels of hosts; not the interval, nor the labels of a target.
_DECISIVE: Final = (
    "module",
    "port",
    "helo",
    "families",
    "source_ipv4",
    "source_ipv6",
    "max_addresses",
    "allow_addresses",
)
# In the label of a host's module stands what differs from the usual.
_USUAL: Final = ("helo", "source_ipv4", "source_ipv6")


class SavedTarget(NamedTuple):
    """One target. `result` None: there was none, or it is too old to be told as the present; then `last` may be known.

    Moments are 0 where there is none.
    """

    result: DomainResult | None
    probes: int
    probe_failures: int
    began: float
    since: float
    history: History
    has_last: bool = False  # there was a result before
    last: Failure | None = None  # its failure; None: up


class SavedHost(NamedTuple):
    """One host that has series."""

    result: HostResult
    failures: Mapping[FailureClass, int]
    began: float
    since: float


@dataclass(frozen=True, slots=True)
class SavedSide:
    """Our own side: the egress, its last changes, and the resolver."""

    egress: EgressByFamily
    changes: tuple[EgressStateChange, ...] = ()
    resolver: ResolverView = RESOLVER_UNKNOWN


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is saved at one moment: records, which are immutable."""

    targets: Sequence[TargetRecord]
    references: Sequence[TargetRecord]
    hosts: Sequence[HostRecord]
    side: SavedSide
    counts: Sequence[VerdictCount]
    usual: Settings
    # Those that changed longest ago first.
    domain_journals: Sequence[tuple[TargetKey, Journal[DomainFacts]]] = ()
    host_journals: Sequence[tuple[HostIdentity, Journal[HostFacts]]] = ()
    listings: Sequence[Listing] = ()


@dataclass(frozen=True, slots=True)
class SavedState:
    """All that a file has of the targets of this configuration."""

    written: float  # Unix time
    is_last_word: bool  # the exporter came to its end: nothing has been counted since
    targets: Mapping[TargetKey, SavedTarget] = field(default_factory=dict)
    hosts: Mapping[HostIdentity, SavedHost] = field(default_factory=dict)
    side: SavedSide | None = None
    counts: tuple[VerdictCount, ...] = ()
    other_settings: int = 0  # targets that are probed in another way now
    unsound: int = 0  # rows that are none
    # Those that changed longest ago first.
    domain_journals: Mapping[TargetKey, Journal[DomainFacts]] = field(default_factory=dict)
    host_journals: Mapping[HostIdentity, Journal[HostFacts]] = field(default_factory=dict)
    listings: tuple[Listing, ...] = ()


def without_counters(saved: SavedState) -> SavedState:
    """The state with all counters at 0."""
    targets = {key: each._replace(probes=0, probe_failures=0) for key, each in saved.targets.items()}
    hosts = {identity: each._replace(failures={}) for identity, each in saved.hosts.items()}
    return replace(
        saved,
        targets=targets,
        hosts=hosts,
        domain_journals={key: each._replace(counts=()) for key, each in saved.domain_journals.items()},
        host_journals={identity: each._replace(counts=()) for identity, each in saved.host_journals.items()},
    )


def fingerprint(settings: Settings, usual: Settings) -> str:
    """A text that is equal for settings under which a target is probed in the same way, in every process."""
    decisive = [_plain(getattr(settings, name)) for name in _DECISIVE]
    named = [getattr(usual, name) for name in _USUAL]
    return blake2b(dumps([decisive, named]).encode(), digest_size=12).hexdigest()


def _plain(value: Any) -> Any:
    """A setting in a form whose text does not depend on the process; a password is no part of it."""
    if hasattr(value, "__dataclass_fields__"):
        return [_plain(getattr(value, name)) for name, each in value.__dataclass_fields__.items() if each.repr]
    if isinstance(value, Mapping):
        return sorted([str(key), _plain(each)] for key, each in value.items())
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value))
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (int, float, str, type(None))) else str(value)
