"""The files that the patterns of `domain_files` match: their names, their states, and their bytes.

Other people than the operator of the exporter may write these files, so nothing here trusts them: a pattern may lead
into an endless folder, a name may be a FIFO or a device, a file may fill the disk. Everything has a limit, and only
regular files are opened.
"""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from exporter.model.configuration import FileState

# One list: 100,000 names have 2 to 3 MB.
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
# All lists together.
MAX_ALL_BYTES: Final = 64 * 1024 * 1024
# Files that the patterns may match in all: one for each customer.
MAX_FILES: Final = 4096
# Entries of folders that are searched for them.
MAX_SCANNED: Final = 100_000
# Folders below each other that `**` goes down.
MAX_DEPTH: Final = 32
# Names between slashes that a pattern may have.
MAX_PARTS: Final = 64

_READ_BYTES: Final = 1 << 20

_T = TypeVar("_T")


class ListState(NamedTuple):
    """The state of a file, without its contents; all 0 but `error` (an errno) where it cannot be queried."""

    modified: int = 0  # nanoseconds
    changed: int = 0  # of the file or its permissions; unlike `modified` no program can set it back
    size: int = 0
    inode: int = 0
    error: int = 0

    @property
    def touched(self) -> float:
        """Unix time of the last change of any kind."""
        return max(self.modified, self.changed) / 1e9


ABSENT: Final = ListState(error=errno.ENOENT)


@dataclass(slots=True)
class Matched:
    """The matches of a pattern, in the order of names, and the problems of an incomplete search."""

    paths: list[Path] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class FileSearch:
    """Searches for the files of patterns, with limits for all patterns together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._scanned = 0
        # Device, inode and parts left: no folder is searched twice, by a circle of symbolic links or along many paths.
        self._visited: set[tuple[int, int, int]] = set()
        self._found = 0

    def matching(self, pattern: str) -> Matched:
        """The files of `pattern`, which is relative to the folder; no directories."""
        matched = Matched()
        self._visited.clear()
        if not glob.has_magic(pattern):
            self._add(self._folder / pattern, matched)
            return matched
        path = self._folder / pattern
        parts = path.parts[1:] if path.is_absolute() else path.parts
        self._walk(Path(path.anchor), parts, 0, matched)
        # Sorted, so that the same files are read in the same order everywhere.
        matched.paths = sorted(set(matched.paths), key=str)
        return matched

    def _walk(self, folder: Path, parts: tuple[str, ...], depth: int, matched: Matched) -> None:
        """Search `folder` for the first of `parts`, and its matches for the others; `depth` counts for `**`."""
        if len(parts) > MAX_PARTS:
            self._trouble(f"the pattern has more than {MAX_PARTS} parts", matched)
        elif parts[0] == "**":
            self._walk_deep(folder, parts, depth, matched)
        elif glob.has_magic(parts[0]):
            self._walk_matches(folder, parts, depth, matched)
        elif len(parts) > 1:
            self._walk(folder / parts[0], parts[1:], depth, matched)
        else:
            self._add_literal(folder / parts[0], matched)

    def _walk_deep(self, folder: Path, parts: tuple[str, ...], depth: int, matched: Matched) -> None:
        """Search `folder` and all folders below it, for `**`."""
        rest = parts[1:]
        if rest:
            self._walk(folder, rest, depth, matched)
        for entry in self._entries(folder, parts, matched):
            # Not through symbolic links: a link to a folder above has no end.
            if entry.is_dir(follow_symlinks=False):
                if depth < MAX_DEPTH:
                    self._walk(folder / entry.name, parts, depth + 1, matched)
            elif not rest and not _is_folder(entry):
                self._add(folder / entry.name, matched)

    def _walk_matches(self, folder: Path, parts: tuple[str, ...], depth: int, matched: Matched) -> None:
        """Search the entries of `folder` that the first part matches."""
        part, rest = parts[0], parts[1:]
        for entry in self._entries(folder, parts, matched):
            if not fnmatch.fnmatchcase(entry.name, part):
                continue
            if rest and _is_folder(entry):
                self._walk(folder / entry.name, rest, depth, matched)
            elif not rest and not _is_folder(entry):
                self._add(folder / entry.name, matched)

    def _add_literal(self, path: Path, matched: Matched) -> None:
        """Add a name without wildcards below folders that have been found, if it is a file."""
        state = state_of(path)
        if state.error in (errno.ENOENT, errno.ENOTDIR) or path.is_dir():
            return
        if state.error:
            self._trouble(f"{path} cannot be read: {os.strerror(state.error)}", matched)
        else:
            self._add(path, matched)

    def _entries(self, folder: Path, parts: tuple[str, ...], matched: Matched) -> Iterator[os.DirEntry[str]]:
        """The entries of `folder`, hidden ones only for a part with a dot; none after a search for the same parts."""
        hidden = parts[0].startswith(".")
        try:
            status = folder.stat()
            if (here := (status.st_dev, status.st_ino, len(parts))) in self._visited:
                return
            self._visited.add(here)
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._scanned += 1
                    if self._scanned > MAX_SCANNED:
                        self._trouble(f"there are more than {MAX_SCANNED:,} entries to look through", matched)
                        return
                    if hidden or not entry.name.startswith("."):
                        yield entry
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            # An unreadable folder is not an empty one.
            self._trouble(f"the folder {folder} cannot be read: {error.strerror or error}", matched)

    def _add(self, path: Path, matched: Matched) -> None:
        self._found += 1
        if self._found > MAX_FILES:
            self._trouble(f"more than {MAX_FILES:,} files are matched", matched)
        else:
            matched.paths.append(path)

    @staticmethod
    def _trouble(text: str, matched: Matched) -> None:
        if text not in matched.troubles:
            matched.troubles.append(text)


def state_of(path: Path) -> ListState:
    """The present state of `path`."""
    try:
        status = path.stat()
    except OSError as error:
        return ListState(error=error.errno or errno.EIO)
    except ValueError:  # a name that no file can have
        return ListState(error=errno.EINVAL)
    return _state(status)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symbolic link in a circle, or into a folder without permission
        return False


def can_be_read(path: Path) -> bool:
    """True if the first byte of `path` can be read."""
    try:
        _opened(path, lambda descriptor: os.read(descriptor, 1))
    except UnreadableError:
        return False
    return True


def _state(status: os.stat_result) -> ListState:
    return ListState(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


class UnreadableError(Exception):
    """A list cannot be read; the message is the reason."""


def read_list(path: Path) -> tuple[bytes, ListState]:
    """The bytes of a list, and the state they were read in. Raises UnreadableError."""
    return _opened(path, _read)


def _opened(path: Path, reading: Callable[[int], _T]) -> _T:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: to open a device can have an effect
            raise UnreadableError("is no regular file")
        # O_NONBLOCK: a file that has become a FIFO meanwhile would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableError("is no regular file")
        return reading(descriptor)
    except OSError as error:
        raise _unreadable(error) from error
    finally:
        os.close(descriptor)


def _unreadable(error: OSError | ValueError) -> UnreadableError:
    if isinstance(error, OSError):
        return UnreadableError(f"cannot be read: {error.strerror or error}")
    return UnreadableError(f"cannot be read: {error}")


def _read(descriptor: int) -> tuple[bytes, ListState]:
    pieces: list[bytes] = []
    size = 0
    while piece := os.read(descriptor, _READ_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_FILE_BYTES:
            raise UnreadableError(f"has more than {MAX_FILE_BYTES:,} bytes")
    return b"".join(pieces), _state(os.fstat(descriptor))


def states(paths: Iterable[Path]) -> tuple[FileState, ...]:
    """The states of files named one by one."""
    found: dict[str, FileState] = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue  # gone meanwhile, or never there: its absence is the state
        found[str(path)] = (str(path), status.st_mtime_ns, status.st_size, status.st_ino)
    return tuple(found[name] for name in sorted(found))
