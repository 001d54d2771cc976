"""The interface between the web server and the rest of the exporter: one protocol for each user, and plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from exporter.model.egress import EgressByFamily, EgressStateChange
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverView
from exporter.model.result import DomainResult, HostIdentity, HostResult
from exporter.model.standing import StandingView
from exporter.model.target import Target, TargetKind
from exporter.report.local_state import LocalState
from exporter.store.history import History
from exporter.store.journal import JournalEntry
from exporter.store.transcripts import StoredTranscript
from exporter.store.verdict_counts import VerdictCount


class ProbeRefused(Exception):  # noqa: N818 - an answer, not an error
    """The requested probe cannot be made; the message gives the reason."""


class NoFreeSlot(Exception):  # noqa: N818
    """The requested probe had no turn, or not to its end; a later request may have one."""


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """The request of a scraper for a probe."""

    target: str
    module: str | None = None
    within: float | None = None  # seconds
    names: frozenset[str] | None = None  # of the metric families that are wanted; None: all


@dataclass(frozen=True, slots=True)
class Exposition:
    """An answer for a scraper. `body` may be rendered while it is read, so it is read in a worker thread."""

    content_type: str
    body: Iterable[bytes]


class TargetState(Protocol):
    """A target as a page shows it: an immutable value. Times are moments of exporter.concurrency.steady_clock."""

    @property
    def target(self) -> Target:
        """The target."""

    @property
    def result(self) -> DomainResult | None:
        """The latest result; None: not probed yet."""

    @property
    def history(self) -> History:
        """The last results and changes of state."""

    @property
    def began(self) -> float:
        """The start of the last probe; 0: not probed yet."""

    @property
    def since(self) -> float:
        """The last change of state; 0: not probed yet."""

    @property
    def is_restored(self) -> bool:
        """The result is of before the start of the exporter, and waits for the first probe since."""


class KnownChange(NamedTuple):
    """A change in the journal of a target (`host` None), or of one of its hosts."""

    entry: JournalEntry
    host: HostIdentity | None = None


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """The facts of the page of one target."""

    state: TargetState
    probes: int
    probe_failures: int
    transcripts: Sequence[StoredTranscript]  # the latest first
    helo: str = ""  # the HELO name that is sent to the target, where known
    sharing: Mapping[HostIdentity, int] = field(default_factory=dict)  # the domains behind each of its hosts
    journal: Sequence[KnownChange] = ()  # in no order


class KnownHost(Protocol):
    """A host as a page shows it: an immutable value."""

    @property
    def result(self) -> HostResult | None:
        """The result of its latest session; None: there was none yet."""

    @property
    def domains(self) -> int | None:
        """The number of configured domains whose mail it takes."""


@dataclass(frozen=True, slots=True)
class EgressFacts:
    """The facts of the egress page: the state of the egress and of the resolver, and the results behind it."""

    families: EgressByFamily
    changes: Sequence[EgressStateChange]  # the oldest first
    references: Sequence[TargetState]
    targets: Sequence[TargetState]
    witness_ports: tuple[int, ...]
    tracing: bool
    resolver: ResolverView = RESOLVER_UNKNOWN


class ApiBackend(Protocol):
    """The backend of the endpoints for programs.

    Synchronous methods may take a while and are called in worker threads, unless they are quick; all are thread-safe.
    """

    def trouble(self) -> str:
        """The reason why probes stand still, empty while they run; quick."""

    def ready(self) -> bool:
        """A configuration is loaded and probed; quick."""

    def metrics(self, accept: str, names: frozenset[str] | None) -> Exposition:
        """The metrics of these names (None: all), in a format that the Accept header allows."""

    def discovery(self) -> Exposition:
        """All configured targets, for Prometheus's http_sd."""

    async def probe(self, request: ProbeRequest, accept: str) -> Exposition:
        """The series of a target as it is now. Raises ProbeRefused; NoFreeSlot at the end of the exporter."""

    async def probe_dialogue(self, request: ProbeRequest) -> str:
        """The dialogues behind the same result, as text. Raises as :meth:`probe`."""

    async def reload(self) -> Sequence[str]:
        """Load the configuration again. Its problems, a line each; with any, the one before stays in use."""

    def effective_config(self) -> str:
        """The configuration as YAML, secrets masked."""

    def local_state(self) -> LocalState:
        """The faults of our own side that hide the state of targets; quick."""


class PagesBackend(Protocol):
    """The backend of the pages; the same rules as for :class:`ApiBackend`."""

    def targets(self) -> Sequence[TargetState]:
        """All targets, in the order of the configuration."""

    def verdict_counts(self) -> Sequence[VerdictCount]:
        """The number of targets by verdict, a count a minute for the last 24 hours and one of this moment."""

    def target(self, kind: TargetKind, name: str) -> TargetFacts | None:
        """One target or reference; None if none of this name is configured."""

    def report(self, kind: TargetKind, name: str) -> str | None:
        """The report on one target or reference; None if none of this name is configured, or it has no result yet."""

    def hosts(self, mx: str) -> Sequence[KnownHost]:
        """All hosts of one MX name: an address each, and for each dialogue with it."""

    def host_changes(self, mx: str) -> Sequence[KnownChange]:
        """The changes of all hosts of one MX name, in no order."""

    def egress(self) -> EgressFacts:
        """The state of the egress."""

    def standing(self) -> StandingView:
        """Our own standing; quick."""

    def local_state(self) -> LocalState:
        """The faults of our own side that hide the state of targets; quick, for each page begins with them."""

    async def probe_unscheduled(self, kind: TargetKind, name: str) -> None:
        """Probe a target or reference now and store the result. Raises ProbeRefused or NoFreeSlot."""


class Backend(ApiBackend, PagesBackend, Protocol):
    """The backend of the whole web server."""
