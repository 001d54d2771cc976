"""The reports of a one-shot probe: transcripts of a few names, or JSON for a script; table.py has that of many."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TextIO

from exporter.commands.hints import LOOK_SECONDS, Hint
from exporter.commands.live import LiveProbes
from exporter.commands.name_block import NameBlock
from exporter.commands.parser import PROGRAM
from exporter.commands.reader import is_gone
from exporter.commands.terminal import Ink, Line, Screen, line
from exporter.model.result import DomainResult
from exporter.model.target import Target
from exporter.report.as_json import as_json, local_state_json
from exporter.report.local_state import LocalState, local_state_lines

_MOST_MISSING: Final = 10


class Report(Protocol):
    """Shows results. `streams`: each as soon as nothing can change it any more."""

    streams: bool

    def progress(self, result: DomainResult) -> None:
        """Count one more result; it is added sooner or later."""

    def know(self, side: LocalState) -> None:
        """Take in the state of our own side, which stands before anything else where something is wrong with it."""

    def add(self, target: Target, result: DomainResult) -> None:
        """Take in a result that nothing changes any more."""

    async def keep_drawn(self) -> None:
        """Show the progress until cancelled, where there is anything to show."""

    def finish(self, without_result: Sequence[str] = ()) -> int:
        """End the report; returns the exit code. `without_result`: the names that Ctrl-C has left so."""


def missing(names: Sequence[str]) -> str:
    """The names without a result, as far as they can be read at a glance."""
    more = f" and {len(names) - _MOST_MISSING} more" if len(names) > _MOST_MISSING else ""
    return f"without a result: {', '.join(names[:_MOST_MISSING])}{more}"


def tell_missing(names: Sequence[str], out: TextIO) -> None:
    """Tell them beside the output of a script or to be copied, unless its reader has gone."""
    if names and not is_gone(out):
        print(f"{PROGRAM} probe: interrupted, {missing(names)}", file=sys.stderr)


class JsonReport:
    """One JSON object a name and line, in the order of their names."""

    streams = True

    def __init__(self, out: TextIO, helo: str = "") -> None:
        """`helo`: the name of this host where the configuration has none."""
        self._out = out
        self._helo = helo
        self._down = False
        self._side = LocalState()

    def progress(self, result: DomainResult) -> None:
        """Show nothing: the lines do."""

    def know(self, side: LocalState) -> None:
        """Put the state first on each line from now on."""
        self._side = side

    def add(self, target: Target, result: DomainResult) -> None:
        """Print the result."""
        self._down |= not result.up
        settings = target.settings
        data = {"egress": local_state_json(self._side)}
        data |= as_json(target.name, result, helo=settings.helo or self._helo, port=settings.port)
        print(json.dumps(data, ensure_ascii=False), file=self._out, flush=True)

    async def keep_drawn(self) -> None:
        """Draw nothing."""

    def finish(self, without_result: Sequence[str] = ()) -> int:
        """The exit code."""
        tell_missing(without_result, self._out)
        return int(self._down)


class TranscriptReport:
    """Every transcript line by line as it happens, name after name; then the verdict of each in a sentence."""

    streams = True

    def __init__(self, screen: Screen, helo: str = "", targets: Sequence[Target] = ()) -> None:
        """`helo`: the name of this host where the configuration has none; `targets`: those that will be added."""
        self.live: Final = LiveProbes()
        self._screen = screen
        self._helo = helo
        self._down = False
        self._left = [(target, NameBlock(target, self.live)) for target in targets]
        self._needs_gap = False  # before the next line
        self._side: list[str] = []
        self._shown_side: list[str] = []
        self._hint = Hint(screen)

    def progress(self, result: DomainResult) -> None:
        """Show nothing: there are but a few."""

    def know(self, side: LocalState) -> None:
        """Take in the state: it is shown above the next name, if it is another one."""
        self._side = list(local_state_lines(side))

    def add(self, target: Target, result: DomainResult) -> None:
        """Print the result, or what is left of it."""
        self._down |= not result.up
        block = NameBlock(target, self.live)
        while self._left:
            expected, waiting = self._left.pop(0)
            if expected is target:
                block = waiting
                break
            self._end(waiting.interrupted())
        self._show(block.new_lines())
        if self._side != self._shown_side:
            self._shown_side = self._side
            self._needs_gap |= block.has_lines
            self._show(line((text, Ink.LOCAL)) for text in self._side)
            self._needs_gap = not block.has_lines
        self._end(block.end(result, self._helo))

    async def keep_drawn(self) -> None:
        """Show each line of the first name that has no verdict yet, and what is waited for."""
        try:
            while True:
                if self._left:
                    _, block = self._left[0]
                    self._show(block.new_lines())
                    self._hint.show(*block.wait)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._screen.hint("")

    def finish(self, without_result: Sequence[str] = ()) -> int:
        """Show what is known of the names without a verdict; returns the exit code."""
        for _, block in self._left:
            self._end(block.interrupted())
        self._left = []
        return int(self._down)

    def _show(self, lines: Iterable[Line]) -> None:
        if new := list(lines):
            self._screen.show(*((line(),) if self._needs_gap else ()), *new)
            self._needs_gap = False

    def _end(self, lines: Iterable[Line]) -> None:
        """Show the last lines of a name."""
        self._show(lines)
        self._needs_gap = True
