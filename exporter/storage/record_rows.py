"""Rows of a saved state as records: a target, a host, our own side, the fleet at one moment. Pure.

Each is sound by itself; what it is believed of, such as a target that is configured so, exporter.storage.reading knows.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType, NoneType
from typing import Any, Final, NamedTuple

from exporter.model.address import Family, is_address
from exporter.model.egress import EGRESS_UNKNOWN, EgressStateChange, EgressView
from exporter.model.failure import Failure, FailureClass, Verdict
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostFacts, HostIdentity, HostOutcome, HostResult, HostTimings
from exporter.model.standing import ListAnswer, Listing
from exporter.model.target import TargetKey, TargetKind
from exporter.storage.head import Head, MovedClock
from exporter.storage.rows import RowReader, UnsoundError
from exporter.storage.saved import SavedHost, SavedSide, SavedTarget
from exporter.storage.writing import HostRef
from exporter.store.history import HistoryReader
from exporter.store.verdict_counts import VerdictCount

_MAX_CHANGES: Final = 64
# The hosts of a target are numbers, and of a state of before that nothing is judged by there is none before it.
INSTEAD: Final[Mapping[tuple[type, str], Any]] = MappingProxyType(
    {
        (DomainResult, "hosts"): tuple[HostRef, ...],
        (EgressView, "before"): NoneType,
        (ResolverView, "before"): NoneType,
    }
)


class FoundTarget(NamedTuple):
    """One target of a file, without its hosts."""

    key: TargetKey
    saved: SavedTarget
    hosts: tuple[HostRef, ...]


class RecordReader:
    """Reads rows in the layout of one file. Its methods raise UnsoundError or another ValueError."""

    def __init__(self, rows: RowReader, head: Head, moments: MovedClock) -> None:
        self._written = head.written
        self._moments = moments
        self._histories = HistoryReader(head.places, moments.shift, moments.now.moment)
        self._result, self._outcome, self._facts = rows.of(DomainResult), rows.of(HostOutcome), rows.of(HostFacts)
        self._identity, self._timings, self._failure = rows.of(HostIdentity), rows.of(HostTimings), rows.of(Failure)
        self._kind, self._str, self._int = rows.of(TargetKind), rows.of(str), rows.of(int)
        self._float, self._bool = rows.of(float), rows.of(bool)
        self._failures = rows.of(tuple[tuple[FailureClass, int], ...])
        self._egress = rows.of(tuple[tuple[Family, EgressView], ...])
        self._changes, self._resolver = rows.of(tuple[EgressStateChange, ...]), rows.of(ResolverView)
        self._states = rows.of(tuple[tuple[Verdict | None, int], ...])
        self._list_answer = rows.of(ListAnswer)

    def key(self, kind: Any, name: Any) -> TargetKey:
        """The key of a target."""
        return self._kind(kind), self._str(name)

    def number(self, value: Any) -> int:
        """A number of a host or of settings."""
        number: int = self._int(value)
        return number

    def text(self, value: Any) -> str:
        """A text, bounded."""
        text: str = self._str(value)
        return text

    def moment(self, then: Any) -> float:
        """A moment on the clock of this process; 0: there is none."""
        return self._moments.moved(self._float(then))

    def target(self, key: TargetKey, columns: list[Any]) -> FoundTarget:
        """A target by the columns behind its key and its settings."""
        probes, failures, began, since, recent, changes, result, last = columns
        found = None if result is None else self._result(result)
        if found is not None and not self._moments.has_come(found.at):
            raise UnsoundError("a turn that is still to come")
        count, failed = self._int(probes), self._int(failures)
        if not 0 <= failed <= count:
            raise UnsoundError("more failures than probes")
        history = self._histories.read(_packed(self._str(recent)), _packed(self._str(changes)))
        before = None if last is None else self._last(last)
        saved = SavedTarget(
            found, count, failed, self.moment(began), self.moment(since), history, last is not None, before
        )
        return FoundTarget(key, saved, () if found is None else found.hosts)

    def _last(self, row: Any) -> Failure | None:
        (failure,) = row
        return None if failure is None else self._failure(failure)

    def host(self, columns: list[Any]) -> tuple[SavedHost, bool]:
        """A host by the columns behind its number, and whether it has series."""
        is_told, identity, outcome, facts, timings, failures, began, since = columns
        result = HostResult(
            self._identity(identity), self._outcome(outcome), self._facts(facts), self._timings(timings)
        )
        if not self._moments.has_come(result.timings.at):
            raise UnsoundError("a session that is still to come")
        counted = self._failures(failures)
        if any(count < 0 for _, count in counted):
            raise UnsoundError("a number below 0")
        saved = SavedHost(result, dict(counted), self.moment(began), self.moment(since))
        return saved, self._bool(is_told)

    def side(self, columns: list[Any]) -> SavedSide:
        """Our own side, as of the time at which it was written."""
        egress, changes, resolver = columns
        views = dict(self._egress(egress))
        if views.keys() != EGRESS_UNKNOWN.keys():
            raise UnsoundError("no egress")
        then = {family: replace(view, as_of=view.as_of or self._written) for family, view in views.items()}
        view: ResolverView = self._resolver(resolver)
        return SavedSide(
            MappingProxyType(then),
            self._changes(changes)[-_MAX_CHANGES:],
            replace(view, as_of=view.as_of or self._written),
        )

    def listing(self, columns: list[Any]) -> Listing:
        """The answer of a block list about an address of ours."""
        address, found = columns
        answer: ListAnswer = self._list_answer(found)
        if not is_address(self._str(address)):
            raise UnsoundError("no address")
        return Listing(address, answer)

    def count(self, columns: list[Any]) -> VerdictCount:
        """The number of targets by verdict at one moment."""
        at, states, waiting = columns
        counts = dict(self._states(states))
        if not all(0 <= each < 2**32 for each in (*counts.values(), self._int(waiting))):
            raise UnsoundError("no count")
        return VerdictCount(self.moment(at), counts, waiting)


def _packed(text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True) if text else b""
    except Error:
        raise UnsoundError("no history") from None
