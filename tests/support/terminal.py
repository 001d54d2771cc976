"""A terminal: a pseudo-terminal of a given width, and what a program has written to it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_SGR = re.compile(r"\x1b\[[0-9;]*m")
# What says how much colour and width somebody wants; the tests' own environment does not count.
_WISHES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a program left behind: on its terminal (where its output and its errors meet), in the pipe, and its code."""

    terminal: str
    piped: str
    returncode: int

    @property
    def plain(self) -> str:
        """What was on the terminal, without its colours."""
        return _SGR.sub("", self.terminal)


def widths(text: str) -> list[int]:
    """The columns that each of its lines takes, as a terminal counts them."""
    return [
        sum(
            0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
            for char in line
        )
        for line in text.splitlines()
    ]


def on_terminal(
    argv: Sequence[str], *, columns: int = 200, environ: Mapping[str, str] | None = None, piped: bool = False
) -> Shown:
    """Run it on a terminal so wide; where `piped`, its output goes into a pipe and only its errors there."""
    with terminal(columns) as (ours, theirs):
        pipe = subprocess.PIPE if piped else theirs
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=theirs, env=wishing(environ)) as run:
            os.close(theirs)
            written: list[bytes] = []
            reader = threading.Thread(target=_read, args=(ours, written))
            reader.start()
            out, _ = run.communicate(timeout=60)
            reader.join(10.0)
    return Shown(b"".join(written).decode().replace("\r\n", "\n"), (out or b"").decode(), run.returncode)


def wishing(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a user with an ordinary terminal and these wishes."""
    rest = {name: value for name, value in os.environ.items() if name not in _WISHES}
    return {**rest, "TERM": "xterm-256color", **(environ or {})}


@contextmanager
def terminal(columns: int) -> Iterator[tuple[int, int]]:
    """Both ends of one, ours and the program's; whoever is given the latter may close it."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        yield ours, theirs
    finally:
        for end in (ours, theirs):
            with contextlib.suppress(OSError):
                os.close(end)


def interruptible() -> None:
    """Take SIGINT again, before the program of a child: a shell ignores it for what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(running: subprocess.Popen[Any], ours: int, theirs: int) -> str:
    """The text on the terminal of a command that waits for a second, gets Ctrl-C then and ends with 130."""
    os.close(theirs)
    shown = b""
    while "… 1 s".encode() not in shown:
        shown += os.read(ours, 4096)
    running.send_signal(signal.SIGINT)
    rest: list[bytes] = []
    _read(ours, rest)
    assert running.wait(30) == 130
    return (shown + b"".join(rest)).decode()


def _read(end: int, written: list[bytes]) -> None:
    with contextlib.suppress(OSError):  # EIO: nobody is at the other end any more
        while data := os.read(end, 65536):
            written.append(data)
