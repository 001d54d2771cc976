"""A saved state from its text, which may come from anybody: rows of this configuration's targets, each sound by itself.

The text is read to its end before anything of it counts, so that one that was cut off is none. A row that is not sound,
or of a target that is not configured so, is left out and counted. Pure but for the clock that ages are taken from.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType, NoneType
from typing import Any, Final, NamedTuple

from exporter.model.address import Family
from exporter.model.egress import EGRESS_UNKNOWN, EgressStateChange, EgressView
from exporter.model.failure import Failure, FailureClass, Verdict
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostFacts, HostIdentity, HostOutcome, HostResult, HostTimings
from exporter.model.target import Target, TargetKey, TargetKind
from exporter.storage.rows import SECONDS, RowReader, UnsoundError, loads
from exporter.storage.saved import SavedHost, SavedSide, SavedState, SavedTarget
from exporter.storage.soundness import CHECKS
from exporter.storage.writing import COUNT, END, FORMAT, HOST, SETTINGS, SIDE, TARGET, VERSION, HostRef
from exporter.store.history import MAX_AGE_SECONDS, PLACES, HistoryReader
from exporter.store.verdict_counts import MAX_COUNTS, VerdictCount

# Between two readings of the same clock; a file from further ahead has no age that could be told.
_AHEAD_SECONDS: Final = 5.0
_MAX_CHANGES: Final = 64
# Of one enumeration, or fields of one class.
_MAX_WORDS: Final = 255


# The hosts of a target are numbers, and of a state of before that nothing is judged by there is none before it.
_INSTEAD: Final[Mapping[tuple[type, str], Any]] = MappingProxyType(
    {
        (DomainResult, "hosts"): tuple[HostRef, ...],
        (EgressView, "before"): NoneType,
        (ResolverView, "before"): NoneType,
    }
)


class StateError(ValueError):
    """The text is no state that this version reads; the message says why."""


class Expected(NamedTuple):
    """A target as it is configured."""

    target: Target
    fingerprint: str  # of its settings


@dataclass(frozen=True, slots=True)
class Clock:
    """The present moment by both clocks: Unix time, and that of exporter.concurrency.steady_clock."""

    unix: float
    moment: float


class _Found(NamedTuple):
    """One target of a file, without its hosts."""

    key: TargetKey
    saved: SavedTarget
    hosts: tuple[HostRef, ...]


@dataclass(slots=True)
class _Rows:
    """The rows of a file as they come: those of hosts stay text until it is known which ones are wanted."""

    count: int = 0
    unsound: int = 0
    other_settings: int = 0
    settings: dict[int, str] = field(default_factory=dict)
    found: list[_Found] = field(default_factory=list)
    hosts: dict[int, str] = field(default_factory=dict)
    side: SavedSide | None = None
    counts: list[VerdictCount] = field(default_factory=list)


def read_state(
    text: Iterable[str], expected: Mapping[TargetKey, Expected], now: Clock, *, is_last_word: bool
) -> SavedState:
    """The state of these targets in the lines of a file. Raises StateError."""
    return _Reader(iter(text), expected, now).state(is_last_word=is_last_word)


class _Reader:
    """One file."""

    def __init__(self, text: Iterator[str], expected: Mapping[TargetKey, Expected], now: Clock) -> None:
        head = _head(text)
        self._text = text
        self._expected = expected
        self._now = now
        self._written: float = head["written"]
        if self._written > now.unix + _AHEAD_SECONDS:
            raise StateError("it is from the future: this clock or that of then is wrong")
        # A moment of then is as long ago as it was, and as long as the file is old.
        self._shift: float = now.moment - max(0.0, now.unix - self._written) - head["moment"]
        try:
            self._make_readers(RowReader(head["layout"], CHECKS, _INSTEAD))
        except UnsoundError as error:
            raise StateError(f"another version of the exporter wrote it ({error})") from None
        self._histories = HistoryReader(head["places"], self._shift, now.moment)
        self._rows = _Rows()

    def _make_readers(self, rows: RowReader) -> None:
        self._result, self._outcome, self._facts = rows.of(DomainResult), rows.of(HostOutcome), rows.of(HostFacts)
        self._identity, self._timings, self._failure = rows.of(HostIdentity), rows.of(HostTimings), rows.of(Failure)
        self._kind, self._str, self._int = rows.of(TargetKind), rows.of(str), rows.of(int)
        self._float, self._bool = rows.of(float), rows.of(bool)
        self._failures = rows.of(tuple[tuple[FailureClass, int], ...])
        self._egress = rows.of(tuple[tuple[Family, EgressView], ...])
        self._changes, self._resolver = rows.of(tuple[EgressStateChange, ...]), rows.of(ResolverView)
        self._states = rows.of(tuple[tuple[Verdict | None, int], ...])

    def state(self, *, is_last_word: bool) -> SavedState:
        rows = self._rows
        takes: Mapping[str, Callable[[list[Any]], None]] = {
            SETTINGS: self._take_settings,
            TARGET: self._take_target,
            SIDE: self._take_side,
            COUNT: self._take_count,
        }
        for line in self._text:
            if line.startswith(f'["{HOST}",'):  # the most, of which few may be wanted
                number, _, _ = line[len(HOST) + 4 :].partition(",")
                if number.isdecimal() and len(number) < 10:
                    rows.hosts[int(number)] = line
                rows.count += 1
                continue
            row = _row(line)
            if row[0] == END:
                break
            rows.count += 1
            take = takes.get(row[0])
            if take is None:
                continue  # of a version that knows more
            try:
                take(row)
            except ValueError:
                rows.unsound += 1
        else:
            raise StateError("it has no end")
        if len(row) != 2 or row[1] != rows.count or next(self._text, None) is not None:
            raise StateError("its end is that of another")
        return self._assembled(is_last_word=is_last_word)

    def _assembled(self, *, is_last_word: bool) -> SavedState:
        rows = self._rows
        hosts, told = self._wanted_hosts({each.number for found in rows.found for each in found.hosts})
        targets: dict[TargetKey, SavedTarget] = {}
        for key, saved, references in rows.found:
            result = saved.result
            if result is None or all(each.number in hosts for each in references):
                whole = None if result is None else result._replace(hosts=tuple(_joined(references, hosts)))
                targets[key] = saved._replace(result=whole)
            else:
                rows.unsound += 1
        return SavedState(
            self._written,
            is_last_word,
            targets,
            told,
            rows.side,
            tuple(rows.counts),
            rows.other_settings,
            rows.unsound,
        )

    def _wanted_hosts(self, numbers: Iterable[int]) -> tuple[dict[int, HostResult], dict[HostIdentity, SavedHost]]:
        """The hosts by their numbers, and those that have series."""
        results: dict[int, HostResult] = {}
        told: dict[HostIdentity, SavedHost] = {}
        for number in numbers:
            try:
                saved, is_told = self._host(number)
            except ValueError:
                self._rows.unsound += 1
                continue
            results[number] = saved.result
            if is_told:
                told[saved.result.identity] = saved
        return results, told

    def _host(self, number: int) -> tuple[SavedHost, bool]:
        """A host by its number, and whether it has series. Raises UnsoundError or another ValueError."""
        line = self._rows.hosts.get(number)
        if line is None:
            raise UnsoundError("no such host")
        _, _, is_told, identity, outcome, facts, timings, failures, began, since = _row(line)
        result = HostResult(
            self._identity(identity), self._outcome(outcome), self._facts(facts), self._timings(timings)
        )
        if result.timings.at > self._now.unix + _AHEAD_SECONDS:
            raise UnsoundError("a session that is still to come")
        counted = self._failures(failures)
        if any(count < 0 for _, count in counted):
            raise UnsoundError("a number below 0")
        saved = SavedHost(result, dict(counted), self._moment(began), self._moment(since))
        return saved, self._bool(is_told)

    def _take_settings(self, row: list[Any]) -> None:
        _, number, text = row
        self._rows.settings[self._int(number)] = self._str(text)

    def _take_target(self, row: list[Any]) -> None:
        _, kind, name, number, probes, failures, began, since, recent, changes, result, last = row
        key = self._kind(kind), self._str(name)
        expected = self._expected.get(key)
        if expected is None:
            return  # gone from the configuration
        if self._rows.settings.get(self._int(number)) != expected.fingerprint:
            self._rows.other_settings += 1
            return
        found = None if result is None else self._result(result)
        if found is not None:
            self._see_that_it_is_of(found, expected.target)
        count, failed = self._int(probes), self._int(failures)
        if not 0 <= failed <= count:
            raise UnsoundError("more failures than probes")
        history = self._histories.read(_packed(self._str(recent)), _packed(self._str(changes)))
        before = None if last is None else self._last(last)
        saved = SavedTarget(
            found, count, failed, self._moment(began), self._moment(since), history, last is not None, before
        )
        self._rows.found.append(_Found(key, saved, () if found is None else found.hosts))

    def _see_that_it_is_of(self, result: DomainResult, target: Target) -> None:
        if result.at > self._now.unix + _AHEAD_SECONDS:
            raise UnsoundError("a turn that is still to come")
        if (result.lookup is None) is (target.kind is TargetKind.DOMAIN) and result.failure is None:
            raise UnsoundError("a lookup of another kind of target")
        if result.lookup is not None and result.lookup.domain != target.host:
            raise UnsoundError("the lookup of another target")

    def _last(self, row: Any) -> Failure | None:
        (failure,) = row
        return None if failure is None else self._failure(failure)

    def _take_side(self, row: list[Any]) -> None:
        _, egress, changes, resolver = row
        views = dict(self._egress(egress))
        if views.keys() != EGRESS_UNKNOWN.keys():
            raise UnsoundError("no egress")
        then = {family: replace(view, as_of=view.as_of or self._written) for family, view in views.items()}
        view: ResolverView = self._resolver(resolver)
        self._rows.side = SavedSide(
            MappingProxyType(then),
            self._changes(changes)[-_MAX_CHANGES:],
            replace(view, as_of=view.as_of or self._written),
        )

    def _take_count(self, row: list[Any]) -> None:
        _, at, states, waiting = row
        counts = dict(self._states(states))
        whole = [*counts.values(), self._int(waiting)]
        if not all(0 <= each < 2**32 for each in whole) or len(self._rows.counts) >= MAX_COUNTS:
            raise UnsoundError("no count")
        self._rows.counts.append(VerdictCount(self._moment(at), counts, waiting))

    def _moment(self, then: Any) -> float:
        """A moment on the clock of this process; 0: there is none."""
        moment: float = self._float(then)
        if not moment:
            return 0.0
        moment = min(moment + self._shift, self._now.moment)
        if moment < self._now.moment - MAX_AGE_SECONDS:
            raise UnsoundError("a moment of centuries ago")
        return moment


def _head(text: Iterator[str]) -> dict[str, Any]:
    try:
        head = loads(next(text, ""))
    except UnsoundError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise StateError("it is no state of this exporter")
    if type(head.get("version")) is not int or head["version"] > VERSION:
        raise StateError("a newer version of the exporter wrote it")
    layout, places = head.get("layout"), head.get("places")
    times = [head.get("written"), head.get("moment")]
    if head["version"] != VERSION or not all(map(_is_time, times)):
        raise StateError("its head is broken")
    if not isinstance(layout, dict) or not all(map(_is_words, layout.values())):
        raise StateError("its layout is broken")
    if not isinstance(places, list) or len(places) != len(PLACES) or not all(map(_is_words, places)):
        raise StateError("its layout is broken")
    return head


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and SECONDS[0] <= value <= SECONDS[1]


def _is_words(names: Any) -> bool:
    return isinstance(names, list) and len(names) <= _MAX_WORDS and all(isinstance(name, str) for name in names)


def _row(line: str) -> list[Any]:
    """The row of one line. Raises StateError: a text whose lines are no rows is no state."""
    try:
        row = loads(line)
    except UnsoundError as error:
        raise StateError(str(error)) from None
    if type(row) is not list or not row or type(row[0]) is not str:
        raise StateError("a line is no row")
    return row


def _packed(text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True) if text else b""
    except Error:
        raise UnsoundError("no history") from None


def _joined(references: Iterable[HostRef], hosts: Mapping[int, HostResult]) -> Iterator[HostResult]:
    for number, outcome, facts in references:
        host = hosts[number]
        yield replace(host, outcome=outcome or host.outcome, facts=facts or host.facts) if outcome or facts else host
