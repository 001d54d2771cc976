"""The series of one record as they are kept: its own labels and numbers, and the shape that it shares with others.

A record has some twenty series whose text differs from that of other records in a name or two and a few numbers. So it
keeps these alone, and the text around them once for all records of one shape. The numbers that differ from one result
to the next are not even kept here: a scrape takes them from the result. exporter.metrics makes rows and joins them to
an exposition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

# Reads the numbers of a record that move; the same function for all rows of a kind.
Moving = Callable[[Any], Sequence[float]]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Template:
    """One series of all rows of a shape: its text, with empty places for what is a row's own.

    `line` is the text in parts: a key of the row at every second place, and the number at the last one, where the
    template has one (else the text has the value). `moving`: the place of the number among those of the record that
    move; -1: it is one of the row's own, or there is none.
    """

    place: int  # of its family in the order of exposition
    line: tuple[str, ...]
    keys: tuple[int, ...]  # the places of the keys in a row
    has_number: bool
    moving: int = -1


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Shape:
    """The series of a row in the order of their families.

    `numbers`: the place of the number of each in the row, -1 for none there. `moving` reads the numbers that move from
    a record: all of them at once, for records lie far apart in memory. `labels` keeps the templates of its kind alive
    for the next shape.
    """

    templates: tuple[Template, ...]
    numbers: tuple[int, ...]
    moving: Moving | None = None
    labels: object = None


class Row(NamedTuple):
    """The series of one record: what is its own, and stays from one result to the next."""

    shape: Shape
    keys: tuple[Any, ...]  # escaped label values
    numbers: tuple[str, ...]  # as text


# A row as it is told: with its record, for the numbers that move.
ToldRow = tuple[Row, Any]


NO_ROW = Row(Shape((), ()), (), ())
