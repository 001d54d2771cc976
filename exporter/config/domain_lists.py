"""The lists of domains from one reading to the next: files that are not settled wait, and lists that fail are kept.

A file that is being written may end in the middle of a name, and then a stranger's domain would be probed. So a file is
read when it is settled: for two seconds neither its times nor its size nor its inode has changed.
The last complete reading is kept, for the time in which a file is gone, empty, unreadable or broken.

Everything here queries the file system, which may hang: call it in a thread, one call at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from exporter.config import stillness
from exporter.config.domain_files import (
    ABSENT,
    MAX_ALL_BYTES,
    FileSearch,
    ListState,
    UnreadableError,
    can_be_read,
    read_list,
    state_of,
)
from exporter.config.stillness import Stillness
from exporter.model.printable import printable

# Seconds between two checks of a file that is not settled.
_LOOK_SECONDS: Final = 0.1
# Seconds beyond that for a check and the reading itself.
_SLACK_SECONDS: Final = 0.5
_MAX_SHOWN: Final = 4096  # characters of a path, as much as Linux takes


@dataclass(frozen=True, slots=True)
class KeptList:
    """The last complete reading of a list, with the number of its names."""

    path: Path
    raw: bytes
    names: int
    pattern: str


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file of domains. `raw` None: it was not read, for `trouble`; without one it is not settled yet."""

    path: Path
    place: int  # of its pattern in the configuration
    raw: bytes | None = None
    trouble: str = ""
    kept: KeptList | None = None
    gone: bool = False
    other_places: tuple[int, ...] = ()  # of further patterns that match it

    @property
    def shown(self) -> str:
        """The name in messages and as a label: one line, with any characters escaped."""
        return _shown(self.path)


@dataclass(frozen=True, slots=True)
class ListChanges:
    """The result of one check: files to read now, and files to check again soon."""

    changed: bool
    unsettled: bool


@dataclass(slots=True)
class _MatchedFiles:
    """The present matches of all patterns, in order, and the troubles of the search: place of a pattern, sentence."""

    files: dict[str, tuple[Path, int]] = field(default_factory=dict)
    others: dict[str, tuple[int, ...]] = field(default_factory=dict)  # places of further patterns that match a file
    troubles: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """All lists of one reading; `troubles` are those of patterns: place and sentence."""

    files: tuple[ListFile, ...]
    troubles: tuple[tuple[int, str], ...]


class DomainLists:
    """All lists with their last readings. `patient`: wait for files that are not settled."""

    def __init__(self, *, patient: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self.patient = patient
        self._clock = clock
        self._kept: dict[str, KeptList] = {}
        self._stillness = Stillness(clock)
        # The states at the last reading, of failed files too.
        self._read: dict[str, ListState] = {}
        self._read_troubles: list[tuple[int, str]] = []
        self._unread: dict[str, Path] = {}  # could not be read then; a change of permissions need not show in the state
        self._began = False

    def check(self, folder: Path, patterns: Mapping[int, str]) -> ListChanges:
        """Check whether there is a reason to read again."""
        found = _find(folder, patterns)
        observed = self._observe(found, patterns)
        changed, unsettled = found.troubles != self._read_troubles, False
        # A file that never was a list and is gone leaves only its failure.
        changed |= any(shown not in observed and state != ABSENT for shown, state in self._read.items())
        changed |= any(can_be_read(path) for shown, path in self._unread.items() if shown in observed)
        for shown, state in observed.items():
            if state != self._read.get(shown, ABSENT):
                settled = self._is_settled(shown, state)
                changed |= settled
                unsettled |= not settled
        return ListChanges(changed, unsettled)

    def read(self, folder: Path, patterns: Mapping[int, str]) -> Reading:
        """Read the settled files; wait for the others, for as long as a file needs to settle."""
        found, settled = self._wait(folder, patterns)
        files: list[ListFile] = []
        room = MAX_ALL_BYTES
        read: dict[str, ListState] = {}
        for shown, (path, place) in found.files.items():
            if shown not in settled and self._began:
                # Counts as unchanged, so that the next check finds the change once the file is settled.
                read[shown] = self._read.get(shown, ABSENT)
                files.append(ListFile(path, place, kept=self._kept.get(shown)))
                continue
            file, read[shown] = self._read_one(path, place, room)
            room -= len(file.raw or b"")
            files.append(replace(file, other_places=found.others.get(shown, ())))
        for shown, kept in self._missing(found, patterns).items():
            place = next(place for place, pattern in patterns.items() if pattern == kept.pattern)
            gone = shown in settled
            read[shown] = ABSENT if gone else self._read.get(shown, ABSENT)
            files.append(ListFile(kept.path, place, trouble="is gone" if gone else "", kept=kept, gone=True))
        self._unread = {file.shown: file.path for file in files if file.trouble and not can_be_read(file.path)}
        self._read, self._read_troubles, self._began = read, found.troubles, True
        return Reading(tuple(files), tuple(found.troubles))

    def keep(self, kept: Mapping[str, KeptList]) -> None:
        """Keep these lists: the reading holds from now on."""
        self._kept = dict(kept)

    def _read_one(self, path: Path, place: int, room: int) -> tuple[ListFile, ListState]:
        kept = self._kept.get(_shown(path))
        before = state_of(path)
        try:
            raw, state = read_list(path)
        except UnreadableError as error:
            # The state that the next check sees: permissions are a part of it.
            return ListFile(path, place, trouble=str(error), kept=kept), before
        if len(raw) > room:
            trouble = f"is one too many: all lists together have more than {MAX_ALL_BYTES:,} bytes"
            return ListFile(path, place, trouble=trouble, kept=kept), before
        if self._began and state != before:
            return ListFile(path, place, kept=kept), before  # it has changed meanwhile
        return ListFile(path, place, raw, kept=kept), state

    def _wait(self, folder: Path, patterns: Mapping[int, str]) -> tuple[_MatchedFiles, frozenset[str]]:
        """The matched files, and the names of the settled ones, once all are settled or have had the time for it."""
        end = self._clock() + stillness.SETTLE_SECONDS + _SLACK_SECONDS
        while True:
            found = _find(folder, patterns)
            observed = self._observe(found, patterns)
            settled = frozenset(
                shown
                for shown, state in observed.items()
                if not self.patient or state == self._read.get(shown) or self._is_settled(shown, state)
            )
            if len(settled) == len(observed) or self._clock() >= end:
                return found, settled
            time.sleep(_LOOK_SECONDS)

    def _observe(self, found: _MatchedFiles, patterns: Mapping[int, str]) -> dict[str, ListState]:
        states = {shown: state_of(path) for shown, (path, _) in found.files.items()}
        states |= dict.fromkeys(self._missing(found, patterns), ABSENT)
        self._stillness.look(states)
        return states

    def _missing(self, found: _MatchedFiles, patterns: Mapping[int, str]) -> dict[str, KeptList]:
        """The kept lists of these patterns whose files are not matched any more."""
        current = set(patterns.values())
        return {
            shown: kept for shown, kept in self._kept.items() if shown not in found.files and kept.pattern in current
        }

    def _is_settled(self, shown: str, state: ListState) -> bool:
        # Of a file that was never read nothing can be cut.
        return self._stillness.is_still(shown) or (state.error != 0 and shown not in self._kept)


def _shown(path: Path) -> str:
    return printable(str(path), _MAX_SHOWN)


def _find(folder: Path, patterns: Mapping[int, str]) -> _MatchedFiles:
    found, search = _MatchedFiles(), FileSearch(folder)
    for place, pattern in patterns.items():
        matched = search.matching(pattern)
        found.troubles += [(place, trouble) for trouble in matched.troubles]
        for path in matched.paths:
            shown = _shown(path)
            if found.files.setdefault(shown, (path, place))[1] != place:  # two patterns may match one file
                found.others[shown] = (*found.others.get(shown, ()), place)
    return found
