"""The text of a saved state: a head, a row of JSON a line, and an end that tells how many there are.

Targets come first, and name their hosts by numbers; then each host once, however many targets have it, or none that
names it now; then the journals, which name either. It is made in steps, for it runs beside the event loop of the
probes: whoever takes the lines may rest after each step.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from exporter.concurrency import steady_clock
from exporter.model.change import DomainFacts
from exporter.model.failure import Failure
from exporter.model.result import DomainResult, HostFacts, HostIdentity, HostOutcome, HostResult, HostTimings
from exporter.model.standing import ListAnswer
from exporter.model.target import TargetKey
from exporter.storage.journal_rows import journal_row
from exporter.storage.rows import dumps, layout_of
from exporter.storage.saved import SavedSide, Snapshot, fingerprint
from exporter.storage.state_file import MAX_LINE, limit_of
from exporter.store.history import PLACES
from exporter.store.hosts import HostRecord
from exporter.store.record import TargetRecord

FORMAT: Final = "mx-exporter state"
# Raised where an older exporter would misread a file: fields that come and go are told by the layout.
VERSION: Final = 1
# Records of one step: half a millisecond of work.
STEP: Final = 25

# Twice a target or a host of many words, or a journal that is full of ordinary entries.
_LONG_ROW: Final = 8192
_END_BYTES: Final = 64

SETTINGS, TARGET, HELD, HOST, SIDE, COUNT, END = "settings", "target", "held", "host", "side", "count", "end"
TARGET_CHANGES, HOST_CHANGES, LISTING = "target_changes", "host_changes", "listing"


class HostRef(NamedTuple):
    """A host of a target: its number in the file, and what the target's policies make otherwise of it."""

    number: int
    outcome: HostOutcome | None = None
    facts: HostFacts | None = None


LAYOUT: Final = layout_of(
    *(HostIdentity, HostOutcome, HostFacts, HostTimings, DomainResult, Failure, SavedSide, HostRef, DomainFacts),
    ListAnswer,
)


def lines(snapshot: Snapshot) -> Iterator[str]:
    """The text, in steps that end with a line feed."""
    yield (head := _head())
    room = _Room(limit_of(len(snapshot.targets) + len(snapshot.references)) - len(head) - _END_BYTES)
    count = 0
    for rows in _Writer(snapshot).steps():
        kept = list(filter(room.takes, rows))
        if kept:
            count += len(kept)
            yield "\n".join(kept) + "\n"
    yield f"{dumps([END, count])}\n"


def _head() -> str:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "written": round(steady_clock.unix(moment := steady_clock.now()), 3),
        "moment": moment,
        "layout": LAYOUT,
        "places": PLACES,
    }
    return f"{dumps(head)}\n"


class _Room:
    """The bytes that a reader still takes: a text that is longer is refused as a whole, so some rows are left out.

    Those of remote servers that say all they can are long: with half of the room taken, rows of that length have none.
    """

    def __init__(self, size: int) -> None:
        self._left = size
        self._narrow = size // 2

    def takes(self, row: str) -> bool:
        """Take the room for a row, which is ASCII, and its line feed; False: it has none."""
        size = len(row) + 1
        if size > self._left or size > (MAX_LINE if self._left > self._narrow else _LONG_ROW):
            return False
        self._left -= size
        return True


class _Writer:
    """One state on its way to text."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._told = {record.identity: record for record in snapshot.hosts if record.result is not None}
        self._numbers: dict[HostIdentity, int] = {}
        self._others: dict[HostIdentity, HostResult] = {}  # hosts without series, such as those of references
        self._written: set[TargetKey] = set()
        self._settings: dict[int, int] = {}  # the number of each settings value, which many targets share

    def steps(self) -> Iterator[list[str]]:
        """The rows of each step."""
        yield self._side()
        for records in (self._snapshot.targets, self._snapshot.references):
            yield from _stepped(self._targets(records))
        yield from _stepped(self._held())
        yield from _stepped(self._hosts())
        yield from _stepped(self._journals())

    def _side(self) -> list[str]:
        side = self._snapshot.side
        egress = [[family, replace(view, before=None)] for family, view in side.egress.items()]
        changes = [replace(each, view=replace(each.view, before=None)) for each in side.changes]
        rows = [dumps([SIDE, egress, changes, replace(side.resolver, before=None)])]
        for at, states, waiting in self._snapshot.counts:
            rows.append(dumps([COUNT, at, [[state, count] for state, count in states.items() if count], waiting]))
        rows.extend([dumps([LISTING, address, answer]) for address, answer in self._snapshot.listings])
        return rows

    def _targets(self, records: Iterable[TargetRecord]) -> Iterator[str]:
        for record in records:
            if record.result is None and not record.probes and not record.history.packed_changes:
                continue
            settings = record.target.settings
            number = self._settings.get(id(settings))
            if number is None:
                number = self._settings[id(settings)] = len(self._settings)
                yield dumps([SETTINGS, number, fingerprint(settings, self._snapshot.usual)])
            self._written.add(record.target.key)
            yield dumps([TARGET, *record.target.key, number, *self._target(record)])

    def _target(self, record: TargetRecord) -> Iterator[Any]:
        yield from (record.probes, record.probe_failures, record.began, record.since)
        yield from map(_as_text, record.history)
        result = record.result
        yield None if result is None else result._replace(hosts=tuple(map(self._reference, result.hosts)))  # type: ignore[arg-type]
        yield None if record.last is None else [record.last.failure]

    def _reference(self, host: HostResult) -> HostRef:
        identity = host.identity
        number = self._numbers.setdefault(identity, len(self._numbers))
        told = self._told.get(identity)
        if told is None:
            self._others[identity] = host
        now = host if told is None or told.result is None else told.result
        return HostRef(
            number,
            None if now.outcome is host.outcome or now.outcome == host.outcome else host.outcome,
            None if now.facts is host.facts or now.facts.dane == host.facts.dane else host.facts,
        )

    def _held(self) -> Iterator[str]:
        """Hosts that no target names now: they are held through a lookup that failed."""
        for identity in self._told:
            if identity not in self._numbers:
                number = self._numbers[identity] = len(self._numbers)
                yield dumps([HELD, number])

    def _hosts(self) -> Iterator[str]:
        for identity, number in self._numbers.items():
            told = self._told.get(identity)
            record = told or HostRecord(identity, self._others[identity])
            result = record.result
            assert result is not None  # noqa: S101 - neither has one without
            yield dumps(
                [
                    HOST,
                    number,
                    told is not None,
                    identity,
                    result.outcome,
                    result.facts,
                    result.timings,
                    [*record.failures.items()],
                    record.began,
                    record.since,
                ]
            )

    def _journals(self) -> Iterator[str]:
        """The changes of the targets and hosts that have rows, and no others'."""
        for key, changes in self._snapshot.domain_journals:
            if key in self._written:
                yield dumps([TARGET_CHANGES, *key, *journal_row(changes)])
        for identity, journal in self._snapshot.host_journals:
            number = self._numbers.get(identity)
            if number is not None and identity in self._told:
                yield dumps([HOST_CHANGES, number, *journal_row(journal)])


def _stepped(rows: Iterable[str]) -> Iterator[list[str]]:
    step: list[str] = []
    for row in rows:
        step.append(row)
        if len(step) >= STEP:
            yield step
            step = []
    if step:
        yield step


def _as_text(packed: bytes) -> str:
    return b2a_base64(packed, newline=False).decode("ascii")
