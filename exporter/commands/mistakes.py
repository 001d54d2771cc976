"""Mistakes in a command line, which the user must mend first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class ManualError(ValueError):
    """Arguments that cannot be followed; the message says why, one mistake a line."""


def parse_flag(parse: Callable[[str], T], text: str, flag: str) -> T:
    """The value of a flag. Raises ManualError, which names the flag."""
    try:
        return parse(text)
    except ValueError as error:
        raise ManualError(f"{flag}: {error}") from None
