"""Lists of domains as text: one domain a line, in the first of several columns or in that of a table.

Hosting software writes such lists with white space, `,`, `;`, `|` or `:` between the columns: Postfix maps,
`userdomains` of cPanel, `domainowners` of DirectAdmin, tables as database clients print them.
"""

from __future__ import annotations

import re
from typing import Final

from exporter.config.domain_entries import MAX_BAD_LINES, MAX_LINES, ListEntries, no_list, says_none
from exporter.config.list_tables import MAX_ROW_LINES, RowError, Table, is_domain_column, table_of
from exporter.config.problems import ConfigProblem, Place
from exporter.config.values import parse_domain
from exporter.config.yaml_reader import decoded

# Bytes of one line; a name has 253 at most, and other columns may follow.
MAX_LINE: Final = 4096
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# The usual line: a plain name, alone or before another column.
_PLAIN: Final = re.compile(rb"[ \t]*([A-Za-z0-9][A-Za-z0-9.-]*)(?:(?!://)[ \t\r,;|:#]|\Z)")
_COMMENTS: Final = ("#", ";", "//")
# A first line that tells Excel the separator.
_EXCEL: Final = re.compile(r"sep=.", re.IGNORECASE)
# Lines that a drawn table has between its rows.
_RULE: Final = re.compile(r"[-+|=\s]+")
# The first column: a quoted field, or all up to a separator; `://` is that of a URL, which is no domain.
_COLUMN: Final = re.compile(r'[\s|]*(?:"([^"]*)"|((?:://|[^\s,;|:#])*))')
# The entry of a map for all other domains.
_WILDCARD: Final = "*"


def text_list(file: str, raw: bytes) -> ListEntries:
    """The entries of a list of text; empty lines and comments (`#`, `;`, `//`) are ignored."""
    # Some programs end lines with CR alone; taken for white space, it would hide all names but the first.
    lines = raw.removeprefix(_BYTE_ORDER_MARK).split(b"\n" if b"\n" in raw else b"\r")
    if len(lines) > MAX_LINES:
        why = f"has more than {MAX_LINES:,} lines"
        return ListEntries(failure=ConfigProblem(file, MAX_LINES + 1, 1, "", why))
    entries = _TextList(file, lines).read()
    if not entries.found and not entries.bad:
        entries.says_none = says_none(raw.decode("utf-8-sig", "replace"))
    return entries


class _BadLineError(Exception):
    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class _TextList:
    """The lines of one file on their way to entries."""

    def __init__(self, file: str, lines: list[bytes]) -> None:
        self._file = file
        self._lines = lines
        self._entries = ListEntries()

    def read(self) -> ListEntries:
        begin = 1 if _EXCEL.fullmatch(self._shown(0).strip()) else 0
        first = next((index for index in range(begin, len(self._lines)) if _says_something(self._shown(index))), None)
        if first is None:
            return self._entries
        head = self._shown(first)
        table = table_of(head)
        if table is None:
            # A table of one column: its name, and nothing to be labels.
            self._read_columns(first + is_domain_column(head))
        else:
            for column, sentence in table.notes:
                self._entries.ignored.append(ConfigProblem(self._file, first + 1, column, "", sentence))
            self._read_rows(table, first + 1)
        return no_list(self._file) if self._entries.bad > MAX_BAD_LINES else self._entries

    def _read_columns(self, first: int) -> None:
        """Read the lines from the index `first` on, of each its first column."""
        entries, file, found = self._entries, self._file, self._entries.found
        for index in range(first, len(self._lines)):
            line = self._lines[index]
            plain = _PLAIN.match(line)
            column = 1
            try:
                if plain is not None and len(line) <= MAX_LINE:
                    name, column = plain[1].decode("ascii"), plain.start(1) + 1
                elif line and not line.isspace():
                    name, column = _first_column(self._text(index))
                else:
                    continue
                if name:
                    found.append((Place(file, index + 1, column), parse_domain(name), None))
            except _BadLineError as error:
                entries.skip(error.problem)
            except ValueError as error:
                entries.skip(ConfigProblem(file, index + 1, column, "", str(error)))
            if entries.bad > MAX_BAD_LINES:
                return

    def _read_rows(self, table: Table, first: int) -> None:
        """Read the lines from the index `first` on as rows of `table`."""
        index = first
        while index < len(self._lines) and self._entries.bad <= MAX_BAD_LINES:
            lines = 1
            try:
                self._check_length(index)
                text = self._shown(index)
                if _says_something(text, table.separator):
                    following = map(self._shown, range(index + 1, min(index + MAX_ROW_LINES, len(self._lines))))
                    fields, lines = table.row(text, following)
                    self._add_row(table, fields, index, text)
            except _BadLineError as error:
                self._entries.skip(error.problem)
            except RowError as error:
                self._entries.skip(ConfigProblem(self._file, index + 1, 1, "", str(error)))
            index += lines

    def _add_row(self, table: Table, fields: list[str], index: int, text: str) -> None:
        name = table.domain(fields)
        if not name:
            return
        place = Place(self._file, index + 1, max(text.find(name), 0) + 1)
        try:
            domain = parse_domain(name)
        except ValueError as error:
            raise _BadLineError(ConfigProblem(*place, "", str(error))) from None
        labels, ignored = table.labels(fields)
        for sentence in ignored:
            self._entries.note(ConfigProblem(self._file, index + 1, 1, "", sentence))
        self._entries.found.append((place, domain, labels))

    def _check_length(self, index: int) -> None:
        """Raises _BadLineError for a line that is too long."""
        if len(self._lines[index]) > MAX_LINE:
            why = f"is a line of more than {MAX_LINE:,} bytes"
            raise _BadLineError(ConfigProblem(self._file, index + 1, 1, "", why))

    def _text(self, index: int) -> str:
        """The text of a line. Raises _BadLineError."""
        self._check_length(index)
        text = decoded(self._file, self._lines[index])
        if isinstance(text, ConfigProblem):
            raise _BadLineError(ConfigProblem(self._file, index + 1, text.column, "", text.message))
        return text

    def _shown(self, index: int) -> str:
        """The beginning of a line, whatever it is."""
        return self._lines[index][:MAX_LINE].decode("utf-8-sig", "replace")


def _says_something(text: str, separator: str = "") -> bool:
    """False for an empty line, a comment, and a rule between rows."""
    text = text.strip()
    if not text or _RULE.fullmatch(text):
        return False
    # In a table of semicolons one of them at the start is an empty field.
    return not text.startswith(_COMMENTS) or text[0] == separator


def _first_column(text: str) -> tuple[str, int]:
    """The first column and its place; empty for a line without an entry. Raises ValueError."""
    if not _says_something(text):
        return "", 1
    column = _COLUMN.match(text)
    assert column is not None  # noqa: S101 - all its parts are optional
    number = 2 if column[1] is None else 1
    name = column[number].strip()
    if not name:
        raise ValueError("has nothing in its first column")
    return "" if name == _WILDCARD else name, column.start(number) + 1
