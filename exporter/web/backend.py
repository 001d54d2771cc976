"""What the web server asks of the exporter. It knows nothing else of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporter.model.egress import EgressByFamily, EgressStateChange
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverView
from exporter.model.target import TargetKind
from exporter.report.local_state import LocalState
from exporter.store.targets import TargetRecord
from exporter.store.transcripts import StoredTranscript


class ProbeRefused(Exception):  # noqa: N818 - no error of the program
    """The probe asked for cannot be made; the message says why."""


class NoTurn(Exception):  # noqa: N818
    """The probe did not get its turn in time; a later one may."""


@dataclass(frozen=True, slots=True)
class Exposition:
    """An answer for a scraper. `body` may be rendered while it is read, so it is read in a worker thread."""

    content_type: str
    body: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What is known of one target. The record changes while it is read: take its result once."""

    record: TargetRecord
    dialogues: Sequence[StoredTranscript]  # the latest first
    helo: str = ""  # what this host calls itself to it, where that is known


@dataclass(frozen=True, slots=True)
class EgressFacts:
    """What is known of the way out, and what all of it rests on."""

    surroundings: EgressByFamily
    turns: Sequence[EgressStateChange]  # the oldest first
    references: Sequence[TargetRecord]
    records: Sequence[TargetRecord]
    witness_ports: tuple[int, ...]
    tracing: bool
    resolver: ResolverView = RESOLVER_UNKNOWN


class Backend(Protocol):
    """Synchronous methods may take a while and are called in worker threads; they must be thread-safe."""

    def trouble(self) -> str:
        """A sentence where the probes stand still, empty where they do not; quick."""

    def ready(self) -> bool:
        """Whether a configuration is loaded and probed; quick."""

    def metrics(self, accept: str) -> Exposition:
        """Everything, in a format that the Accept header allows."""

    def discovery(self) -> Exposition:
        """All configured targets, for Prometheus's http_sd."""

    async def probe(self, target: str, module: str | None, within: float | None, accept: str) -> Exposition:
        """Probe `target` now, within so many seconds. Raises ProbeRefused or NoTurn."""

    async def probe_dialogue(self, target: str, module: str | None, within: float | None) -> str:
        """The same for a person: the dialogue as text. Raises ProbeRefused or NoTurn."""

    async def reload(self) -> Sequence[str]:
        """Load the configuration anew. What is wrong with it, a line each; then the one before holds."""

    def effective_config(self) -> str:
        """The configuration as YAML, secrets masked."""

    def records(self) -> Sequence[TargetRecord]:
        """All targets."""

    def target(self, kind: TargetKind, name: str) -> TargetFacts | None:
        """One target or reference; None where none is configured by this name."""

    def local_state(self) -> LocalState:
        """What of ours keeps others from being seen; quick, for every page begins with it."""

    def egress(self) -> EgressFacts:
        """The way out."""

    async def probe_in_between(self, kind: TargetKind, name: str) -> None:
        """Probe a target or reference now, as if it were due. Raises ProbeRefused or NoTurn."""
