"""A saved state from its text, which may come from anybody: rows of this configuration's targets, each sound by itself.

The text is read to its end before anything of it counts, so that one that was cut off is none. A row that is not sound,
or of a target that is not configured so, is left out and counted. Pure but for the clock that ages are taken from.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from exporter.model.change import DomainChange, DomainFacts, HostChange
from exporter.model.result import DomainResult, HostFacts, HostIdentity, HostResult
from exporter.model.standing import Listing
from exporter.model.target import Target, TargetKey, TargetKind
from exporter.storage.head import Clock, MovedClock, StateError, read_head
from exporter.storage.journal_rows import JournalReader
from exporter.storage.record_rows import INSTEAD, FoundTarget, RecordReader
from exporter.storage.rows import RowReader, UnsoundError, loads
from exporter.storage.saved import SavedHost, SavedSide, SavedState, SavedTarget
from exporter.storage.soundness import CHECKS
from exporter.storage.writing import (
    COUNT,
    END,
    HELD,
    HOST,
    HOST_CHANGES,
    LISTING,
    SETTINGS,
    SIDE,
    TARGET,
    TARGET_CHANGES,
    HostRef,
)
from exporter.store.journal import Journal
from exporter.store.verdict_counts import MAX_COUNTS, VerdictCount

# As many as are kept: see exporter.standing.watch.
_MAX_LISTINGS: Final = 1024


class Expected(NamedTuple):
    """A target as it is configured."""

    target: Target
    fingerprint: str  # of its settings


@dataclass(slots=True)
class _Rows:
    """The rows of a file as they come: those of hosts stay text until it is known which ones are wanted."""

    count: int = 0
    unsound: int = 0
    settings: dict[int, str] = field(default_factory=dict)
    found: list[FoundTarget] = field(default_factory=list)
    otherwise: set[TargetKey] = field(default_factory=set)  # targets that are probed in another way now
    held: set[int] = field(default_factory=set)  # hosts that no target names now
    hosts: dict[int, str] = field(default_factory=dict)
    side: SavedSide | None = None
    counts: list[VerdictCount] = field(default_factory=list)
    domain_journals: dict[TargetKey, Journal[DomainFacts]] = field(default_factory=dict)
    host_journals: dict[int, Journal[HostFacts]] = field(default_factory=dict)
    listings: list[Listing] = field(default_factory=list)


def read_state(
    text: Iterable[str], expected: Mapping[TargetKey, Expected], now: Clock, *, is_last_word: bool
) -> SavedState:
    """The state of these targets in the lines of a file. Raises StateError."""
    return _Reader(iter(text), expected, now).state(is_last_word=is_last_word)


class _Reader:
    """One file."""

    def __init__(self, text: Iterator[str], expected: Mapping[TargetKey, Expected], now: Clock) -> None:
        head = read_head(text)
        moments = MovedClock(head, now)
        self._text = text
        self._expected = expected
        self._written = head.written
        try:
            rows = RowReader(head.layout, CHECKS, INSTEAD)
            self._records = records = RecordReader(rows, head, moments)
            self._target_journal = JournalReader(rows, DomainChange, DomainFacts, records.moment)
            self._host_journal = JournalReader(rows, HostChange, HostFacts, records.moment)
        except UnsoundError as error:
            raise StateError(f"another version of the exporter wrote it ({error})") from None
        self._rows = _Rows()

    def state(self, *, is_last_word: bool) -> SavedState:
        rows = self._rows
        takes: Mapping[str, Callable[[list[Any]], None]] = {
            SETTINGS: self._take_settings,
            TARGET: self._take_target,
            HELD: self._take_held,
            SIDE: self._take_side,
            COUNT: self._take_count,
            TARGET_CHANGES: self._take_target_changes,
            HOST_CHANGES: self._take_host_changes,
            LISTING: self._take_listing,
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
        hosts, told = self._wanted_hosts(rows.held.union(each.number for found in rows.found for each in found.hosts))
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
            len(rows.otherwise),
            rows.unsound,
            dict(self._journals_of(targets)),
            {
                hosts[number].identity: each
                for number, each in rows.host_journals.items()
                if number in hosts and hosts[number].identity in told
            },
            tuple(rows.listings),
        )

    def _journals_of(self, targets: Container[TargetKey]) -> Iterator[tuple[TargetKey, Journal[DomainFacts]]]:
        """The journals of targets. A target that is probed in another way now has its own, compared with nothing."""
        for key, journal in self._rows.domain_journals.items():
            if key in targets:
                yield key, journal
            elif key in self._rows.otherwise:
                yield key, journal._replace(known=None)

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
        return self._records.host(_row(line)[2:])

    def _take_settings(self, row: list[Any]) -> None:
        _, number, text = row
        self._rows.settings[self._records.number(number)] = self._records.text(text)

    def _take_target(self, row: list[Any]) -> None:
        _, kind, name, number, *columns = row
        key = self._records.key(kind, name)
        expected = self._expected.get(key)
        if expected is None:
            return  # gone from the configuration
        if self._rows.settings.get(self._records.number(number)) != expected.fingerprint:
            self._rows.otherwise.add(key)
            return
        found = self._records.target(key, columns)
        if found.saved.result is not None:
            _see_that_it_is_of(found.saved.result, expected.target)
        self._rows.found.append(found)

    def _take_held(self, row: list[Any]) -> None:
        _, number = row
        self._rows.held.add(self._records.number(number))

    def _take_side(self, row: list[Any]) -> None:
        self._rows.side = self._records.side(row[1:])

    def _take_count(self, row: list[Any]) -> None:
        if len(self._rows.counts) >= MAX_COUNTS:
            raise UnsoundError("too many counts")
        self._rows.counts.append(self._records.count(row[1:]))

    def _take_target_changes(self, row: list[Any]) -> None:
        _, kind, name, *columns = row
        key = self._records.key(kind, name)
        expected = self._expected.get(key)
        if expected is None:
            return
        journal = self._target_journal.read(columns)
        lookup = None if journal.known is None else journal.known.lookup
        if lookup is not None and (expected.target.kind, expected.target.host) != (TargetKind.DOMAIN, lookup.domain):
            raise UnsoundError("the lookup of another target")
        self._rows.domain_journals[key] = journal

    def _take_host_changes(self, row: list[Any]) -> None:
        _, number, *columns = row
        self._rows.host_journals[self._records.number(number)] = self._host_journal.read(columns)

    def _take_listing(self, row: list[Any]) -> None:
        _, *columns = row
        if len(self._rows.listings) >= _MAX_LISTINGS:
            raise UnsoundError("too many listings")
        self._rows.listings.append(self._records.listing(columns))


def _see_that_it_is_of(result: DomainResult, target: Target) -> None:
    if (result.lookup is None) is (target.kind is TargetKind.DOMAIN) and result.failure is None:
        raise UnsoundError("a lookup of another kind of target")
    if result.lookup is not None and result.lookup.domain != target.host:
        raise UnsoundError("the lookup of another target")


def _row(line: str) -> list[Any]:
    """The row of one line. Raises StateError: a text whose lines are no rows is no state."""
    try:
        row = loads(line)
    except UnsoundError as error:
        raise StateError(str(error)) from None
    if type(row) is not list or not row or type(row[0]) is not str:
        raise StateError("a line is no row")
    return row


def _joined(references: Iterable[HostRef], hosts: Mapping[int, HostResult]) -> Iterator[HostResult]:
    for number, outcome, facts in references:
        host = hosts[number]
        yield replace(host, outcome=outcome or host.outcome, facts=facts or host.facts) if outcome or facts else host
