"""The metrics that a scraper asks for by name: `name[]=…`, as other exporters have it."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import QueryParams

# Names in one request; there are fewer families.
MAX_NAMES: Final = 100


class TooManyNamesError(Exception):
    """More names than MAX_NAMES; the message says so."""


def selected_names(query: QueryParams) -> frozenset[str] | None:
    """The names that are asked for; None: all. Raises TooManyNamesError."""
    names = query.getlist("name[]")
    if len(names) > MAX_NAMES:
        raise TooManyNamesError(f"more than {MAX_NAMES} families are named")
    return frozenset(names) - {""} or None
