"""A part of a large table in its order, without a sort of the whole.

A sort of a hundred thousand rows holds the interpreter's lock for a tenth of a second, and every probe waits. Here
slices are sorted one by one and merged as far as the part goes, and other threads run in between.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

# Sorted at once: some milliseconds.
_SLICE: Final = 4096


def part(rows: Sequence[_T], key: Callable[[_T], Any], first: int, count: int, *, reverse: bool = False) -> list[_T]:
    """The rows from the place `first` on, `count` at most, of all `rows` sorted by `key`."""
    begins = range(0, len(rows), _SLICE)
    slices = [sorted(rows[begin : begin + _SLICE], key=key, reverse=reverse) for begin in begins]
    merged = slices[0] if len(slices) == 1 else heapq.merge(*slices, key=key, reverse=reverse)
    return list(islice(merged, first, first + count))
