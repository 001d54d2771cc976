"""The card "What changed" of the page of a target or of an MX name, as plain values for the template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import starmap
from typing import Final

from exporter.concurrency import steady_clock
from exporter.model.result import HostIdentity
from exporter.report.change_text import WORDS, host_name, latest, step_after
from exporter.store.journal import JournalEntry
from exporter.web.backend import KnownChange

# Of a domain with many hosts the latest ones.
MAX_LINES: Final = 50


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One change; `host` is empty where it is one of the target itself."""

    at: float  # Unix time
    what: str
    words: str
    host: str
    before: str
    now: str
    step: str  # after one that takes protection away


def journal_lines(changes: Iterable[KnownChange]) -> tuple[JournalLine, ...]:
    """The latest changes, the latest first."""
    return tuple(starmap(_line, latest(changes, MAX_LINES)))


def _line(entry: JournalEntry, host: HostIdentity | None) -> JournalLine:
    at, what, before, now = entry
    return JournalLine(steady_clock.unix(at), what, WORDS[what], host_name(host), before, now, step_after(entry))
