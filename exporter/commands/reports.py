"""What the user sees of a probe: dialogues of a few names, or JSON for a script. The table of many is in table.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, Protocol, TextIO

from exporter.commands.terminal import VERDICT_INKS, Ink, Line, Screen, Span, line
from exporter.model.failure import Failure
from exporter.model.result import HostResult, MxLookup, ProbeResult
from exporter.model.target import Target
from exporter.report.as_json import as_json, local_state_json
from exporter.report.local_state import LocalState, local_state_lines
from exporter.report.summary import path_sentence, speaker, summarise, summary_lines
from exporter.report.transcript import describe, host_heading, outcome_of, policy_lines, remarks, spoken, warned

# Columns before what a line of a dialogue says: indentation, time, direction.
_SPOKEN: Final = 16
_AROUND: Final = 14
_SPEAKERS: Final = {">": Ink.OURS, "*": Ink.NOTE}


class Report(Protocol):
    """Takes results. `streams`: it shows each as soon as nothing can change it any more."""

    streams: bool

    def progress(self, result: ProbeResult) -> None:
        """One more name was probed; it is added sooner or later."""

    def know(self, side: LocalState) -> None:
        """How our own side is now: said before anything else where something is wrong with it."""

    def add(self, target: Target, result: ProbeResult) -> None:
        """What there is to be said of a name."""

    def finish(self) -> int:
        """All are; returns the exit code."""


class JsonReport:
    """One JSON object a name and line, in the order of completion."""

    streams = True

    def __init__(self, out: TextIO, helo: str = "") -> None:
        """`helo`: what this host calls itself where the configuration says nothing."""
        self._out = out
        self._helo = helo
        self._down = False
        self._side = LocalState()

    def progress(self, result: ProbeResult) -> None:
        """The lines show it."""

    def know(self, side: LocalState) -> None:
        """Each line from now on has it first."""
        self._side = side

    def add(self, target: Target, result: ProbeResult) -> None:
        """Print it."""
        self._down |= not result.up
        settings = target.settings
        data = {"egress": local_state_json(self._side)}
        data |= as_json(target.name, result, helo=settings.helo or self._helo, port=settings.port)
        print(json.dumps(data, ensure_ascii=False), file=self._out, flush=True)

    def finish(self) -> int:
        """The exit code."""
        return int(self._down)


class DialogueReport:
    """Every dialogue line by line with its times, then the verdict in a sentence."""

    streams = False

    def __init__(self, screen: Screen, helo: str = "") -> None:
        """`helo`: what this host calls itself where the configuration says nothing."""
        self._screen = screen
        self._helo = helo
        self._down = False
        self._blocks = 0

    def progress(self, result: ProbeResult) -> None:
        """There are but a few."""

    def know(self, side: LocalState) -> None:
        """The first lines."""
        for text in local_state_lines(side):
            self._screen.show(line((text, Ink.LOCAL)))
            self._blocks += 1

    def add(self, target: Target, result: ProbeResult) -> None:
        """Print it."""
        self._down |= not result.up
        if self._blocks:
            self._screen.show(line())
        self._blocks += 1
        self._screen.show(*_dialogue(target.name, result), line(), *_conclusion(target, result, self._helo))

    def finish(self) -> int:
        """The exit code."""
        return int(self._down)


def _dialogue(name: str, result: ProbeResult) -> Iterator[Line]:
    if result.lookup is not None:
        yield from _lookup(name, result.lookup, result.failure)
    concluded = speaker(result)
    for text in policy_lines(result):
        yield line(f"  {text}", hang=4)
    for host in result.hosts:
        yield line()
        yield line((host_heading(host), Ink.HEADING), hang=2)
        phases = dict(host.timings.phases)
        if host.timings.tcp_rtt is not None:
            connect = next(iter(phases.values()), 0.0)
            said = f"connected (kernel round-trip time {host.timings.tcp_rtt * 1000:.1f} ms)"
            yield line("  ", (_ms(connect), Ink.DIM), "   ", (said, Ink.DIM), hang=_SPOKEN)
        for at, text in spoken(host):
            yield line("  ", (_ms(at), Ink.DIM), " ", (text, _SPEAKERS.get(text[0], Ink.PLAIN)), hang=_SPOKEN)
        for remark in remarks(host):
            yield line(f"  {remark}", hang=4)
        if host is not concluded:
            yield from _around(host)
        if (outcome := outcome_of(host, result, concluded)) is not None:
            yield line("  ", *_coloured(outcome, host.failure), hang=4)
        if host.outcome.reported_warnings:
            word, _, rest = warned(host).partition(":")
            yield line("  ", (word, Ink.DEGRADED), f":{rest}", hang=4)


def _coloured(outcome: str, failure: Failure | None) -> tuple[Span, Span]:
    """Its first word in the colour of the verdict."""
    word, colon, rest = outcome.partition(":")
    return (word, VERDICT_INKS[None if failure is None else failure.verdict]), (colon + rest, Ink.PLAIN)


def _conclusion(target: Target, result: ProbeResult, helo: str) -> Iterator[Line]:
    """What is to be said of the whole: verdict, finding, evidence, what next."""
    name, settings, failure = target.name, target.settings, result.failure
    concluded = summarise(name, result, helo=settings.helo or helo, port=settings.port)
    first, *more = summary_lines(concluded, failure)
    if failure is None:
        before, word, after = first.removeprefix(name).partition("up")
        yield line((name, Ink.HEADING), before, (word, Ink.UP), after)
    else:
        word = failure.verdict.value
        yield line((word, VERDICT_INKS[failure.verdict]), first.removeprefix(word), hang=4)
    for text in more:
        yield line(text, hang=4)


def _around(host: HostResult) -> Iterator[Line]:
    """What was asked where the port itself did not answer."""
    if host.evidence is None:
        return
    for witness in host.evidence.witnesses:
        yield line(" " * _AROUND, f"port {witness.port}: {witness.way}", hang=_AROUND + 2)
    if host.evidence.path is not None:
        yield line(" " * _AROUND, f"path: {path_sentence(host.evidence.path)}", hang=_AROUND + 2)


def _lookup(name: str, lookup: MxLookup, told: Failure | None) -> Iterator[Line]:
    took = "" if lookup.duration is None else f" ({_ms(lookup.duration).strip()})"
    # Where the lookup failed, the domain itself is no mail host either.
    implicit = not lookup.mx_records and lookup.failure is None
    found = "implicit MX" if implicit else f"{lookup.mx_records} MX"
    yield line((name, Ink.HEADING), f": {found}", (took, Ink.DIM))
    if lookup.failure is not None and lookup.failure != told:
        yield line("  ", *_coloured(describe(lookup.failure), lookup.failure), hang=4)
    for host in lookup.hosts:
        before = f"  {host.preference:5d} {host.name}: "
        if host.failure is None:
            yield line(before, ", ".join(host.addresses), hang=8)
        elif told is not None and host.failure.detail == told.detail:
            yield line(before.rstrip(": "), hang=8)
        else:
            yield line(before, *_coloured(describe(host.failure), host.failure), hang=8)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:8.1f} ms"
