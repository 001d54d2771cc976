"""What is known of each target: its latest result, its counters, and its samples, rendered once per result.

Written by the probes' event loop alone; a scrape in another thread reads a snapshot of the records and the samples,
which are immutable and replaced whole.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.concurrency import steady_clock
from exporter.model.failure import Failure, FailureClass, Verdict
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKey, TargetKind
from exporter.store.history import History

# One piece of text per metric family; empty where a target has no sample of it.
Samples = tuple[bytes, ...]
_NOTHING: Final[Samples] = ()
_NO_HISTORY: Final = History()
# How long the counters and the history of a target that went with a reload are kept, should it come back.
REMEMBERED_SECONDS: Final = 3600.0
# Of so many targets at most, about 2 KB each, and of so many hosts of theirs that have failed, about 0.6 KB each: the
# domain of a stranger may have eighty.
MAX_REMEMBERED: Final = 20_000
MAX_REMEMBERED_HOSTS: Final = 10_000
# Targets taken in between two looks at the clock: a millisecond or two.
_STEP: Final = 200


@dataclass(frozen=True, slots=True)
class LastState:
    """How a target was; without a failure it was up."""

    failure: Failure | None


@dataclass(slots=True)
class TargetRecord:
    """One target. `host_failures` counts by (mx, address) and class."""

    target: Target
    result: ProbeResult | None = None
    probes: int = 0
    probe_failures: int = 0
    host_failures: dict[tuple[str, str], dict[FailureClass, int]] = field(default_factory=dict)
    # Moments of steady_clock: when the result's probe began, and when the state changed last; 0: not probed yet.
    heard: float = 0.0
    since: float = 0.0
    samples: Samples = _NOTHING
    history: History = _NO_HISTORY
    last: LastState | None = None  # of one that went and came back: how it was, until its next result


@dataclass(frozen=True, slots=True)
class Change:
    """A target's state is another than before. `before` None: it was up, or is probed for the first time."""

    target: Target
    first: bool
    before: Failure | None
    now: Failure | None


class TargetStore:
    """The records of all targets."""

    def __init__(
        self,
        render: Callable[[TargetRecord, ProbeResult | None], Samples],
        clock: Callable[[], float] = steady_clock.now,
    ) -> None:
        """`render` writes the samples of a record, which has those of an earlier result so far, or (None) of no use."""
        self._render = render
        self._clock = clock
        self._records: dict[TargetKey, TargetRecord] = {}
        self._gone: OrderedDict[TargetKey, tuple[float, TargetRecord]] = OrderedDict()  # the longest gone first
        self._gone_hosts = 0  # that have failed
        self._failing: Counter[FailureClass] = Counter()

    def replace_targets(self, targets: Iterable[Target]) -> None:
        """From now on these; what stays keeps its result and counters, what goes and comes back its counters."""
        for _ in self.replacing(targets):
            pass

    def replacing(self, targets: Iterable[Target]) -> Iterator[None]:
        """The same in steps; what is there before the last one is what was there, and results may come in between."""
        before = dict(self._records)
        records: dict[TargetKey, TargetRecord] = {}
        for number, target in enumerate(targets, 1):
            if number % _STEP == 0:
                yield
            record = before.pop(target.key, None)
            if record is not None and record.target == target:  # and so its samples stay what they are
                record.target = target
                records[target.key] = record
                continue
            if record is None:
                record = self._come_back(target)
            record.target = target
            record.samples = self._render(record, None)
            records[target.key] = record
        self._records = records
        for number, record in enumerate(before.values(), 1):
            self._go(record)
            if number % _STEP == 0:
                yield
        results = [record.result for record in records.values() if record.result is not None]
        self._failing = Counter(result.failure.failure_class for result in results if result.failure is not None)

    def _come_back(self, target: Target) -> TargetRecord:
        kept = self._gone.pop(target.key, None)
        if kept is None:
            return TargetRecord(target)
        self._gone_hosts -= len(kept[1].host_failures)
        return kept[1]

    def _go(self, record: TargetRecord) -> None:
        """Keep what counts of it, in case it comes back: not how it was found, which is old by then."""
        if record.result is not None:
            record.last = LastState(record.result.failure)
        record.result, record.samples = None, _NOTHING
        if record.probes:
            self._gone[record.target.key] = self._clock(), record
            self._gone_hosts += len(record.host_failures)
            while len(self._gone) > MAX_REMEMBERED or self._gone_hosts > MAX_REMEMBERED_HOSTS:
                self._forget_oldest()

    def forget(self) -> list[Target]:
        """Those that have been gone for so long that they are forgotten now."""
        end = self._clock() - REMEMBERED_SECONDS
        forgotten: list[Target] = []
        while self._gone and next(iter(self._gone.values()))[0] <= end:
            forgotten.append(self._forget_oldest())
        return forgotten

    def _forget_oldest(self) -> Target:
        _, (_, record) = self._gone.popitem(last=False)
        self._gone_hosts -= len(record.host_failures)
        return record.target

    def remembered(self) -> list[Target]:
        """Those that are gone and not forgotten."""
        return [record.target for _, record in self._gone.values()]

    def record(self, target: Target, result: ProbeResult) -> Change | None:
        """Take in a result; the change of state it brings. A target that is gone meanwhile changes nothing."""
        record = self._records.get(target.key)
        if record is None:
            return None
        _count(record, result)
        record.history = record.history.probed(result)
        began = steady_clock.moment(result.at) if result.at else steady_clock.now()
        # In the order in which they come, whatever the clock said in between.
        record.heard = max(record.heard, began) if record.heard else began
        return self._replace(record, result, record.heard)

    def revise(self, record: TargetRecord, judge: Callable[[Target, ProbeResult], ProbeResult]) -> Change | None:
        """Have the result of a record judged again; its counters stay, for nothing was probed."""
        if record.result is None:
            return None
        result = judge(record.target, record.result)
        return None if result is record.result else self._replace(record, result, steady_clock.now())

    def _replace(self, record: TargetRecord, result: ProbeResult, at: float) -> Change | None:
        last = record.result
        known = record.last if last is None else LastState(last.failure)
        first, before = known is None, known.failure if known is not None else None
        record.last = None
        record.result = result
        if last is None or last.failure is not result.failure:
            self._count_failing(last.failure if last is not None else None, -1)
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
