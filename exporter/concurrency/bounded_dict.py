"""A dictionary that forgets its oldest entries beyond a limit: for keys that strangers may choose."""

from __future__ import annotations

from collections.abc import Callable, Hashable, ItemsView, Iterator, ValuesView
from itertools import islice
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Entries beyond one that a large dictionary forgets at once, as a part of its limit. The oldest of a dictionary are
# found by walking past all that have been deleted before them: one by one, 100,000 entries would be walked each time.
_AT_ONCE: Final = 1024


class BoundedDict(Generic[K, V]):
    """At most `limit` entries, ordered by the time at which each was set last. Reading changes no order."""

    __slots__ = ("_entries", "_limit", "get")

    def __init__(self, limit: int) -> None:
        self._entries: dict[K, V] = {}
        self._limit = limit
        self.get = self._entries.get  # as fast as a dictionary's

    def __setitem__(self, key: K, value: V) -> None:
        entries = self._entries
        entries.pop(key, None)
        entries[key] = value
        if len(entries) > self._limit:
            for oldest in [*islice(entries, 1 + self._limit // _AT_ONCE)]:
                del entries[oldest]

    def __getitem__(self, key: K) -> V:
        return self._entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        """The keys, the oldest first."""
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def items(self) -> ItemsView[K, V]:
        """The entries, the oldest first."""
        return self._entries.items()

    def values(self) -> ValuesView[V]:
        """The values, the oldest first."""
        return self._entries.values()

    def pop(self, key: K) -> V | None:
        """Forget `key`; its value, or None where it is not there."""
        return self._entries.pop(key, None)

    def pop_oldest(self) -> tuple[K, V]:
        """Forget the oldest entry. Raises StopIteration where there is none."""
        key = next(iter(self._entries))
        return key, self._entries.pop(key)

    def drop_all(self, unwanted: Callable[[V], bool]) -> None:
        """Forget the entries whose value is `unwanted`."""
        for key in [key for key, value in self._entries.items() if unwanted(value)]:
            del self._entries[key]

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
