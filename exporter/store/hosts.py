"""The records of all hosts: the latest result of each, its counters, and its series, rendered where they change.

Written by the probes' event loop alone. Another thread, a scrape or a page, reads records, which are immutable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter.concurrency import steady_clock
from exporter.model.failure import FailureClass
from exporter.model.result import HostIdentity, HostResult
from exporter.model.target import HostSeries
from exporter.store.record import same_state
from exporter.store.row import NO_ROW, Row

_NO_FAILURES: Final[Mapping[FailureClass, int]] = MappingProxyType({})
# Records rendered between two looks at the clock: a millisecond or two.
_STEP: Final = 100


class HostRecord(NamedTuple):
    """One host. `result` None: it is known by its targets alone so far."""

    identity: HostIdentity
    result: HostResult | None = None
    failures: Mapping[FailureClass, int] = _NO_FAILURES  # sessions that found it down, by class
    # Moments of steady_clock: the begin of the latest session, and the last change of state; 0: none yet.
    began: float = 0.0
    since: float = 0.0
    series: HostSeries = "all"
    domains: int | None = 0  # of the configuration, whose mail it takes; None: not known
    row: Row = NO_ROW
    is_restored: bool = False  # the result is of before the start of the exporter


# Makes the row of a record, which has that of the record before (None: of no use) so far.
RenderHost = Callable[[HostRecord, HostRecord | None], Row]
# Takes in the result of a host whose facts are not those of the last result (None: there is none), and the moment.
CompareHost = Callable[[HostIdentity, HostResult | None, HostResult, float], object]


class HostStore:
    """The records of all hosts."""

    def __init__(self, render: RenderHost, compare: CompareHost = lambda *_: None) -> None:
        self._render = render
        self._compare = compare
        self._records: dict[HostIdentity, HostRecord] = {}

    def record(self, identity: HostIdentity, result: HostResult, *, session: bool) -> None:
        """Take in a result: of a `session`, which counts, or of the last one judged again."""
        before = self._records.get(identity)
        if before is None:
            before = HostRecord(identity)
        failures, began = before.failures, before.began
        if session:
            at = result.timings.at
            moment = steady_clock.moment(at) if at else steady_clock.now()
            # In the order in which they come, whatever the clock said in between; before the boot it is below 0.
            began = max(began, moment) if began else moment
            if result.failure is not None:
                failures = _counted(failures, result.failure.failure_class)
        since = before.since
        was, now = before.result, result.outcome.failure
        if was is None or not (was.outcome.failure is now or same_state(was.outcome.failure, now)):
            since = began if session else steady_clock.now()
        if was is None or (was.facts is not result.facts and was.facts != result.facts):
            self._compare(identity, was, result, began if session else steady_clock.now())
        self._put(
            before, HostRecord(identity, result, failures, began, since, before.series, before.domains, before.row)
        )

    def described(self, identity: HostIdentity, series: HostSeries, domains: int) -> None:
        """Note the series that the targets of a host want, and the number of domains among them."""
        before = self._records.get(identity)
        if before is None:
            self._records[identity] = HostRecord(identity, series=series, domains=domains)
        elif before.series != series or before.domains != domains:
            self._put(before, before._replace(series=series, domains=domains))

    def restore(self, record: HostRecord) -> None:
        """Take in the record of a host as it was before the start; of one that has been told since it is old."""
        if record.identity not in self._records:
            self._records[record.identity] = record._replace(row=self._render(record, None))

    def end_restored(self, identity: HostIdentity) -> None:
        """Forget a host that is known from before the start alone: nothing has it any more."""
        record = self._records.get(identity)
        if record is not None and record.is_restored:
            del self._records[identity]

    def gone(self, identity: HostIdentity) -> None:
        """Forget a host that no target has any more."""
        self._records.pop(identity, None)

    def rendering(self) -> Iterator[None]:
        """Render all records anew, in steps; results may come in between."""
        for number, identity in enumerate(list(self._records), 1):
            record = self._records.get(identity)
            if record is not None:
                self._records[identity] = record._replace(row=self._render(record, None))
            if number % _STEP == 0:
                yield

    def records(self) -> Sequence[HostRecord]:
        """All records now."""
        return list(self._records.values())

    def get(self, identity: HostIdentity) -> HostRecord | None:
        """The record of one host."""
        return self._records.get(identity)

    def __len__(self) -> int:
        return len(self._records)

    def _put(self, before: HostRecord, record: HostRecord) -> None:
        row = self._render(record, before)
        # In a third of the time of _replace.
        self._records[record.identity] = record if row is record.row else HostRecord(*record[:-2], row)


def _counted(failures: Mapping[FailureClass, int], failure_class: FailureClass) -> Mapping[FailureClass, int]:
    return {**failures, failure_class: failures.get(failure_class, 0) + 1}
