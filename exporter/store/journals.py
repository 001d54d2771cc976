"""The journals of all targets, or of all hosts: one for each that has changed, or shows less than is known of it.

Written by the probes' event loop alone; a page or a scrape reads journals, which are immutable.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

from exporter.model.change import Difference
from exporter.store.journal import Counts, Journal

# The entries and values of all together: of 10,000 targets that change again and again.
MAX_BYTES: Final = 16 * 1024 * 1024

Key = TypeVar("Key", bound=Hashable)
Facts = TypeVar("Facts")
Result = TypeVar("Result")

_EMPTY: Final[Journal[Any]] = Journal()


class Journals(Generic[Key, Facts, Result]):
    """Journals by key. A target that never changed, and shows what is known of it, has none."""

    def __init__(
        self,
        facts_of: Callable[[Result], Facts],
        compare: Callable[[Facts, Result], tuple[tuple[Difference, ...], Facts]],
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """`compare` has the differences between known facts and a result, and what is known after it."""
        self._facts_of = facts_of
        self._compare = compare
        self._max_bytes = max_bytes
        self._kept: dict[Key, Journal[Facts]] = {}
        self._sizes: OrderedDict[Key, int] = (
            OrderedDict()
        )  # of those with entries or values, the first to lose them first
        self.size = 0  # of all of them

    def compared(self, key: Key, before: Result | None, now: Result, at: float) -> bool:
        """Compare a result with what is known; True if a change was counted.

        `before` is the last result. Where there was none, or nothing is known of before, nothing has changed.
        """
        journal: Journal[Facts] = self._kept.get(key, _EMPTY)
        known = journal.known
        if known is None:
            if before is None:
                return False
            known = self._facts_of(before)
        differences, after = self._compare(known, now)
        facts = self._facts_of(now)
        is_whole = after is facts or after == facts
        if is_whole and not differences and journal is _EMPTY:
            return False
        noted = journal.noted(differences, at) if differences else journal
        self._put(key, noted._replace(known=None if is_whole else after))
        return noted.counts is not journal.counts

    def of(self, key: Key) -> Journal[Facts]:
        """One journal; from any thread."""
        return self._kept.get(key, _EMPTY)

    def counts(self, key: Key) -> Counts:
        """The number of changes by kind; from any thread."""
        return self._kept.get(key, _EMPTY).counts

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget the journals of those that do not come back."""
        for key in keys:
            if self._kept.pop(key, None) is not None:
                self.size -= self._sizes.pop(key, 0)

    def items(self) -> Sequence[tuple[Key, Journal[Facts]]]:
        """All journals now, the first to lose its entries first: what a file has of them."""
        order = [*self._kept.keys() - self._sizes.keys(), *self._sizes]
        return [(key, self._kept[key]) for key in order]

    def restore(self, key: Key, journal: Journal[Facts]) -> None:
        """Take in a journal of before; the first result is compared with what it knows."""
        self._put(key, journal)

    def shown(self, key: Key, *, is_shown: bool) -> None:
        """Have a journal that nothing shows any more lose its entries before all others, where memory runs out.

        So a domain that has other hosts at each lookup pushes out the changes of its own.
        """
        if key in self._sizes:
            self._sizes.move_to_end(key, last=is_shown)

    def lose(self, key: Key, nothing: Facts | None = None) -> None:
        """Compare the next result with nothing: it is found in another way. None: with the last one, as ever."""
        self._put(key, self.of(key)._replace(known=nothing))

    def __len__(self) -> int:
        return len(self._kept)

    def _put(self, key: Key, journal: Journal[Facts]) -> None:
        if journal == _EMPTY:
            self.forget([key])
            return
        before = self._kept.get(key, _EMPTY)
        self._kept[key] = journal
        size = journal.size if journal.entries or journal.packed_seen else 0
        self.size += size - self._sizes.get(key, 0)
        if size:
            self._sizes[key] = size
        else:
            self._sizes.pop(key, None)
        if size and before.entries is not journal.entries:
            self._sizes.move_to_end(key)
        while self.size > self._max_bytes:
            oldest, size = self._sizes.popitem(last=False)
            self.size -= size
            self._kept[oldest] = self._kept[oldest].shortened()
