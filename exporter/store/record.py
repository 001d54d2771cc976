"""The record of one target: its latest result, its counters, its history and its series.

A record is immutable and replaced whole, so another thread may read it at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.model.failure import Failure
from exporter.model.result import DomainResult
from exporter.model.target import Target
from exporter.store.history import History
from exporter.store.row import NO_ROW, Row

_NO_HISTORY: Final = History()


@dataclass(frozen=True, slots=True)
class LastState:
    """The state of a target before it was removed; without a failure it was up."""

    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a target's state. `before` None: the target was up, or is probed for the first time."""

    target: Target
    first: bool
    before: Failure | None
    now: Failure | None


class TargetRecord(NamedTuple):
    """One target. `result` None: none yet, or none since it came back.

    A named tuple: each turn makes two, in a quarter of the time that a frozen dataclass takes.
    """

    target: Target
    result: DomainResult | None = None
    probes: int = 0
    probe_failures: int = 0
    # Moments of steady_clock: the begin of the latest turn, and the last change of state; 0: no result yet.
    began: float = 0.0
    since: float = 0.0
    row: Row = NO_ROW
    history: History = _NO_HISTORY
    last: LastState | None = None  # of a target that was removed and came back, until its next result
    is_restored: bool = False  # the result is of before the start of the exporter

    def removed(self) -> TargetRecord:
        """The part of the record that is kept of a target that goes: its result will be old when the target returns."""
        last = self.last if self.result is None else LastState(self.result.failure)
        return self._replace(result=None, row=NO_ROW, last=last)

    def probed(self, result: DomainResult, began: float, change: Change | None) -> TargetRecord:
        """The record with the result of one more turn; `change` is the change of state that it brings."""
        history = self.history.probed(result)
        return TargetRecord(
            self.target,
            result,
            self.probes + 1,
            self.probe_failures + (result.failure is not None),
            began,
            self.since if change is None else began,
            self.row,
            history if change is None else history.changed(began, result.failure),
        )

    def joined(self, result: DomainResult, at: float, change: Change | None) -> TargetRecord:
        """The record with a result that its hosts have changed; the target had no turn, so the counters stay."""
        return TargetRecord(
            self.target,
            result,
            self.probes,
            self.probe_failures,
            self.began,
            self.since if change is None else at,
            self.row,
            self.history if change is None else self.history.changed(at, result.failure),
        )

    def rendered(self, row: Row) -> TargetRecord:
        """The record with this row."""
        return TargetRecord(
            self.target,
            self.result,
            self.probes,
            self.probe_failures,
            self.began,
            self.since,
            row,
            self.history,
            self.last,
            self.is_restored,
        )


def change_of(record: TargetRecord, result: DomainResult) -> Change | None:
    """The change of state that `result` brings to the target of `record`."""
    known = record.last if record.result is None else record.result  # either has the failure of then
    before, now = None if known is None else known.failure, result.failure
    if known is not None and (before is now or same_state(before, now)):
        return None
    return Change(record.target, known is None, before, result.failure)


def same_state(before: Failure | None, now: Failure | None) -> bool:
    """True if a target or host that failed thus, or was up (None), is in the same state now."""
    if before is None or now is None:
        return before is now
    return before is now or (before.failure_class is now.failure_class and before.verdict is now.verdict)
