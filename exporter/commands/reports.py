"""The reports of a one-shot probe: transcripts of a few names, or JSON for a script; table.py has that of many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, Protocol, TextIO

from exporter.commands.terminal import VERDICT_INKS, Ink, Line, Screen, Span, line
from exporter.model.failure import Failure
from exporter.model.result import DomainResult, HostResult, MxLookup
from exporter.model.target import Target
from exporter.report.as_json import as_json, local_state_json
from exporter.report.local_state import LocalState, local_state_lines
from exporter.report.path_summary import path_summary
from exporter.report.summary import deciding_host, summarise, summary_lines
from exporter.report.transcript import (
    domain_lines,
    failure_line,
    host_heading,
    marked_lines,
    outcome_line,
    policy_lines,
    remark_lines,
    warnings_line,
)

# Columns before the text of a line of a transcript: indentation, time, direction.
_TEXT: Final = 16
_WITNESS: Final = 14  # the same before a line about another port or the path
_DIRECTION_INKS: Final = {">": Ink.OURS, "*": Ink.NOTE}


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

    def finish(self) -> int:
        """End the report; returns the exit code."""


class JsonReport:
    """One JSON object a name and line, in the order of completion."""

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

    def finish(self) -> int:
        """The exit code."""
        return int(self._down)


class TranscriptReport:
    """Every transcript line by line with its times, then the verdict in a sentence."""

    streams = False

    def __init__(self, screen: Screen, helo: str = "") -> None:
        """`helo`: the name of this host where the configuration has none."""
        self._screen = screen
        self._helo = helo
        self._down = False
        self._blocks = 0

    def progress(self, result: DomainResult) -> None:
        """Show nothing: there are but a few."""

    def know(self, side: LocalState) -> None:
        """Print the state as the first lines."""
        for text in local_state_lines(side):
            self._screen.show(line((text, Ink.LOCAL)))
            self._blocks += 1

    def add(self, target: Target, result: DomainResult) -> None:
        """Print the result."""
        self._down |= not result.up
        if self._blocks:
            self._screen.show(line())
        self._blocks += 1
        self._screen.show(*_transcripts(target.name, result), line(), *_summary(target, result, self._helo))

    async def keep_drawn(self) -> None:
        """Draw nothing."""

    def finish(self) -> int:
        """The exit code."""
        return int(self._down)


def _transcripts(name: str, result: DomainResult) -> Iterator[Line]:
    if result.lookup is not None:
        yield from _lookup(name, result.lookup, result.failure)
    for text in (*domain_lines(result), *policy_lines(result)):
        yield line(f"  {text}", hang=4)
    summarised = deciding_host(result)
    for host in result.hosts:
        yield line()
        yield from _session(host, result)
        if summarised is None or host.identity != summarised.identity:
            yield from _other_evidence(host)
        if (outcome := outcome_line(host, result, summarised)) is not None:
            yield line("  ", *_coloured(outcome, host.failure), hang=4)
        if host.outcome.reported_warnings:
            word, _, rest = warnings_line(host).partition(":")
            yield line("  ", (word, Ink.DEGRADED), f":{rest}", hang=4)


def _session(host: HostResult, result: DomainResult) -> Iterator[Line]:
    """The heading, the transcript and the remarks of one session."""
    yield line((host_heading(host, result), Ink.HEADING), hang=2)
    if host.timings.tcp_rtt is not None:
        _, connect = next(iter(host.timings.phases), ("", 0.0))
        text = f"connected (kernel round-trip time {host.timings.tcp_rtt * 1000:.1f} ms)"
        yield line("  ", (_ms(connect), Ink.DIM), "   ", (text, Ink.DIM), hang=_TEXT)
    for at, text in marked_lines(host):
        yield line("  ", (_ms(at), Ink.DIM), " ", (text, _DIRECTION_INKS.get(text[0], Ink.PLAIN)), hang=_TEXT)
    for remark in remark_lines(host):
        yield line(f"  {remark}", hang=4)


def _coloured(outcome: str, failure: Failure | None) -> tuple[Span, Span]:
    """Its first word in the colour of the verdict."""
    word, colon, rest = outcome.partition(":")
    return (word, VERDICT_INKS[None if failure is None else failure.verdict]), (colon + rest, Ink.PLAIN)


def _summary(target: Target, result: DomainResult, helo: str) -> Iterator[Line]:
    """The summary of the whole: verdict, finding, evidence, the next step."""
    name, settings, failure = target.name, target.settings, result.failure
    summary = summarise(name, result, helo=settings.helo or helo, port=settings.port)
    first, *more = summary_lines(summary, failure)
    if failure is None:
        before, word, after = first.removeprefix(name).partition("up")
        yield line((name, Ink.HEADING), before, (word, Ink.UP), after)
    else:
        word = failure.verdict.value
        yield line((word, VERDICT_INKS[failure.verdict]), first.removeprefix(word), hang=4)
    for text in more:
        yield line(text, hang=4)


def _other_evidence(host: HostResult) -> Iterator[Line]:
    """The evidence beside the session: other ports of the address, and the path to it."""
    if host.evidence is None:
        return
    for witness in host.evidence.witnesses:
        yield line(" " * _WITNESS, f"port {witness.port}: {witness.outcome}", hang=_WITNESS + 2)
    if host.evidence.path is not None:
        yield line(" " * _WITNESS, f"path: {path_summary(host.evidence.path)}", hang=_WITNESS + 2)


def _lookup(name: str, lookup: MxLookup, summarised: Failure | None) -> Iterator[Line]:
    took = "" if lookup.duration is None else f" ({_ms(lookup.duration).strip()})"
    # Where the lookup failed, the domain itself is no mail host either.
    implicit = not lookup.mx_records and lookup.failure is None
    found = "implicit MX" if implicit else f"{lookup.mx_records} MX"
    yield line((name, Ink.HEADING), f": {found}", (took, Ink.DIM))
    if lookup.failure is not None and lookup.failure != summarised:
        yield line("  ", *_coloured(failure_line(lookup.failure), lookup.failure), hang=4)
    for host in lookup.hosts:
        before = f"  {host.preference:5d} {host.name}: "
        if host.failure is None:
            yield line(before, ", ".join(host.addresses), hang=8)
        elif summarised is not None and host.failure.detail == summarised.detail:
            yield line(before.rstrip(": "), hang=8)
        else:
            yield line(before, *_coloured(failure_line(host.failure), host.failure), hang=8)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:8.1f} ms"
