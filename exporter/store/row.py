"""The series of one record as they are kept: its own labels and numbers, and the shape that it shares with others.

A record has some twenty series whose text differs from that of other records in a name or two and a few numbers. So it
keeps these alone, and the text around them once for all records of one shape. exporter.metrics makes rows and joins
them to an exposition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Template:
    """One series of all rows of a shape: its text, with empty places for what is a row's own.

    `line` is the text in parts: a key of the row at every second place, and the number at the last one, where the
    template has one (else the text has the value).
    """

    place: int  # of its family in the order of exposition
    line: tuple[str, ...]
    keys: tuple[int, ...]  # the places of the keys in a row
    has_number: bool


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Shape:
    """The series of a row in the order of their families.

    `numbers`: the place of the number of each in the row, -1 for none. `labels` keeps the templates of its kind alive
    for the next shape.
    """

    templates: tuple[Template, ...]
    numbers: tuple[int, ...]
    labels: object = None


class Row(NamedTuple):
    """The series of one record: what is its own, as text."""

    shape: Shape
    keys: tuple[Any, ...]  # escaped label values
    numbers: tuple[str, ...]


NO_ROW = Row(Shape((), ()), (), ())
