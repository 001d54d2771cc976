"""The folder of a running demo: its configuration and its roots, gone with it.

A demo that is killed (SIGKILL, power) cannot clean up, so each new one removes what dead ones left. A living demo holds
a lock (flock(2)) on its folder, which the kernel releases with the process, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# With the process id, for a person who wonders whose it is; ids are reused, so only the lock proves it.
_PREFIX: Final = "mx-exporter-demo-"
_NAME: Final = re.compile(rf"{re.escape(_PREFIX)}\d+-\w+")
# A new folder may be taken for a dead demo's in the moment before its lock; more often than once is no accident.
_ATTEMPTS: Final = 10
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def demo_folder() -> Iterator[Path]:
    """Make one, locked, below the directory for temporary files; it is removed at the end of the block."""
    remove_stale()
    path, lock = _locked_folder()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_stale() -> None:
    """Remove the folders of this user's demos that are no more."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                _remove_if_stale(Path(entry.path))


def _remove_if_stale(path: Path) -> None:
    with contextlib.suppress(OSError):  # another's, gone meanwhile, or no directory
        opened = os.open(path, _OPEN)
        try:
            if os.fstat(opened).st_uid == os.geteuid():
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
        finally:
            os.close(opened)


def _locked_folder() -> tuple[Path, int]:
    """A new folder, and the file that holds its lock while it is open."""
    for _ in range(_ATTEMPTS):
        path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        try:
            opened = os.open(path, _OPEN)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            continue
        if path.is_dir():
            return path, opened
        os.close(opened)
    raise OSError(f"no folder below {tempfile.gettempdir()} stays")
