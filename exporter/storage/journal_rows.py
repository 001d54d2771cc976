"""Journals as rows of a saved state, and back: entries, numbers, the values of a week, and what was known. Pure.

[[[moment, what, before, now], ...], [[what, number], ...], [[what, digest, moment], ...], facts]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, TypeVar

from exporter.model.change import DomainChange, HostChange
from exporter.model.printable import printable
from exporter.storage.rows import RowReader, UnsoundError
from exporter.store.journal import Journal, JournalEntry, SeenValue, bounded, packed_seen

_DIGEST_BYTES: Final = 8
# A change a second for longer than any process runs.
_MAX_COUNT: Final = 2**40
# Two names with their escapes and a date; what the exporter makes has a few hundred characters.
_MAX_CHARS: Final = 2048

Facts = TypeVar("Facts")


def journal_row(journal: Journal[Any]) -> tuple[Any, ...]:
    """The columns of a journal."""
    seen = [(kind, digest.hex(), at) for kind, digest, at in journal.seen]
    return journal.entries, journal.counts, seen, journal.known


class JournalReader(Generic[Facts]):
    """Reads the journals of hosts, or those of targets. `moment` has a moment on the clock of this process."""

    def __init__(
        self,
        rows: RowReader,
        kinds: type[HostChange] | type[DomainChange],
        facts: type[Facts],
        moment: Callable[[Any], float],
    ) -> None:
        self._entries = rows.of(tuple[tuple[float, kinds, str, str], ...])  # type: ignore[valid-type]
        self._counts = rows.of(tuple[tuple[kinds, int], ...])  # type: ignore[valid-type]
        self._seen = rows.of(tuple[tuple[kinds, str, float], ...])  # type: ignore[valid-type]
        self._rows, self._facts = rows, facts
        self._words = frozenset(kinds)
        self._moment = moment

    def read(self, columns: list[Any]) -> Journal[Facts]:
        """The journal, within its bounds whatever the row has. Raises UnsoundError or another ValueError."""
        entries, counts, seen, known = columns
        numbers = self._counts(self._named(counts, 0))
        if len(dict(numbers)) != len(numbers) or not all(0 < number <= _MAX_COUNT for _, number in numbers):
            raise UnsoundError("no numbers of changes")
        named, shown = self._entries(self._named(entries, 1)), self._seen(self._named(seen, 0))
        found = [JournalEntry(self._past(at), what, *_texts(texts)) for at, what, *texts in named]
        values = [SeenValue(kind, _digest(text), self._past(at)) for kind, text, at in shown]
        return Journal(
            bounded(tuple(sorted(found, key=lambda entry: entry.at))),
            numbers,
            packed_seen(sorted(values, key=lambda value: value.at)),
            None if known is None else self._rows.of(self._facts)(known),
        )

    def _named(self, rows: Any, place: int) -> Any:
        """The rows without those whose kind, at this place, is of a version that knows more."""
        if type(rows) is not list or not all(type(row) is list and len(row) > place for row in rows):
            raise UnsoundError("no list")
        return [row for row in rows if type(row[place]) is not str or row[place] in self._words]

    def _past(self, then: float) -> float:
        if not then:
            raise UnsoundError("no moment of a change")
        return self._moment(then)


def _texts(texts: Iterable[str]) -> Iterable[str]:
    """Texts as they are shown. They are escaped already: a Python of another Unicode may find one more to escape."""
    return [printable(text)[:_MAX_CHARS] for text in texts]


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != _DIGEST_BYTES:
        raise UnsoundError("no digest")
    return digest
