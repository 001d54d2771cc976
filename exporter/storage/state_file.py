"""The files of the state of one exporter in a folder: held by a lock, replaced whole, opened as what anybody may make.

    mx-exporter.state        the last state that was saved while it ran
    mx-exporter.state.end    the one of its end, which takes the first one's name before anything is counted again
    mx-exporter.state.new    one that is being written
    mx-exporter.lock         held while the exporter runs

A shard has its number in the names. The end has a name of its own because counters are taken from it alone: of a
process that was killed nobody knows how far it counted after it had saved. A state is gzip, whose check sum tells a
torn one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from exporter.schedule.shard import Shard

# Of file systems that know no fsync of a folder, such as some of a network.
_NO_FOLDER_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP})
_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
# Of gzip with its head and its check sum (RFC 1952), for zlib.
_GZIP: Final = 31
# Level 1 takes a third of the time of the usual one; a state is a sixth of its text either way.
_LEVEL: Final = 1
_CHUNK: Final = 65536
# A domain has about a kilobyte of text, and some have sixteen addresses with long certificates.
LEAST_BYTES: Final = 64 * 1024 * 1024
BYTES_A_TARGET: Final = 32 * 1024
MAX_LINE: Final = 1024 * 1024


class TornFileError(ValueError):
    """The file is none that this exporter wrote; the message says why."""


class HeldError(OSError):
    """Another exporter has the files."""


class StateFile:
    """The files of one exporter. Not made before :meth:`hold`; every method may wait for the disk."""

    def __init__(self, folder: Path, shard: Shard) -> None:
        name = "mx-exporter" if shard.total == 1 else f"mx-exporter-{shard.index}-of-{shard.total}"
        self.path: Final = folder / f"{name}.state"
        self._end = folder / f"{name}.state.end"
        self._new = folder / f"{name}.state.new"
        self._lock_path = folder / f"{name}.lock"
        self._lock: int | None = None

    @property
    def is_held(self) -> bool:
        """This process has the files."""
        return self._lock is not None

    def hold(self) -> None:
        """Take the files, and make the folder if need be. Raises HeldError where another process has them, OSError."""
        if self._lock is not None:
            return
        self.path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise HeldError(f"another exporter has {self._lock_path}") from None
        except OSError:
            os.close(lock)
            raise
        self._lock = lock

    def release(self) -> None:
        """Let the files go; the end of the process does so, too."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def begin(self) -> None:
        """Have the state of an end be the last word no more: of a process that is killed from now on, it is old."""
        with suppress(FileNotFoundError):
            self._end.replace(self.path)
            self._sync_folder()

    def save(self, lines: Iterable[str], *, is_end: bool) -> int:
        """Replace the state; returns its bytes. Until it is whole and on the disk, the one of before is there."""
        # There may be one of an exporter that has ended while this one ran and counted.
        self.begin()
        with suppress(FileNotFoundError):
            self._new.unlink()
        try:
            size = self._write(lines)
        except BaseException:
            with suppress(OSError):
                self._new.unlink()  # a disk that is full has others who wait for space
            raise
        self._new.replace(self._end if is_end else self.path)
        if is_end:
            with suppress(FileNotFoundError):
                self.path.unlink()
        self._sync_folder()
        return size

    def _write(self, lines: Iterable[str]) -> int:
        descriptor = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            for packed in _packed(lines):
                file.write(packed)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    @contextmanager
    def opened(self, targets: int) -> Iterator[tuple[Iterator[str], bool] | None]:
        """The lines of the state, and whether it is that of an end; None: there is none.

        `targets`: the number in the configuration, which bounds what is read. Changes nothing, and a folder that can
        only be read is enough. Raises TornFileError or OSError.
        """
        descriptor = _opened(self._end)
        is_end = descriptor is not None
        if descriptor is None:
            descriptor = _opened(self.path)
        if descriptor is None:
            yield None
            return
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            os.close(descriptor)
            raise TornFileError("it is no file")
        with os.fdopen(descriptor, "rb") as file:
            limit = limit_of(targets)
            if state.st_size > limit:
                raise TornFileError("it is too large")
            yield lines_in(file, limit), is_end

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                raise
        finally:
            os.close(folder)


def limit_of(targets: int) -> int:
    """The bytes of text that a state of so many targets may have."""
    return max(LEAST_BYTES, targets * BYTES_A_TARGET)


def _opened(path: Path) -> int | None:
    """The descriptor of a file; None: it is not there."""
    try:
        # O_NONBLOCK: a named pipe in its place has no writer to wait for.
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def lines_in(file: BinaryIO, limit: int) -> Iterator[str]:
    """The lines of a state, no more than `limit` bytes of text, however small its file is. Raises TornFileError."""
    return _lines(_unpacked(file, limit))


def _packed(lines: Iterable[str]) -> Iterator[bytes]:
    gzip = zlib.compressobj(_LEVEL, wbits=_GZIP)
    for each in lines:
        yield gzip.compress(each.encode("utf-8"))
    yield gzip.flush()


def _unpacked(file: BinaryIO, limit: int) -> Iterator[bytes]:
    gzip = zlib.decompressobj(wbits=_GZIP)
    left = limit
    packed = file.read(_CHUNK)
    while packed and not gzip.eof:
        try:
            piece = gzip.decompress(packed, _CHUNK)
        except zlib.error as error:
            raise TornFileError(f"it is broken: {error}") from None
        left -= len(piece)
        if left < 0:
            raise TornFileError("it is too large")
        yield piece
        packed = gzip.unconsumed_tail or file.read(_CHUNK)
    if not gzip.eof:
        raise TornFileError("it is cut off")
    if gzip.unused_data or packed:
        raise TornFileError("something follows its end")


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """The lines, each bounded. Raises TornFileError."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE:
            raise TornFileError("a line is too long")
        for line in whole:
            yield _text(line)
    if rest:
        raise TornFileError("its last line has no end")


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise TornFileError("it is no text") from None
