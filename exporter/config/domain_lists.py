"""The lists of domains from one reading to the next: what may be read yet, and what holds where nothing can be read.

A file that is being written may be cut anywhere, in the middle of a name too, and then a stranger's domain would be
probed. So a file is read when it has been still for two seconds: neither its times nor its size nor its inode has
changed. What was last read whole is kept, for the moment in which a file is gone, empty, unreadable or broken.

All of it asks the file system, which may hang: call it in a thread, one call at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exporter.config.domain_files import (
    ABSENT,
    MAX_ALL_BYTES,
    ListState,
    Search,
    UnreadableError,
    can_be_read,
    read_list,
    state_of,
)
from exporter.model.printable import printable

# How long a file must not have changed before it is read.
STILL_SECONDS: Final = 2.0
# Between two looks at one that is waited for.
_LOOK_SECONDS: Final = 0.1
# A little more than it takes: a look and the reading itself.
_SLACK_SECONDS: Final = 0.5
_CLOCK_STEP_SECONDS: Final = 1.0
_MAX_SHOWN: Final = 4096  # characters of a path, as much as Linux takes


@dataclass(frozen=True, slots=True)
class KeptList:
    """A list as it was last read whole; `names`: how many it had."""

    path: Path
    raw: bytes
    names: int
    pattern: str


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file of domains. `raw` None: it was not read, for `trouble`; without one it is only too early."""

    path: Path
    place: int  # of its pattern in the configuration
    raw: bytes | None = None
    trouble: str = ""
    kept: KeptList | None = None
    gone: bool = False

    @property
    def shown(self) -> str:
        """Its name in messages and as a label: one line, whatever it is called."""
        return _shown(self.path)


@dataclass(frozen=True, slots=True)
class ListChanges:
    """What one look found: something to read, something to look at again soon."""

    changed: bool
    moving: bool


@dataclass(slots=True)
class _MatchedFiles:
    """What the patterns match now, by name and in order, and what kept them from it (the place of a pattern, why)."""

    files: dict[str, tuple[Path, int]] = field(default_factory=dict)
    troubles: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """All lists of one moment; `troubles` are those of patterns: place and sentence."""

    files: tuple[ListFile, ...]
    troubles: tuple[tuple[int, str], ...]


class DomainLists:
    """What is known of all lists. `patient` ones wait for a file to be still."""

    def __init__(self, *, patient: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self.patient = patient
        self._clock = clock
        self._kept: dict[str, KeptList] = {}
        # Since when each is as it is, by our own clock: that of a file server may be another.
        self._seen: dict[str, tuple[ListState, float]] = {}
        # What was there at the last reading, whatever came of it.
        self._read: dict[str, ListState] = {}
        self._read_troubles: list[tuple[int, str]] = []
        self._offset: float | None = None  # of Unix time from our own clock, at the last look
        self._clock_is_steady = True
        self._unread: dict[str, Path] = {}  # could not be read then; whether it can be now its state need not tell
        self._began = False

    def look(self, folder: Path, patterns: Mapping[int, str]) -> ListChanges:
        """Whether it is time to read again."""
        found, now = _find(folder, patterns), self._clock()
        observed = self._observe(found, patterns, now)
        changed, moving = found.troubles != self._read_troubles, False
        # What never was a list and is no more there leaves nothing but its complaint.
        changed |= any(shown not in observed and state != ABSENT for shown, state in self._read.items())
        changed |= any(can_be_read(path) for shown, path in self._unread.items() if shown in observed)
        for shown, state in observed.items():
            if state != self._read.get(shown, ABSENT):
                still = self._is_still(shown, now)
                changed |= still
                moving |= not still
        return ListChanges(changed, moving)

    def read(self, folder: Path, patterns: Mapping[int, str]) -> Reading:
        """Read what is still. Waits for what is not, for as long as that can be worth it."""
        found, still = self._wait(folder, patterns)
        files: list[ListFile] = []
        room = MAX_ALL_BYTES
        read: dict[str, ListState] = {}
        for shown, (path, place) in found.files.items():
            if shown not in still and self._began:
                # Not changed, as far as is known: so it is seen once it is still.
                read[shown] = self._read.get(shown, ABSENT)
                files.append(ListFile(path, place, kept=self._kept.get(shown)))
                continue
            file, read[shown] = self._read_one(path, place, room)
            room -= len(file.raw or b"")
            files.append(file)
        for shown, kept in self._missing(found, patterns).items():
            place = next(place for place, pattern in patterns.items() if pattern == kept.pattern)
            gone = shown in still
            read[shown] = ABSENT if gone else self._read.get(shown, ABSENT)
            files.append(ListFile(kept.path, place, trouble="is gone" if gone else "", kept=kept, gone=True))
        self._unread = {file.shown: file.path for file in files if file.trouble and not can_be_read(file.path)}
        self._read, self._read_troubles, self._began = read, found.troubles, True
        return Reading(tuple(files), tuple(found.troubles))

    def keep(self, kept: Mapping[str, KeptList]) -> None:
        """A reading holds from now on, with these."""
        self._kept = dict(kept)

    def _read_one(self, path: Path, place: int, room: int) -> tuple[ListFile, ListState]:
        kept = self._kept.get(_shown(path))
        before = state_of(path)
        try:
            raw, state = read_list(path)
        except UnreadableError as error:
            # As it will be seen again: who may read it is a part of its state, whether it is read at all is not.
            return ListFile(path, place, trouble=str(error), kept=kept), before
        if len(raw) > room:
            trouble = f"is one too many: all lists together have more than {MAX_ALL_BYTES:,} bytes"
            return ListFile(path, place, trouble=trouble, kept=kept), before
        if self._began and state != before:
            return ListFile(path, place, kept=kept), before  # it has moved meanwhile
        return ListFile(path, place, raw, kept=kept), state

    def _wait(self, folder: Path, patterns: Mapping[int, str]) -> tuple[_MatchedFiles, frozenset[str]]:
        """What there is, once all of it is still or has had the time to be."""
        end = self._clock() + STILL_SECONDS + _SLACK_SECONDS
        while True:
            found, now = _find(folder, patterns), self._clock()
            observed = self._observe(found, patterns, now)
            still = frozenset(
                shown
                for shown, state in observed.items()
                if not self.patient or state == self._read.get(shown) or self._is_still(shown, now)
            )
            if len(still) == len(observed) or now >= end:
                return found, still
            time.sleep(_LOOK_SECONDS)

    def _observe(self, found: _MatchedFiles, patterns: Mapping[int, str], now: float) -> dict[str, ListState]:
        states = {shown: state_of(path) for shown, (path, _) in found.files.items()}
        offset = time.time() - now
        self._clock_is_steady = self._offset is None or abs(offset - self._offset) < _CLOCK_STEP_SECONDS
        self._offset = offset
        states |= dict.fromkeys(self._missing(found, patterns), ABSENT)
        self._seen = {
            shown: seen if (seen := self._seen.get(shown)) is not None and seen[0] == state else (state, now)
            for shown, state in states.items()
        }
        return states

    def _missing(self, found: _MatchedFiles, patterns: Mapping[int, str]) -> dict[str, KeptList]:
        """What was read by one of these patterns and is matched no more."""
        current = set(patterns.values())
        return {
            shown: kept for shown, kept in self._kept.items() if shown not in found.files and kept.pattern in current
        }

    def _is_still(self, shown: str, now: float) -> bool:
        state, since = self._seen[shown]
        if now - since >= STILL_SECONDS:
            return True
        if state.error:
            return shown not in self._kept  # never read: nothing can be cut
        # By the clock of the files, which spares the wait for most. One from the future says nothing, nor does a clock
        # that was set just now.
        return self._clock_is_steady and time.time() - state.touched >= STILL_SECONDS


def _shown(path: Path) -> str:
    return printable(str(path), _MAX_SHOWN)


def _find(folder: Path, patterns: Mapping[int, str]) -> _MatchedFiles:
    found, search = _MatchedFiles(), Search(folder)
    for place, pattern in patterns.items():
        matched = search.matching(pattern)
        found.troubles += [(place, trouble) for trouble in matched.troubles]
        for path in matched.paths:
            found.files.setdefault(_shown(path), (path, place))  # two patterns may match one file
    return found
