"""The report of a probe of many names: a progress bar while it lasts, a table and the counts at the end."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TextIO

from exporter.commands.reports import missing
from exporter.commands.terminal import (
    ERASE,
    VERDICT_INKS,
    Ink,
    Line,
    Screen,
    Span,
    can_show,
    columns_of,
    cut,
    fitted,
    line,
)
from exporter.diagnosis.advice import mark_of
from exporter.model.failure import Verdict
from exporter.model.printable import printable
from exporter.model.result import DomainResult
from exporter.model.target import Target
from exporter.report.local_state import LocalState, local_state_lines
from exporter.web.pages.target_row import STATES, warnings_of

_BAR_WIDTH: Final = 30  # characters
_LEAST_BAR: Final = 5  # below, the figures have the room to themselves
_BAR_SECONDS: Final = 0.1  # between two drawings
# Characters of a filled and an empty part, and their ASCII replacements.
_BLOCKS: Final = ("█", "░")
_PLAIN_BLOCKS: Final = ("#", "-")

_HEADER: Final = ("NAME", "STATE", "CLASS", "ADDRESSES UP")
_NARROW_HEADER: Final = (*_HEADER[:3], "UP")
_MOST_PROVIDERS: Final = 3
_GAP: Final = "  "  # between two columns
_LEAST_COLUMN: Final = 7  # the longest that needs its letters, of a terminal too narrow for all: a state, cut
_LEAST_WORDS: Final = 30  # columns of the words behind a row; where fewer are left, they stand below the table
_SAID: Final = "the server said: "
_PLACES: Final = {state: place for place, state in enumerate(STATES)}


class _Row(NamedTuple):
    """One name. The words are those of the refusal, or of another failure."""

    name: str
    verdict: Verdict | None
    mark: str
    reason: str  # the class, or the warnings of a name that is up
    up: str
    words: str
    order: tuple[int, int, str]  # that of the status page, but for durations, which the table does not show

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The columns."""
        return self.name, _word(self.verdict) + self.mark, self.reason, self.up


class TableReport:
    """Collects results and shows all of them together."""

    streams = False

    def __init__(self, screen: Screen, progress: TextIO, total: int) -> None:
        """The bar is drawn on `progress`, where that is a terminal that can take a line back."""
        self._screen = screen
        self._total = total
        self._progress = progress if progress.isatty() and os.environ.get("TERM") != "dumb" else None
        self._began = time.monotonic()
        self._probed = 0
        self._down = 0
        self._side = LocalState()
        self._rows: list[_Row] = []
        self._warned = 0
        self._verdicts: Counter[Verdict | None] = Counter()
        self._at: Counter[str] = Counter()  # names by provider
        self._down_at: Counter[str] = Counter()

    def add(self, target: Target, result: DomainResult) -> None:
        """Collect the result."""
        row = _row(target.name, result)
        self._verdicts[row.verdict] += 1
        self._warned += row.verdict is None and bool(row.reason)
        self._at.update(result.providers)
        if row.verdict not in (None, Verdict.DECLINED):
            self._down_at.update(result.providers)
        self._rows.append(row)

    def progress(self, result: DomainResult) -> None:
        """Count the result."""
        self._probed += 1
        self._down += not result.up

    def know(self, side: LocalState) -> None:
        """Keep the state for the first lines at the end."""
        self._side = side

    async def keep_drawn(self) -> None:
        """Draw the bar by the clock: it moves while no probe ends, and is there before the first does."""
        out = self._progress
        if out is None:
            return
        blocks = _BLOCKS if can_show("".join(_BLOCKS), out) else _PLAIN_BLOCKS
        try:
            while True:
                # A line that wraps is not taken back by the next CR, whatever COLUMNS says. The cursor waits at the
                # line's beginning, so that other output meanwhile, a warning or a ^C, takes the bar's place.
                out.write(f"{ERASE}{self._bar(time.monotonic() - self._began, columns_of(out, {}) - 1, blocks)}\r")
                out.flush()
                await asyncio.sleep(_BAR_SECONDS)
        finally:
            out.write(ERASE)
            out.flush()

    def finish(self, without_result: Sequence[str] = ()) -> int:
        """Print the table; returns the exit code."""
        rows = sorted(self._rows, key=lambda row: row.order)
        header, widths = _HEADER, _widths([_HEADER, *(row.cells for row in rows)])
        width = self._screen.width
        room = None if width is None else width - len(_GAP) * (len(_HEADER) - 1)
        if room is not None and sum(widths) > room:
            widths = _widths([_NARROW_HEADER, *(row.cells for row in rows)])
            header, widths = _NARROW_HEADER, fitted(widths, room, _LEAST_COLUMN)
        left = None if room is None else room - sum(widths) - len(_GAP)
        longest = max((len(row.words) for row in rows), default=0)
        are_below = left is not None and left < min(longest, _LEAST_WORDS)
        shown = [line((text, Ink.LOCAL)) for text in local_state_lines(self._side)]
        shown.append(self._row(header, Ink.HEADING, widths))
        for row in rows:
            words = "" if are_below else row.words if left is None else cut(row.words, left, self._screen.ellipsis)
            shown.append(self._row(row.cells, VERDICT_INKS[row.verdict], widths, words))
        if are_below:
            shown += [line((row.name, Ink.HEADING), f": {row.words}", hang=2) for row in rows if row.words]
        shown += [self._counts(), *self._common()]
        if without_result:
            shown.append(line(missing(without_result), hang=2))
        self._screen.show(*shown)
        return int(self._verdicts[None] != self._total)

    def _row(self, cells: Sequence[str], ink: Ink, widths: Sequence[int], words: str = "") -> Line:
        shown = [cut(cell, width, self._screen.ellipsis) for cell, width in zip(cells, widths, strict=True)]
        # The state has its colour, the header all of it; nothing pads the end of a line.
        pieces: list[Span] = []
        for column, (text, width) in enumerate(zip(shown, widths, strict=True)):
            pieces.append((text, ink if column == 1 or ink is Ink.HEADING else Ink.PLAIN))
            if column < len(widths) - 1 or words:
                pieces.append((" " * (width - len(text)) + _GAP, Ink.PLAIN))
        return line(*pieces, (words, Ink.DIM))

    def _counts(self) -> Line:
        done = len(self._rows)
        names = f"{done} names" if done == self._total else f"{done} of {self._total} names, then interrupted,"
        pieces = list(self._count_of_each())
        return line(f"{names} in {time.monotonic() - self._began:.1f} s: ", *pieces)

    def _count_of_each(self) -> Iterator[str | Span]:
        found = sorted(self._verdicts.items(), key=lambda item: _PLACES[_word(item[0])])
        for place, (verdict, count) in enumerate(found):
            yield f"{', ' if place else ''}{count} "
            yield _word(verdict), VERDICT_INKS[verdict]
            if verdict is None and self._warned:
                yield f" ({self._warned} with warnings)"

    def _common(self) -> Iterator[Line]:
        """The providers of several names that are down: one fault, probably, and not many."""
        worst = sorted(self._down_at.items(), key=lambda item: (-item[1], item[0]))[:_MOST_PROVIDERS]
        several = [f"{printable(name)} {down} of {self._at[name]}" for name, down in worst if down > 1]
        if several:
            yield line(f"down by provider: {', '.join(several)}", hang=2)

    def _bar(self, seconds: float, room: int, blocks: tuple[str, str]) -> str:
        done = self._probed
        rate = done / seconds if seconds else 0.0
        left = f"{_time_left((self._total - done) / rate)} left" if rate else "? left"
        # The most important figures come first: a narrow terminal shows no more.
        figures = f"{done}/{self._total}  {rate:.{0 if rate >= 10 else 1}f}/s  {left}  {self._down} down"
        length = min(_BAR_WIDTH, room - len(figures) - 1)
        if length < _LEAST_BAR:
            return figures[:room]
        filled = length * done // self._total
        return f"{blocks[0] * filled}{blocks[1] * (length - filled)} {figures}"


def _row(name: str, result: DomainResult) -> _Row:
    failure = result.failure
    verdict = None if failure is None else failure.verdict
    reason = ", ".join(warnings_of(result)) if failure is None else failure.failure_class.value
    wellness = 0  # of those that are up: with an address down, with warnings, well
    if failure is None and result.addresses_up == len(result.hosts):
        wellness = 1 if reason else 2
    return _Row(
        name,
        verdict,
        "" if failure is None else mark_of(failure.confidence),
        reason,
        f"{result.addresses_up}/{result.addresses}",
        "" if failure is None else printable(failure.detail.removeprefix(_SAID)),
        (_PLACES[_word(verdict)], wellness, name),
    )


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]


def _word(verdict: Verdict | None) -> str:
    return "up" if verdict is None else verdict.value


def _time_left(seconds: float) -> str:
    """A rough time left, for a glance."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
