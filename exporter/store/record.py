"""The record of one target: its latest result, its counters, its history and its samples.

A record is immutable and replaced whole, so another thread may read it at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter.model.failure import Failure, FailureClass, Verdict
from exporter.model.result import HostResult, ProbeResult
from exporter.model.target import Target
from exporter.store.history import History

# One piece of text per metric family; empty where a target has no sample of it.
Samples = tuple[bytes, ...]
# Failures of each address by class; an address is named with its MX host.
HostFailures = Mapping[tuple[str, str], Mapping[FailureClass, int]]

_NO_FAILURES: Final[HostFailures] = MappingProxyType({})
_NO_SAMPLES: Final[Samples] = ()
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
    """One target. `result` None: not probed yet, or not since it came back.

    A named tuple: each probe makes two, in a quarter of the time that a frozen dataclass takes.
    """

    target: Target
    result: ProbeResult | None = None
    probes: int = 0
    probe_failures: int = 0
    host_failures: HostFailures = _NO_FAILURES
    # Moments of steady_clock: the begin of the latest probe, and the last change of state; 0: not probed yet.
    began: float = 0.0
    since: float = 0.0
    samples: Samples = _NO_SAMPLES
    history: History = _NO_HISTORY
    last: LastState | None = None  # of a target that was removed and came back, until its next result

    def removed(self) -> TargetRecord:
        """The part of the record that is kept of a target that goes: its result will be old when the target returns."""
        last = self.last if self.result is None else LastState(self.result.failure)
        return self._replace(result=None, samples=_NO_SAMPLES, last=last)

    def probed(self, result: ProbeResult, began: float, change: Change | None) -> TargetRecord:
        """The record with one more result; `change` is the change of state that it brings."""
        history = self.history.probed(result)
        return TargetRecord(
            self.target,
            result,
            self.probes + 1,
            self.probe_failures + (result.failure is not None),
            _counted(self.host_failures, result.hosts),
            began,
            self.since if change is None else began,
            self.samples,
            history if change is None else history.changed(began, result.failure),
        )

    def judged_again(self, result: ProbeResult, at: float, change: Change | None) -> TargetRecord:
        """The record with its result seen otherwise; nothing was probed, so the counters stay."""
        return TargetRecord(
            self.target,
            result,
            self.probes,
            self.probe_failures,
            self.host_failures,
            self.began,
            self.since if change is None else at,
            self.samples,
            self.history if change is None else self.history.changed(at, result.failure),
        )

    def rendered(self, samples: Samples) -> TargetRecord:
        """The record with these samples."""
        return TargetRecord(
            self.target,
            self.result,
            self.probes,
            self.probe_failures,
            self.host_failures,
            self.began,
            self.since,
            samples,
            self.history,
            self.last,
        )


def change_of(record: TargetRecord, result: ProbeResult) -> Change | None:
    """The change of state that `result` brings to the target of `record`."""
    known = record.last if record.result is None else record.result  # either has the failure of then
    before = None if known is None else known.failure
    if known is not None and ((before is None and result.failure is None) or _state(before) == _state(result.failure)):
        return None
    return Change(record.target, known is None, before, result.failure)


def _state(failure: Failure | None) -> tuple[FailureClass, Verdict] | None:
    return None if failure is None else (failure.failure_class, failure.verdict)


def _counted(failures: HostFailures, hosts: Iterable[HostResult]) -> HostFailures:
    """The failures of each address with those of one more probe; an address that is gone takes its counters along."""
    if not failures and all(host.failure is None for host in hosts):
        return failures
    counted: dict[tuple[str, str], Mapping[FailureClass, int]] = {}
    for host in hosts:
        key = (host.mx, host.address)
        counts = failures.get(key)
        if host.failure is not None:
            failure_class = host.failure.failure_class
            counts = {**(counts or {}), failure_class: (counts or {}).get(failure_class, 0) + 1}
        if counts is not None:
            counted[key] = counts
    return counted
