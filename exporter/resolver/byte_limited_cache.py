"""A cache with a limit in bytes, for names that strangers choose: ended entries go first, then the oldest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import islice
from typing import Final, Generic, Protocol, TypeVar

# Room is made for more than one entry: to find the oldest of a dictionary is to walk past all that have been removed,
# so it is done seldom. Half a millisecond's work each time.
_AT_ONCE: Final = 1024
_SPARE: Final = 1 / 64


class Entry(Protocol):
    """One entry."""

    @property
    def until(self) -> float:
        """The end by the event loop's clock."""

    def size(self, name: str) -> int:
        """The bytes that it counts for under `name`: asked for when it comes and when it goes, and the same both times.

        A number kept beside each of 100,000 entries would be bytes, too.
        """


E = TypeVar("E", bound=Entry)


class ByteLimitedCache(Generic[E]):
    """Entries by kind and name; together at most `limit` bytes.

    There are few kinds, each with a dictionary by name, so no entry needs a key of its own beside the name.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._kinds: defaultdict[Hashable, dict[str, E]] = defaultdict(dict)  # of each the oldest first

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def of(self, kind: Hashable) -> Mapping[str, E]:
        """The entries of a kind by name, from now on."""
        return self._kinds[kind]

    def get(self, name: str, kind: Hashable) -> E | None:
        """The entry, if there is one; it may have ended."""
        return self._kinds[kind].get(name)

    def put(self, name: str, kind: Hashable, entry: E, now: float) -> None:
        """Keep an entry as the newest; one larger than a sixteenth of the limit is not kept."""
        self.drop(name, kind)
        size = entry.size(name)
        if size > self.limit >> 4:
            return
        self._kinds[kind][name] = entry
        self.size += size
        if self.size > self.limit:
            self._make_room(now)

    def drop(self, name: str, kind: Hashable) -> None:
        """Forget the entry, if there is one."""
        entry = self._kinds[kind].pop(name, None)
        if entry is not None:
            self.size -= entry.size(name)

    def drop_all(self, unwanted: Callable[[E], bool]) -> None:
        """Forget the entries that are `unwanted`."""
        for kind, entries in self._kinds.items():
            for name in [name for name, entry in entries.items() if unwanted(entry)]:
                self.drop(name, kind)

    def _make_room(self, now: float) -> None:
        """Forget entries of the kind that has most, one after the other."""
        least = self.limit - self.limit * _SPARE
        while self.size > least:
            kind, entries = max(self._kinds.items(), key=lambda each: len(each[1]))
            for name in self._first_to_go(list(islice(entries.items(), _AT_ONCE)), now):
                self.drop(name, kind)
                if self.size <= least:
                    return

    def _first_to_go(self, oldest: list[tuple[str, E]], now: float) -> Iterator[str]:
        ended = [name for name, entry in oldest if entry.until <= now]
        yield from ended
        if len(ended) < len(oldest):
            yield from (name for name, entry in oldest if entry.until > now)
