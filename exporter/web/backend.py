"""What the web server asks of the exporter. It knows nothing else of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


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
class TargetRow:
    """What the landing page shows of a target. `up` None: not probed yet."""

    name: str
    up: bool | None
    stage: str = ""
    failure_class: str = ""
    verdict: str = ""
    addresses: int = 0
    addresses_up: int = 0
    duration: float | None = None  # seconds
    last_probe: float | None = None  # Unix time


class Backend(Protocol):
    """Synchronous methods may take a while and are called in worker threads; they must be thread-safe."""

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

    def targets(self) -> Sequence[TargetRow]:
        """All targets."""
