"""The records of all targets: results taken in, counters that outlive a reload, series rendered where they change.

Written by the probes' event loop alone. Another thread, a scrape or a page, reads records, which are immutable.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from exporter.concurrency import steady_clock
from exporter.model.failure import FailureClass, Verdict
from exporter.model.result import DomainResult
from exporter.model.target import Target, TargetKey, TargetKind
from exporter.store.record import Change, TargetRecord, change_of
from exporter.store.row import NO_ROW, Row

# How long the counters and the history of a target that a reload removed are kept, should it come back.
REMEMBERED_SECONDS: Final = 3600.0
# Of so many targets at most, about 1 KB each.
MAX_REMEMBERED: Final = 20_000
# Targets taken in between two looks at the clock: a millisecond or two.
_STEP: Final = 200
# Makes the row of a record, which has that of the record before (None: of no use) so far.
RenderTarget = Callable[[TargetRecord, TargetRecord | None], Row]
# Takes in a result with another lookup or other policies than the last one (None: there is none), and the moment; true
# if its series have to follow.
CompareTarget = Callable[[TargetKey, DomainResult | None, DomainResult, float], bool]


class TargetStore:
    """The records of all targets, by kind and name."""

    def __init__(
        self,
        render: RenderTarget,
        clock: Callable[[], float] = steady_clock.now,
        compare: CompareTarget = lambda *_: False,
    ) -> None:
        self._render = render
        self._compare = compare
        self._records: dict[TargetKey, TargetRecord] = {}
        self._removed = _RemovedTargets(clock)
        self._failing: Counter[FailureClass] = Counter()
        self._states: Counter[Verdict | None] = Counter()  # None: up
        self._recorded: set[TargetKey] | None = None  # while the targets are replaced: those with a result meanwhile

    def replacing(self, targets: Iterable[Target], *, anew: bool = False) -> Iterator[None]:
        """Keep these targets alone, in steps: a target that stays keeps its record, one that comes back its counters.

        With `anew` all rows are rendered again, for other series are switched off. Before the last step the store has
        the targets of before; results may come in between.
        """
        before, records = self._records, dict[TargetKey, TargetRecord]()
        self._recorded = recorded = set[TargetKey]()
        for number, target in enumerate(targets, 1):
            if number % _STEP == 0:
                yield
            records[target.key] = self._taken_over(before.get(target.key) or self._removed.pop(target), target, anew)
        for key in recorded & records.keys():
            records[key] = self._taken_over(before[key], records[key].target, anew)
        self._records, self._recorded = records, None
        results = [record.result for record in records.values() if record.result is not None]
        self._failing = Counter(result.failure.failure_class for result in results if result.failure is not None)
        self._states = Counter(None if result.failure is None else result.failure.verdict for result in results)
        for number, key in enumerate([key for key in before if key not in records], 1):
            self._removed.add(before[key])
            if number % _STEP == 0:
                yield

    def _taken_over(self, record: TargetRecord | None, target: Target, anew: bool) -> TargetRecord:
        if record is None:
            record = TargetRecord(target)
        # A record that has come back has no row.
        elif not anew and record.row is not NO_ROW and _same_series(record.target, target):
            return record._replace(target=target)
        record = record._replace(target=target)
        return record.rendered(self._render(record, None))

    def forget(self) -> Sequence[TargetKey]:
        """Forget the targets that were removed long ago; their keys."""
        return [key for key in self._removed.forget() if key not in self._records]

    def record(self, target: Target, result: DomainResult, *, turn: bool) -> Change | None:
        """Take in a result; the change of state it brings. A target that is gone meanwhile changes nothing.

        The result of a `turn` is counted. Another is one that its hosts have changed since the last turn; the first of
        all is that of a turn, which has waited for its hosts.
        """
        before = self._records.get(target.key)
        if before is None:
            return None
        change = change_of(before, result)
        if turn or before.result is None:
            began = steady_clock.moment(result.at) if result.at else steady_clock.now()
            # In the order in which they come, whatever the clock said in between.
            began = max(before.began, began) if before.began else began
            self._put(before, before.probed(result, began, change))
        elif result != before.result:
            self._put(before, before.joined(result, steady_clock.now(), change))
        return change

    def restore(self, record: TargetRecord) -> None:
        """Take in the record of a target as it was before the start; of one that has been probed since it is old."""
        before = self._records.get(record.target.key)
        if before is not None and before.result is None:
            self._put(before, record)

    def _put(self, before: TargetRecord, record: TargetRecord) -> None:
        was, now = before.result, record.result
        if was is None or now is None or was.failure is not now.failure:
            self._count(was, -1)
            self._count(now, 1)
        key = record.target.key
        is_other = now is not None and (was is None or not _same_facts(was, now))
        has_changed = is_other and now is not None and self._compare(key, was, now, record.began)
        row = self._render(record, None if has_changed else before)
        self._records[key] = record if row is record.row else record.rendered(row)
        if self._recorded is not None:
            self._recorded.add(key)

    def _count(self, result: DomainResult | None, by: int) -> None:
        if result is None:
            return
        failure = result.failure
        if failure is None:
            self._states[None] += by
            return
        self._failing[failure.failure_class] += by
        self._states[failure.verdict] += by

    def failing(self, classes: Iterable[FailureClass]) -> int:
        """The number of targets that fail by one of these classes now; from any thread, and quick for any number."""
        failing = self._failing
        return sum(failing[each] for each in classes)

    def states(self) -> tuple[Mapping[Verdict | None, int], int]:
        """The number of targets up (None) and of each verdict, and of those not probed yet; from any thread, and
        quick for any number."""
        states = dict(self._states)
        return states, max(0, len(self._records) - sum(states.values()))

    def records(self) -> Sequence[TargetRecord]:
        """All records now, in the order of the configuration."""
        return list(self._records.values())

    def get(self, kind: TargetKind, name: str) -> TargetRecord | None:
        """The record of one target."""
        return self._records.get((kind, name))


def _same_facts(was: DomainResult, now: DomainResult) -> bool:
    """True if nothing was looked up anew; an answer within its TTL is one object."""
    return was.lookup is now.lookup and was.named is now.named and was.mta_sts is now.mta_sts


def _same_series(before: Target, now: Target) -> bool:
    """True if the series of a target stay: they have its labels and its interval, and no other setting.

    tests/metrics/test_domain_rows.py changes each field of a target and of its settings, and fails for one that is
    missing here.
    """
    return before.labels == now.labels and before.settings.interval == now.settings.interval


class _RemovedTargets:
    """Records of targets that a reload removed, for a while and within bounds, the longest removed first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._records: OrderedDict[TargetKey, tuple[float, TargetRecord]] = OrderedDict()
        self._gone: list[TargetKey] = []  # since the last look

    def add(self, record: TargetRecord) -> None:
        """Keep the counters and the history of a target, not its result, which is old when the target comes back."""
        if not record.probes:
            return
        self._records[record.target.key] = self._clock(), record.removed()
        while len(self._records) > MAX_REMEMBERED:
            self._gone.append(self._records.popitem(last=False)[0])

    def pop(self, target: Target) -> TargetRecord | None:
        """The record of a target that has come back."""
        kept = self._records.pop(target.key, None)
        return None if kept is None else kept[1]

    def forget(self) -> Sequence[TargetKey]:
        """The targets that went so long ago that they do not come back."""
        end = self._clock() - REMEMBERED_SECONDS
        while self._records and next(iter(self._records.values()))[0] <= end:
            self._gone.append(self._records.popitem(last=False)[0])
        gone, self._gone = self._gone, []
        return gone
