"""A cache with a limit in bytes, for keys that strangers choose: ended entries go first, then the oldest."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Room is made for more than one entry: to find the oldest of a dictionary is to walk past all that have been removed,
# so it is done seldom. Half a millisecond's work each time.
_AT_ONCE: Final = 1024
_SPARE: Final = 1 / 64


class SizedEntry(NamedTuple, Generic[V]):
    """One entry. `until` is by the event loop's clock, `digest` that of the message it was read from."""

    until: float
    value: V
    size: int
    digest: int = 0


class ByteLimitedCache(Generic[K, V]):
    """Entries by key, the oldest first; together at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._entries: dict[K, SizedEntry[V]] = {}
        self.get: Callable[[K], SizedEntry[V] | None] = self._entries.get

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: K, entry: SizedEntry[V], now: float) -> None:
        """Keep an entry as the newest; one larger than a sixteenth of the limit is not kept."""
        self.drop(key)
        if entry.size > self.limit >> 4:
            return
        self._entries[key] = entry
        self.size += entry.size
        if self.size > self.limit:
            self._make_room(now)

    def drop(self, key: K) -> None:
        """Forget the entry of `key`, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= entry.size

    def drop_all(self, unwanted: Callable[[V], bool]) -> None:
        """Forget the entries whose value is `unwanted`."""
        for key in [key for key, entry in self._entries.items() if unwanted(entry.value)]:
            self.drop(key)

    def _make_room(self, now: float) -> None:
        least = self.limit - self.limit * _SPARE
        while self.size > least:
            oldest = list(islice(self._entries.items(), _AT_ONCE))
            for key in self._first_to_go(oldest, now):
                self.drop(key)
                if self.size <= least:
                    return

    def _first_to_go(self, oldest: list[tuple[K, SizedEntry[V]]], now: float) -> Iterator[K]:
        ended = [key for key, entry in oldest if entry.until <= now]
        yield from ended
        if len(ended) < len(oldest):
            yield from (key for key, entry in oldest if entry.until > now)
