"""The files that `domain_files` names: which there are, what can be told without reading them, and their bytes.

Who writes these files is not always who runs the exporter, so nothing here trusts them: a pattern may lead into an
endless folder, a name may be a FIFO or a device, a file as long as the disk. All of it is bounded, and only regular
files are opened.
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
# Files that the patterns may match in all: one a customer.
MAX_FILES: Final = 4096
# Entries of folders that are looked at for them.
MAX_SCANNED: Final = 100_000
# Folders below each other that `**` goes down.
MAX_DEPTH: Final = 32
# Names between slashes that a pattern may have.
MAX_PARTS: Final = 64

_READ_BYTES: Final = 1 << 20

_T = TypeVar("_T")


class ListState(NamedTuple):
    """State of a file, without its contents; all 0 but `error` (an errno) where it cannot be looked at."""

    modified: int = 0  # nanoseconds
    changed: int = 0  # of the file or of who may read it; unlike `modified` nobody can set it back
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
    """Matches of a pattern, in the order of names, and the problems that kept it from finding all."""

    paths: list[Path] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class Search:
    """Looks for the files of patterns; the bounds are those of all of them together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._scanned = 0
        # Device, inode and parts left: symbolic links that lead in a circle, or to one place by many ways, end here.
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
        if len(parts) > MAX_PARTS:
            self._trouble(f"the pattern has more than {MAX_PARTS} parts", matched)
            return
        part, rest = parts[0], parts[1:]
        if not glob.has_magic(part):
            path = folder / part
            if rest:
                self._walk(path, rest, depth, matched)
            else:
                self._literal(path, matched)
            return
        if part == "**" and rest:
            self._walk(folder, rest, depth, matched)
        for entry in self._entries(folder, len(parts), matched):
            if entry.name.startswith(".") and not part.startswith("."):
                continue
            if part == "**":
                # Not through symbolic links: one that leads upwards has no end.
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH:
                        self._walk(folder / entry.name, parts, depth + 1, matched)
                elif not rest and not _is_folder(entry):
                    self._add(folder / entry.name, matched)
            elif fnmatch.fnmatchcase(entry.name, part):
                if rest and _is_folder(entry):
                    self._walk(folder / entry.name, rest, depth, matched)
                elif not rest and not _is_folder(entry):
                    self._add(folder / entry.name, matched)

    def _literal(self, path: Path, matched: Matched) -> None:
        """A name without magic below folders that have been found."""
        state = state_of(path)
        if state.error in (errno.ENOENT, errno.ENOTDIR) or path.is_dir():
            return
        if state.error:
            self._trouble(f"{path} cannot be read: {os.strerror(state.error)}", matched)
        else:
            self._add(path, matched)

    def _entries(self, folder: Path, left: int, matched: Matched) -> Iterator[os.DirEntry[str]]:
        """Names in `folder`; none where it was looked through for the same parts of the pattern already."""
        try:
            status = folder.stat()
            if (here := (status.st_dev, status.st_ino, left)) in self._visited:
                return
            self._visited.add(here)
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._scanned += 1
                    if self._scanned > MAX_SCANNED:
                        self._trouble(f"there are more than {MAX_SCANNED:,} entries to look through", matched)
                        return
                    yield entry
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            # Unreadable is not empty.
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
    """How `path` is now."""
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
    except OSError:  # a symbolic link in a circle, or into a folder that we may not enter
        return False


def can_be_read(path: Path) -> bool:
    """True if reading `path` would succeed as far as its first byte."""
    try:
        _opened(path, lambda descriptor: os.read(descriptor, 1))
    except UnreadableError:
        return False
    return True


def _state(status: os.stat_result) -> ListState:
    return ListState(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


class UnreadableError(Exception):
    """A list that cannot be read; the message says why."""


def read_list(path: Path) -> tuple[bytes, ListState]:
    """The bytes of a list, and the state they were read in. Raises UnreadableError."""
    return _opened(path, _read)


def _opened(path: Path, reading: Callable[[int], _T]) -> _T:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: opening a device can do something
            raise UnreadableError("is no regular file")
        # O_NONBLOCK: what has become a FIFO meanwhile would wait for a writer.
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
    """What can be told of files named one by one without reading them."""
    found: dict[str, FileState] = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue  # gone meanwhile, or not there: its absence is the state
        found[str(path)] = (str(path), status.st_mtime_ns, status.st_size, status.st_ino)
    return tuple(found[name] for name in sorted(found))
