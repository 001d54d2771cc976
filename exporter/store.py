"""What is known of each target: its latest result, its counters, and its samples, rendered once per result.

Written by the probes' event loop alone; a scrape in another thread reads a snapshot of the records and the samples,
which are immutable and replaced whole.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.config.model import Target, TargetKind
from exporter.history import History
from exporter.result import Failure, FailureClass, ProbeResult, Verdict

# One piece of text per metric family; empty where a target has no sample of it.
Samples = tuple[bytes, ...]
_NOTHING: Final[Samples] = ()
_NO_HISTORY: Final = History()


@dataclass(slots=True)
class TargetRecord:
    """One target. `host_failures` counts by (mx, address) and class."""

    target: Target
    result: ProbeResult | None = None
    probes: int = 0
    probe_failures: int = 0
    host_failures: dict[tuple[str, str], dict[FailureClass, int]] = field(default_factory=dict)
    since: float = 0.0  # Unix time of the last change of state; 0: not probed yet
    samples: Samples = _NOTHING
    history: History = _NO_HISTORY


@dataclass(frozen=True, slots=True)
class Change:
    """A target's state is another than before. `before` None: it was up, or is probed for the first time."""

    target: Target
    first: bool
    before: Failure | None
    now: Failure | None


class Store:
    """The records of all targets."""

    def __init__(self, render: Callable[[TargetRecord, ProbeResult | None], Samples]) -> None:
        """`render` writes the samples of a record, which has those of an earlier result so far, or (None) of no use."""
        self._render = render
        self._records: dict[tuple[TargetKind, str], TargetRecord] = {}
        self._failing: Counter[FailureClass] = Counter()

    def replace_targets(self, targets: Iterable[Target]) -> None:
        """From now on these; what stays keeps its result and counters, what is gone is forgotten."""
        before = self._records
        records: dict[tuple[TargetKind, str], TargetRecord] = {}
        for target in targets:
            record = before.get(target.key)
            if record is None:
                record = TargetRecord(target)
            elif _reads_alike(record.target, target):
                record.target = target
                records[target.key] = record
                continue
            record.target = target
            record.samples = self._render(record, None)
            records[target.key] = record
        self._records = records
        results = [record.result for record in records.values() if record.result is not None]
        self._failing = Counter(result.failure.failure_class for result in results if result.failure is not None)

    def record(self, target: Target, result: ProbeResult) -> Change | None:
        """Take in a result; the change of state it brings. A target that is gone meanwhile changes nothing."""
        record = self._records.get(target.key)
        if record is None:
            return None
        _count(record, result)
        record.history = record.history.probed(result)
        return self._replace(record, result, result.at or time.time())

    def revise(self, record: TargetRecord, judge: Callable[[Target, ProbeResult], ProbeResult]) -> Change | None:
        """Have the result of a record judged again; its counters stay, for nothing was probed."""
        if record.result is None:
            return None
        result = judge(record.target, record.result)
        return None if result is record.result else self._replace(record, result, time.time())

    def _replace(self, record: TargetRecord, result: ProbeResult, at: float) -> Change | None:
        last = record.result
        first, before = last is None, last.failure if last is not None else None
        record.result = result
        if before is not result.failure:
            self._count_failing(before, -1)
            self._count_failing(result.failure, 1)
        changed = first or _state(before) != _state(result.failure)
        if changed:
            record.since = at
            record.history = record.history.changed(at, result.failure)
        record.samples = self._render(record, last)
        return Change(record.target, first, before, result.failure) if changed else None

    def _count_failing(self, failure: Failure | None, by: int) -> None:
        if failure is not None:
            self._failing[failure.failure_class] += by

    def failing(self, classes: Iterable[FailureClass]) -> int:
        """How many targets fail by one of these now; from any thread, and quick with any number of them."""
        failing = self._failing
        return sum(failing[each] for each in classes)

    def records(self) -> Sequence[TargetRecord]:
        """All records now, in the order of the configuration."""
        return list(self._records.values())

    def get(self, kind: TargetKind, name: str) -> TargetRecord | None:
        """The record of one target."""
        return self._records.get((kind, name))


def _reads_alike(before: Target, now: Target) -> bool:
    """Whether the samples of a target stay what they are."""
    return before.labels == now.labels and before.settings.interval == now.settings.interval


def _state(failure: Failure | None) -> tuple[FailureClass, Verdict] | None:
    return None if failure is None else (failure.failure_class, failure.verdict)


def _count(record: TargetRecord, result: ProbeResult) -> None:
    record.probes += 1
    record.probe_failures += result.failure is not None
    if not record.host_failures and all(host.failure is None for host in result.hosts):
        return
    kept: dict[tuple[str, str], dict[FailureClass, int]] = {}
    for host in result.hosts:
        key = (host.mx, host.address)
        counts = record.host_failures.get(key)
        if host.failure is not None:
            counts = counts if counts is not None else {}
            failure_class = host.failure.failure_class
            counts[failure_class] = counts.get(failure_class, 0) + 1
        if counts is not None:
            kept[key] = counts
    # An address that is gone takes its counters along.
    record.host_failures = kept
