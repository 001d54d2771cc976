"""Lists of domains as tables: a first line that names the columns, one of them `domain`; the others become labels.

Commas, semicolons, tabs, vertical bars, colons or white space separate the columns; fields may be quoted (RFC 4180).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Final

from exporter.config.field_types import parse_label_value
from exporter.config.label_names import parse_label_name
from exporter.config.values import parse_domain
from exporter.model.printable import quoted

# Columns that are read: each label stands on every series of its domain.
MAX_COLUMNS: Final = 16
# Lines of one row: quoted fields may contain line breaks, and a quotation mark that nothing closes may not take all.
MAX_ROW_LINES: Final = 16
DOMAIN_COLUMN: Final = "domain"
# White space comes last: a name of a column may contain it.
_SEPARATORS: Final = (",", ";", "\t", "|", ":", " ")
_QUOTE: Final = '"'

Labels = dict[str, str]
# Column from 1, and a sentence.
Note = tuple[int, str]


class RowError(ValueError):
    """A row that cannot be used."""


class Table:
    """The columns of a list, and the notes about those that are ignored."""

    def __init__(self, separator: str, columns: Sequence[str]) -> None:
        self.separator = separator
        self.notes: list[Note] = []
        self._domain = next(index for index, name in enumerate(columns) if name.lower() == DOMAIN_COLUMN)
        self._labels: dict[str, int] = {}
        if len(columns) > MAX_COLUMNS:
            self.notes.append((1, f"has {len(columns)} columns: those after the first {MAX_COLUMNS} are ignored"))
        for index, name in enumerate(columns[:MAX_COLUMNS]):
            if index == self._domain or not name:
                continue  # a column without a name is the edge of a drawn table, or a row's number
            try:
                self._add_label(parse_label_name(name), index)
            except ValueError as error:
                self.notes.append((1, f"the column {index + 1} is ignored: {error}"))

    def _add_label(self, name: str, index: int) -> None:
        if name in self._labels:
            raise ValueError(f"{quoted(name)} is the name of the column {self._labels[name] + 1} already")
        self._labels[name] = index

    def row(self, text: str, following: Iterable[str]) -> tuple[list[str], int]:
        """The fields of the row that begins in `text`, and its number of lines. Raises RowError."""
        return _fields(text, self.separator, following)

    def domain(self, fields: Sequence[str]) -> str:
        """The domain of a row, empty where the whole row is. Raises RowError."""
        name = fields[self._domain].partition("#")[0].strip() if len(fields) > self._domain else ""
        if not name and any(fields):
            raise RowError(f"has nothing in its column {DOMAIN_COLUMN}")
        return name

    def labels(self, fields: Sequence[str]) -> tuple[Labels, list[str]]:
        """The labels of a row, and a sentence about each that is ignored; an empty field is no label."""
        labels: Labels = {}
        ignored: list[str] = []
        for name, index in self._labels.items():
            value = fields[index] if index < len(fields) else ""
            if not value:
                continue
            try:
                labels[name] = parse_label_value(value)
            except ValueError as error:
                ignored.append(f"the column {name} is ignored: {error}")
        return labels, ignored


def table_of(first: str) -> Table | None:
    """The table that begins with the line `first`, or None where it does not name several columns."""
    if DOMAIN_COLUMN not in first.lower():
        return None
    for separator in _SEPARATORS:
        try:
            columns, _ = _fields(first, separator, ())
        except RowError:
            continue
        if len(columns) > 1 and any(name.lower() == DOMAIN_COLUMN for name in columns):
            return None if _is_domain(next(filter(None, columns))) else Table(separator, columns)
    return None


def _is_domain(text: str) -> bool:
    """True where the first column is a domain: then the word `domain` beside it is a value, such as a kind."""
    try:
        parse_domain(text)
    except ValueError:
        return False
    return True


def _fields(text: str, separator: str, following: Iterable[str]) -> tuple[list[str], int]:
    if separator == " " and _QUOTE not in text:
        return text.split(), 1
    if _QUOTE not in text:
        return [field.strip() for field in text.split(separator)], 1
    # The line end is a line break to a quoted field; white space before it would follow a closing quotation mark.
    lines = (line.rstrip() + "\n" for line in chain((text,), islice(following, MAX_ROW_LINES - 1)))
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        fields = next(reader)
    except csv.Error as error:
        raise RowError(f"is not a row of quoted fields: {error}") from None
    # A line break or a tab within a field is white space to a label.
    return [re.sub(r"\s+", " ", field).strip() for field in fields], reader.line_num
