"""What the user sees of a probe: dialogues of a few names, a table of many, or JSON for a script."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final, Protocol, TextIO

from exporter.config.model import Target
from exporter.manual.as_json import as_json
from exporter.probe.transcript import describe, host_heading, policy_lines, remarks, spoken
from exporter.result import HostResult, MxLookup, ProbeResult
from exporter.sentence import path_sentence, sentence

_BAR_WIDTH: Final = 30  # characters
_BAR_SECONDS: Final = 0.1  # between two drawings
_USUAL_COLUMNS: Final = 80


class Report(Protocol):
    """Takes results. `streams`: it shows each as soon as nothing can change it any more."""

    streams: bool

    def progress(self, result: ProbeResult) -> None:
        """One more name was probed; it is added sooner or later."""

    def add(self, target: Target, result: ProbeResult) -> None:
        """What there is to be said of a name."""

    def finish(self) -> int:
        """All are; returns the exit code."""


class JsonReport:
    """One JSON object a name and line, in the order of completion."""

    streams = True

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._down = False

    def progress(self, result: ProbeResult) -> None:
        """The lines show it."""

    def add(self, target: Target, result: ProbeResult) -> None:
        """Print it."""
        self._down |= not result.up
        print(json.dumps(as_json(target.name, result), ensure_ascii=False), file=self._out, flush=True)

    def finish(self) -> int:
        """The exit code."""
        return int(self._down)


class DialogueReport:
    """Every dialogue line by line with its times, then the verdict in a sentence."""

    streams = False

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._down = False
        self._blocks = 0

    def progress(self, result: ProbeResult) -> None:
        """There are but a few."""

    def add(self, target: Target, result: ProbeResult) -> None:
        """Print it."""
        self._down |= not result.up
        if self._blocks:
            print(file=self._out)
        self._blocks += 1
        for line in _dialogue(target.name, result):
            print(line, file=self._out)
        self._out.flush()

    def finish(self) -> int:
        """The exit code."""
        return int(self._down)


def _dialogue(name: str, result: ProbeResult) -> Iterator[str]:
    if result.lookup is not None:
        yield from _lookup(name, result.lookup)
    for line in policy_lines(result):
        yield f"  {line}"
    for host in result.hosts:
        yield ""
        yield host_heading(host)
        phases = dict(host.phases)
        if host.tcp_rtt is not None:
            connect = next(iter(phases.values()), 0.0)
            yield f"  {_ms(connect)}   connected (kernel round-trip time {host.tcp_rtt * 1000:.1f} ms)"
        for at, text in spoken(host):
            yield f"  {_ms(at)} {text}"
        for remark in remarks(host):
            yield f"  {remark}"
        yield from _around(host)
        yield "  " + ("up" if host.failure is None else describe(host.failure))
        if host.warnings and host.up:
            yield f"  works, yet: {', '.join(host.warnings)}"
    yield ""
    yield sentence(name, result)


def _around(host: HostResult) -> Iterator[str]:
    """What was asked where the port itself did not answer."""
    if host.evidence is None:
        return
    for witness in host.evidence.witnesses:
        yield f"              port {witness.port}: {witness.way}"
    if host.evidence.path is not None:
        yield f"              path: {path_sentence(host.evidence.path)}"


def _lookup(name: str, lookup: MxLookup) -> Iterator[str]:
    took = "" if lookup.duration is None else f" ({_ms(lookup.duration).strip()})"
    # Where the lookup failed, the domain itself is no mail host either.
    implicit = not lookup.mx_records and lookup.failure is None
    yield f"{name}: {'implicit MX' if implicit else f'{lookup.mx_records} MX'}{took}"
    if lookup.failure is not None:
        yield f"  {describe(lookup.failure)}"
    for host in lookup.hosts:
        found = ", ".join(host.addresses) if host.failure is None else describe(host.failure)
        yield f"  {host.preference:5d} {host.name}: {found}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:8.1f} ms"


class TableReport:
    """A progress bar while it lasts, where the terminal has room for one; a table and the counts at the end."""

    streams = False

    def __init__(self, out: TextIO, progress: TextIO, total: int) -> None:
        self._out = out
        self._total = total
        self._progress = progress if progress.isatty() else None
        self._began = time.monotonic()
        self._probed = 0
        self._down = 0
        self._rows: list[tuple[str, str, str, str]] = []
        self._verdicts: Counter[str] = Counter()

    def add(self, target: Target, result: ProbeResult) -> None:
        """Remember it."""
        failure = result.failure
        self._verdicts[failure.verdict if failure else "up"] += 1
        state, reason = ("up", "") if failure is None else (failure.verdict.value, failure.failure_class.value)
        addresses = f"{result.addresses_up}/{result.addresses}"
        self._rows.append((target.name, state, reason, addresses))

    def progress(self, result: ProbeResult) -> None:
        """Count it."""
        self._probed += 1
        self._down += not result.up

    async def keep_drawn(self) -> None:
        """The bar, by the clock: it moves while nothing is done, and is there before the first name is."""
        while self._progress is not None:
            # A line that wraps is not taken back by the next CR; a terminal that does not know its width says 0.
            width = os.get_terminal_size(self._progress.fileno()).columns or _USUAL_COLUMNS
            self._progress.write(f"\r\x1b[K{self._bar(time.monotonic() - self._began)[: width - 1]}")
            self._progress.flush()
            await asyncio.sleep(_BAR_SECONDS)

    def finish(self) -> int:
        """Print the table; the exit code."""
        if self._progress is not None:
            self._progress.write("\r\x1b[K")
            self._progress.flush()
        header = ("NAME", "STATE", "CLASS", "ADDRESSES UP")
        # Down first, and alike together: that is what one looks for.
        rows = sorted(self._rows, key=lambda row: (row[1] == "up", row[1], row[2], row[0]))
        widths = [max(len(row[column]) for row in (header, *rows)) for column in range(3)]
        for row in (header, *rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            print("  ".join([*cells, row[3]]), file=self._out)
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self._verdicts.items()))
        done = len(self._rows)
        names = f"{done} names" if done == self._total else f"{done} of {self._total} names, then interrupted,"
        print(f"{names} in {time.monotonic() - self._began:.1f} s: {counts}", file=self._out)
        return int(self._verdicts["up"] != self._total)

    def _bar(self, seconds: float) -> str:
        done = self._probed
        rate = done / seconds if seconds else 0.0
        left = (self._total - done) / rate if rate else 0.0
        filled = _BAR_WIDTH * done // self._total
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        return f"{bar} {done}/{self._total}  {rate:.0f}/s  {left:.0f} s left  {self._down} down"
