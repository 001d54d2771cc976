"""Lists of domains as tables: a first line that names the columns, one of them `domain`; the others become labels.

Exports of registrars and databases call that column `Domain Name`, `domain_name` or `name` as well.

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
# Its names, in lower case and without white space, `_` and `-`: the first that a table has is meant.
_DOMAIN_NAMES: Final = (DOMAIN_COLUMN, "domainname", "name")
# White space comes last: a name of a column may contain it.
_SEPARATORS: Final = (",", ";", "\t", "|", ":", " ")
# Where the first line has one of these, white space separates nothing.
_CSV: Final = re.compile(r"[,;\t|]")
_QUOTE: Final = '"'
# In place of bytes that are not UTF-8.
_NO_TEXT: Final = "\N{REPLACEMENT CHARACTER}"

Labels = dict[str, str]
# Column from 1, and a sentence.
Note = tuple[int, str]


class RowError(ValueError):
    """A row that cannot be used."""


class Table:
    """The columns of a list, and the notes about those that are ignored."""

    def __init__(self, separator: str, columns: Sequence[str], domain: int) -> None:
        self.separator = separator
        self.notes: list[Note] = []
        self._domain = domain
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
            if _NO_TEXT in value:
                ignored.append(f"the column {name} is ignored: its text is not UTF-8")
                continue
            try:
                labels[name] = parse_label_value(value)
            except ValueError as error:
                ignored.append(f"the column {name} is ignored: {error}")
        return labels, ignored


def table_of(first: str) -> Table | None:
    """The table that begins with the line `first`, or None where it does not name several columns."""
    if "name" not in first.lower() and DOMAIN_COLUMN not in first.lower():
        return None
    for separator in _SEPARATORS:
        if separator == " " and _CSV.search(first.strip().strip("|")):
            break
        try:
            columns, _ = _fields(first, separator, ())
        except RowError:
            continue
        # A sentence, or a pair with a colon, is no head for having the word `name`.
        known = _DOMAIN_NAMES if _CSV.fullmatch(separator) else (DOMAIN_COLUMN,)
        domain = _domain_column(columns, known) if len(columns) > 1 else None
        if domain is not None:
            return None if _is_domain(next(filter(None, columns))) else Table(separator, columns, domain)
    return None


def _domain_column(columns: Sequence[str], known: Sequence[str] = _DOMAIN_NAMES) -> int | None:
    names = [re.sub(r"[\s_-]", "", column.lower()) for column in columns]
    return next((names.index(name) for name in known if name in names), None)


def is_domain_column(text: str) -> bool:
    """True for a line that names the column of the domains, and no other."""
    return _domain_column([text.strip().strip('"')]) is not None


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
