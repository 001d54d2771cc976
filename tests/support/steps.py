"""Work that is done in steps, done at once: a test has no other clocks that tick meanwhile."""

from __future__ import annotations

from collections.abc import Iterator


def at_once(steps: Iterator[None]) -> None:
    """Do all steps."""
    for _ in steps:
        pass
