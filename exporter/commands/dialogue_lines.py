"""The lines of a probe's dialogues and of its verdict, for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from exporter.commands.live import LiveLine, connected_text
from exporter.commands.terminal import VERDICT_INKS, Ink, Line, Span, line
from exporter.model.failure import Failure
from exporter.model.result import DomainResult, HostResult, MxLookup
from exporter.model.target import Target
from exporter.report.path_summary import path_summary
from exporter.report.summary import summarise, summary_lines
from exporter.report.transcript import (
    WARNING,
    failure_line,
    host_warning_lines,
    marked_lines,
    remark_lines,
)

# Columns before the text of a line of a transcript: indentation, time, direction.
_TEXT: Final = 16
_WITNESS: Final = 14  # the same before a line about another port or the path
_DIRECTION_INKS: Final = {">": Ink.OURS, "*": Ink.NOTE}


def lookup_lines(name: str, lookup: MxLookup, summarised: Failure | None) -> Iterator[Line]:
    """The MX hosts with their addresses; what the failure `summarised` says below is not repeated."""
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


def about_lines(texts: Iterable[str]) -> Iterator[Line]:
    """The providers of the domain, its warnings or its policies."""
    for text in texts:
        yield _marked(text)


def heading_line(mx: str, address: str, preference: int | None) -> Line:
    """The host of a session."""
    before = "" if preference is None else f"{preference} "
    return line((f"{before}{mx} [{address or 'no address'}]", Ink.HEADING), hang=2)


def session_lines(host: HostResult) -> Iterator[Line]:
    """The dialogue of a session that is over."""
    if host.timings.tcp_rtt is not None:
        _, connect = next(iter(host.timings.phases), ("", 0.0))
        yield live_line(LiveLine(connect, connected_text(host.timings.tcp_rtt), ""))
    for at, text in marked_lines(host):
        yield live_line(LiveLine(at, text[2:], text[:2]))


def live_line(one: LiveLine) -> Line:
    """A line of a dialogue."""
    if not one.mark:
        return line("  ", (_ms(one.at), Ink.DIM), "   ", (one.text, Ink.DIM), hang=_TEXT)
    ink = _DIRECTION_INKS.get(one.mark[0], Ink.PLAIN)
    return line("  ", (_ms(one.at), Ink.DIM), " ", (f"{one.mark}{one.text}", ink), hang=_TEXT)


def remarks(host: HostResult) -> Iterator[Line]:
    """The remarks on a host."""
    for remark in remark_lines(host):
        yield line(f"  {remark}", hang=4)


def outcome(text: str, failure: Failure | None) -> Line:
    """The outcome of a host."""
    return line("  ", *_coloured(text, failure), hang=4)


def warnings(host: HostResult) -> Iterator[Line]:
    """The warnings of a host."""
    yield from map(_marked, host_warning_lines(host))


def evidence(host: HostResult) -> Iterator[Line]:
    """The evidence beside the session: other ports of the address, and the path to it."""
    if host.evidence is None:
        return
    for witness in host.evidence.witnesses:
        yield line(" " * _WITNESS, f"port {witness.port}: {witness.outcome}", hang=_WITNESS + 2)
    if host.evidence.path is not None:
        yield line(" " * _WITNESS, f"path: {path_summary(host.evidence.path)}", hang=_WITNESS + 2)


def verdict_lines(target: Target, result: DomainResult, helo: str) -> Iterator[Line]:
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


def _marked(text: str) -> Line:
    """A line about a host or a domain; that of a warning has its word in colour."""
    word, is_warning, rest = text.partition(f"{WARNING}: ")
    if not is_warning or word:
        return line(f"  {text}", hang=4)
    return line("  ", (WARNING, Ink.DEGRADED), f": {rest}", hang=4)


def _coloured(text: str, failure: Failure | None) -> Sequence[Span]:
    """The sentence with its first word in the colour of the verdict."""
    word, colon, rest = text.partition(":")
    return (word, VERDICT_INKS[None if failure is None else failure.verdict]), (colon + rest, Ink.PLAIN)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:8.1f} ms"
