"""Targets with a fault in each, to see that the frame finds it; nothing of ours is imported for them."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Final

from tests.attack.fuzz.frame import MAX_GROWTH_BYTES, Target, agree


def crashes(data: bytes) -> None:
    """A fault that two bytes show."""
    if data[:1] == b"b" and b"u" in data:
        raise KeyError("planted")


def refuses(data: bytes) -> None:
    """An error, always."""
    raise ValueError(data)


def differs(data: bytes) -> None:
    """A promise that is not kept."""
    agree(b"X" not in data, "an X")


def burns(data: bytes) -> None:
    """Some CPU."""
    end = time.process_time() + 0.05 * (b"slow" in data)
    while time.process_time() < end:
        pass


def never_ends(data: bytes) -> None:
    """All of it."""
    while b"loop" in data:
        pass


def swells(data: bytes) -> None:
    """Memory."""
    assert b"large" not in data or len(b"x" * (2 * MAX_GROWTH_BYTES)) > 0


def dies(data: bytes) -> None:
    """What takes the interpreter down."""
    if b"die" in data:
        os.kill(os.getpid(), signal.SIGSEGV)


def _harmless(_data: bytes) -> None:
    pass


if __name__ == "__main__":
    from tests.attack.fuzz import __main__ as command

    _TOYS: Final = {"crash": crashes, "death": dies, "well": _harmless}
    command.targets_by_name = lambda: {
        name: Target(name, toy, tokens=(b"b", b"u", b"die")) for name, toy in _TOYS.items()
    }
    command.PROGRAM = [sys.executable, "-m", "tests.attack.fuzz.planted"]
    sys.exit(command.main())
