"""The nearest known name to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

# A longer name is no typing mistake, and to compare it takes long.
_MAX_COMPARED: Final = 256


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, where something is near enough."""
    found = nearest_name(name, known)
    return f"; did you mean {found}?" if found else ""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The known name that is nearest; empty where none is near enough."""
    found = get_close_matches(name, list(known), 1) if len(name) <= _MAX_COMPARED else []
    return found[0] if found else ""
