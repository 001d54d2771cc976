"""A test run leaves no process and no file behind, and fails if it would.

The run has its own folder for temporary files (TMPDIR). It is empty at the end, or a test left something in it; and
a process in whose environment or command line its name stands was begun by a test. Other runs on the machine have other
folders. With pytest-xdist the workers have the folder of the run that started them, which looks at the end.

A guard, a process that waits for the end of the run, then removes both: also of a run that was killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
# What a test has told to end may take a moment for it: a mail server's workers, a browser's.
PATIENCE = 5.0
_POLL = 0.05


class Run:
    """The folder of one run, and the guard that outlives it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mx-tests-"))
        # As the system's: not all that a test starts is of one user, such as a mail server's daemons.
        self.folder.chmod(0o1777)
        argv = [sys.executable, "-E", "-S", __file__, str(self.folder)]
        self._guard = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)

    def leftovers(self) -> list[str]:
        """The files and processes left, a line each, once those that are ending have had their time."""
        until = time.monotonic() + PATIENCE
        while (found := [*self._processes(), *self._files()]) and time.monotonic() < until:
            time.sleep(_POLL)
        return found

    def end(self) -> None:
        """Have the guard remove what is left, and the folder."""
        self._guard.communicate()

    def _processes(self) -> Iterator[str]:
        for number in processes_of(self.folder):
            if number not in (os.getpid(), self._guard.pid):
                yield f"process {number}: {_command(number)}"

    def _files(self) -> Iterator[str]:
        for path in sorted(self.folder.iterdir()):
            inside = sorted(each.name for each in path.iterdir()) if path.is_dir() and not path.is_symlink() else []
            yield f"{path} {' '.join(inside)}".rstrip()


def processes_of(folder: Path) -> Iterator[int]:
    """The processes that have its name in their environment or command line."""
    name = os.fsencode(folder)
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):  # it has ended, or is nobody's that we may look at
                if any(name in (entry / part).read_bytes() for part in ("environ", "cmdline")):
                    yield int(entry.name)


def _command(number: int) -> str:
    with contextlib.suppress(OSError):
        return (_PROC / str(number) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def guard(folder: Path) -> None:
    """Wait until nobody holds the other end of standard input; then end what is left of the run."""
    sys.stdin.buffer.read()
    until = time.monotonic() + PATIENCE
    # Again, for they may have had children meanwhile, and write until they are gone.
    while (found := set(processes_of(folder)) - {os.getpid()}) and time.monotonic() < until:
        for number in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        time.sleep(_POLL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    guard(Path(sys.argv[1]))
