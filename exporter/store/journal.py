"""The journal of one target or host: its last changes, their numbers, and the values that it has shown in a week.

All is plain and immutable, so another thread may read it at any time and a file may have it. A rotating pool shows its
values in turn, so a value is a change where it was not seen in the last week; that one is missing is a change where
none has come and gone in that time. Where there are more values than are remembered, none is a change: of a large pool
it cannot be said. States (STARTTLS, DANE, MTA-STS) do not rotate: every change of them counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from sys import getsizeof
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, TypeVar

from exporter.model.change import Difference, DomainChange, HostChange

Facts = TypeVar("Facts")
What = HostChange | DomainChange
Counts = tuple[tuple[What, int], ...]

# Of one kind, so that a state that goes to and fro does not push out the others.
MAX_ALIKE: Final = 8
# Of one target or host: two dozen ordinary entries.
MAX_JOURNAL_BYTES: Final = 8192
# Values of one kind that are remembered beside the present ones: more than a pool of MX hosts has.
MAX_SEEN: Final = 32
SEEN_SECONDS: Final = 7 * 86400.0
# The cost of an entry and of a journal beside their texts (measured with tracemalloc, CPython 3.11).
ENTRY_BYTES: Final = 128
_OVERHEAD_BYTES: Final = 512

# The digest of the kind and of the value, and the moment at which it was shown last.
_SEEN: Final = struct.Struct("<B8sd")
_KINDS: Final = (*HostChange, *DomainChange)
_PLACES: Final = {kind: place for place, kind in enumerate(_KINDS)}
# Kinds in which one value has two names.
_SAME_VALUES: Final[Mapping[What, What]] = MappingProxyType({HostChange.ISSUER_PRIVATE: HostChange.ISSUER})


class JournalEntry(NamedTuple):
    """One change; `at` is a moment of exporter.concurrency.steady_clock, the texts are escaped and bounded."""

    at: float
    what: What
    before: str
    now: str

    @property
    def size(self) -> int:
        """The bytes that it counts for."""
        return ENTRY_BYTES + getsizeof(self.before) + getsizeof(self.now)


class SeenValue(NamedTuple):
    """A value that was shown before the present ones: its kind, its digest, and the moment at which it went."""

    kind: What
    digest: bytes
    at: float


class Journal(NamedTuple, Generic[Facts]):
    """One journal.

    `known`: the facts that the next result is compared with, where they are not those of the last one: it showed less.
    """

    entries: tuple[JournalEntry, ...] = ()  # the oldest first
    counts: Counts = ()  # of all changes
    packed_seen: bytes = b""
    known: Facts | None = None

    @property
    def seen(self) -> tuple[SeenValue, ...]:
        """The values shown before the present ones, the longest gone first."""
        return tuple(SeenValue(_KINDS[place], digest, at) for place, digest, at in _SEEN.iter_unpack(self.packed_seen))

    @property
    def size(self) -> int:
        """The bytes that it counts for, without the facts."""
        return _OVERHEAD_BYTES + len(self.packed_seen) + sum([entry.size for entry in self.entries])

    def noted(self, differences: Iterable[Difference], at: float) -> Journal[Facts]:
        """The journal with the changes among these differences."""
        journal = self
        for each in differences:
            journal = journal._noted(each, at)
        return journal

    def shortened(self) -> Journal[Facts]:
        """The journal without entries and values, where memory runs out; its counts and what is known stay."""
        return self._replace(entries=(), packed_seen=b"")

    def _noted(self, difference: Difference, at: float) -> Journal[Facts]:
        is_change = not (difference.gone or difference.new)
        packed = self.packed_seen
        if not is_change:
            kind = _SAME_VALUES.get(difference.what, difference.what)
            seen = [each for each in self.seen if at - each.at < SEEN_SECONDS]
            is_change = _is_change(difference, kind, seen)
            packed = packed_seen([*seen, *[SeenValue(kind, digest_of(kind, value), at) for value in difference.gone]])
        if not is_change:
            return self._replace(packed_seen=packed)
        entry = JournalEntry(at, difference.what, difference.before, difference.now)
        return self._replace(
            entries=bounded((*self.entries, entry)), counts=_counted(self.counts, entry.what), packed_seen=packed
        )


def _is_change(difference: Difference, kind: What, seen: Iterable[SeenValue]) -> bool:
    """True where a value is new, or one is missing of a set that has not rotated."""
    known = {each.digest for each in seen if each.kind is kind}
    if len(known) >= MAX_SEEN:
        return False
    if difference.new:
        return not known.issuperset([digest_of(kind, value) for value in difference.new])
    return not known


def digest_of(kind: What, value: str) -> bytes:
    """A value in eight bytes."""
    return blake2b(f"{kind}\n{value}".encode("utf-8", "replace"), digest_size=8).digest()


def packed_seen(values: Iterable[SeenValue]) -> bytes:
    """Values as a journal keeps them: each once, at its last moment, the longest gone first, MAX_SEEN of a kind."""
    latest: dict[tuple[What, bytes], float] = {}
    for kind, digest, at in values:
        latest.pop((kind, digest), None)
        latest[kind, digest] = at
    kept: list[bytes] = []
    numbers = dict.fromkeys(_KINDS, 0)
    for (kind, digest), at in reversed(latest.items()):
        numbers[kind] += 1
        if numbers[kind] <= MAX_SEEN:
            kept.append(_SEEN.pack(_PLACES[kind], digest, at))
    return b"".join(reversed(kept))


def _counted(counts: Counts, what: What) -> Counts:
    numbers = dict(counts)
    numbers[what] = numbers.get(what, 0) + 1
    return tuple(numbers.items())


def bounded(entries: tuple[JournalEntry, ...]) -> tuple[JournalEntry, ...]:
    """The last entries: MAX_ALIKE of a kind, MAX_JOURNAL_BYTES of all."""
    kept: list[JournalEntry] = []
    numbers = dict.fromkeys(_KINDS, 0)
    size = 0
    for entry in reversed(entries):
        numbers[entry.what] += 1
        size += entry.size
        if numbers[entry.what] <= MAX_ALIKE and size <= MAX_JOURNAL_BYTES:
            kept.append(entry)
    return tuple(reversed(kept))
