"""Files that have been still for a while: one that is being written may end anywhere, in the middle of a name too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from exporter.config.domain_files import ListState

# Seconds without a change of its times, its size or its inode after which a file is read.
SETTLE_SECONDS: Final = 2.0
_CLOCK_STEP_SECONDS: Final = 1.0


class Stillness:
    """The states of files from one look to the next. `clock` is this host's: that of a file server may differ."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[ListState, float]] = {}  # and the time since when
        self._now = 0.0  # of the last look
        self._offset: float | None = None  # of Unix time from our own clock, then
        self._clock_is_steady = True

    def look(self, states: Mapping[str, ListState]) -> None:
        """Take in the present state of each file."""
        self._now = now = self._clock()
        offset = time.time() - now
        self._clock_is_steady = self._offset is None or abs(offset - self._offset) < _CLOCK_STEP_SECONDS
        self._offset = offset
        self._seen = {
            name: seen if (seen := self._seen.get(name)) is not None and seen[0] == state else (state, now)
            for name, state in states.items()
        }

    def is_still(self, name: str) -> bool:
        """True where the file has not changed for so long, as of the last look."""
        state, since = self._seen[name]
        if self._now - since >= SETTLE_SECONDS:
            return True
        # By the times of the file, which makes most waits unnecessary. A time in the future proves nothing, nor does a
        # clock that was set just now.
        return not state.error and self._clock_is_steady and time.time() - state.touched >= SETTLE_SECONDS
