"""Lines of output: in colour and within its width on a terminal, unchanged in a file or a pipe.

A colour says nothing that the words beside it do not. All output passes :class:`Screen`, which escapes what a server
may have put in; the only escape sequences are those of :class:`Ink`.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, TextIO

from exporter.model.failure import Verdict
from exporter.model.printable import printable

_USUAL_COLUMNS: Final = 80  # of a terminal that does not know its width
_LEAST_COLUMNS: Final = 10  # narrower, nothing can be read anyway
# Columns that a wrapped line must have beside its indentation; where less would be left, it is not indented.
_LEAST_TEXT: Final = 24
_SMALL_INDENT: Final = 2
# General categories (Unicode 4.5) of characters that stand over the one before.
_COMBINING: Final = frozenset({"Mn", "Me"})
_RESET: Final = "\x1b[0m"
# Erases the line that the cursor is on (ECMA-48 8.3.41), from its beginning.
ERASE: Final = "\r\x1b[K"


class Ink(Enum):
    """The meaning of a piece of a line, as parameters of SGR (ECMA-48 8.3.117).

    All are of the eight colours that a user's theme has made readable, none of which is black or white.
    """

    PLAIN = ""
    HEADING = "1"
    DIM = "2"
    OURS = "36"
    NOTE = "3"
    UP = "32"
    BLOCKED = "1;35"
    UNDETERMINED = "31"
    DEAD = "1;31"
    DEGRADED = "33"
    MISCONFIGURED = "1;33"
    LOCAL = "1;36"
    DECLINED = "4"


Span = tuple[str, Ink]

VERDICT_INKS: Final[Mapping[Verdict | None, Ink]] = MappingProxyType(
    {
        None: Ink.UP,
        Verdict.BLOCKED: Ink.BLOCKED,
        Verdict.UNDETERMINED: Ink.UNDETERMINED,
        Verdict.DEAD: Ink.DEAD,
        Verdict.DEGRADED: Ink.DEGRADED,
        Verdict.MISCONFIGURED: Ink.MISCONFIGURED,
        Verdict.DECLINED: Ink.DECLINED,
        Verdict.LOCAL: Ink.LOCAL,
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line; where it is too long for the terminal, it goes on `hang` columns to the right."""

    spans: tuple[Span, ...] = ()
    hang: int = 0

    @property
    def text(self) -> str:
        """The line as it is in a file."""
        return "".join(text for text, _ in self.spans)


def line(*pieces: str | Span, hang: int = 0) -> Line:
    """A line of pieces; a bare text is plain."""
    return Line(tuple((piece, Ink.PLAIN) if isinstance(piece, str) else piece for piece in pieces), hang)


class Screen:
    """The destination of lines. Only a terminal has a width."""

    def __init__(self, out: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._environ = environ
        self._colours = wants_colours(self._is_terminal, environ)
        self._takes_back = self._is_terminal and environ.get("TERM") != "dumb"
        self._hint = ""  # as it is shown

    @property
    def width(self) -> int | None:
        """Columns of the terminal as it is now; None where there is none."""
        return columns_of(self._out, self._environ) if self._is_terminal else None

    @property
    def ellipsis(self) -> str:
        """The sign for something left out."""
        return "…" if can_show("…", self._out) else "~"

    def show(self, *lines: Line) -> None:
        """Print lines."""
        self.hint("")
        for one in lines:
            for spans in self._rows(one):
                self._out.write("".join(map(self._coloured, spans)) + "\n")
        self._out.flush()

    def hint(self, text: str) -> None:
        """Show what is waited for, in a line that the next one replaces; only a terminal gets it."""
        if not self._takes_back or text == self._hint:
            return
        self._hint = text
        # A line that wraps is not taken back by the next CR, whatever COLUMNS says. The cursor waits at the line's
        # beginning, so that other output meanwhile takes its place.
        room = columns_of(self._out, {}) - 1
        shown = cut(harmless(text, self._out), room, self.ellipsis)
        self._out.write(f"{ERASE}{shown}\r" if shown else ERASE)
        self._out.flush()

    def _rows(self, one: Line) -> Iterator[Sequence[Span]]:
        spans = [(harmless(text, self._out), ink) for text, ink in one.spans]
        width = self.width
        text = "".join(text for text, _ in spans)
        if width is None or width_of(text) <= width:
            yield spans
            return
        hang = one.hang if width - one.hang >= _LEAST_TEXT else min(one.hang, _SMALL_INDENT)
        for start, end in wrapped(text, width, hang):
            yield [(" " * hang if start else "", Ink.PLAIN), *_slice(spans, start, end)]

    def _coloured(self, span: Span) -> str:
        text, ink = span
        return f"\x1b[{ink.value}m{text}{_RESET}" if self._colours and ink.value and text.strip() else text


def wants_colours(is_terminal: bool, environ: Mapping[str, str]) -> bool:
    """NO_COLOR (no-color.org) outranks FORCE_COLOR and CLICOLOR_FORCE (bixense.com/clicolors), and they the terminal.

    An empty variable is as if it were not set; one that forces and is 0 forces nothing.
    """
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return is_terminal and environ.get("TERM") != "dumb"


def columns_of(terminal: TextIO, environ: Mapping[str, str] = os.environ) -> int:
    """The width of a terminal as it is now, or the width that COLUMNS asks for (POSIX.1-2017 XBD 8.3).

    A shell keeps its COLUMNS to itself: where there is one, it was exported on purpose.
    """
    wished = environ.get("COLUMNS", "")
    if wished.isascii() and wished.isdigit() and int(wished[:6]):
        return max(int(wished[:6]), _LEAST_COLUMNS)
    try:
        columns = os.get_terminal_size(terminal.fileno()).columns
    except OSError:  # it has just gone
        columns = 0
    return max(columns or _USUAL_COLUMNS, _LEAST_COLUMNS)


def can_show(text: str, out: TextIO) -> bool:
    """True if the encoding of `out` has every character of `text`."""
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def harmless(text: str, out: TextIO) -> str:
    """`text` with control and format characters escaped, and those that the encoding does not have."""
    text = printable(text, len(text))
    if text.isascii():
        return text
    encoding = out.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def width_of(text: str) -> int:
    """The columns of a text (Unicode Standard Annex 11: wide characters take two; combining ones none)."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, width: int, ellipsis: str) -> str:
    """The beginning of a text in so many columns, with an ellipsis where it does not fit."""
    if width_of(text) <= width:
        return text
    return text[: _fitting(text, 0, max(0, width - 1))] + ellipsis


def wrapped(text: str, width: int, hang: int) -> Iterator[tuple[int, int]]:
    """The begin and end of each row, all but the first `hang` columns shorter; broken between words where possible."""
    start, room = 0, width
    while (fitting := _fitting(text, start, room)) < len(text):
        end = max(fitting, start + 1)
        following = end
        # Not within the indentation of the first row, though.
        words = len(text[start:end]) - len(text[start:end].lstrip())
        if text[end] != " " and (space := text.rfind(" ", start + words, end)) > 0:
            end, following = space, space + 1
        while following < len(text) and text[following] == " ":
            following += 1
        yield start, end
        start, room = following, width - hang
    if start < len(text):
        yield start, len(text)


def fitted(widths: Sequence[int], room: int, least: int) -> list[int]:
    """Widths of columns that together take `room`, as far as none becomes narrower than `least`: the widest give."""
    fitting = list(widths)
    while sum(fitting) > room and (widest := max(fitting)) > least:
        fitting[fitting.index(widest)] = widest - 1
    return fitting


def _fitting(text: str, start: int, width: int) -> int:
    """The end of the longest part from `start` that takes at most `width` columns."""
    taken = 0
    for place in range(start, len(text)):
        taken += _width(text[place])
        if taken > width:
            return place
    return len(text)


def _width(char: str) -> int:
    if unicodedata.category(char) in _COMBINING:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _slice(spans: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    place = 0
    for text, ink in spans:
        part = text[max(0, start - place) : max(0, end - place)]
        if part:
            yield part, ink
        place += len(text)
