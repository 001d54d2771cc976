"""A session's dialogue for a person: one line each, with its time, harmless to show."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.result import Failure, HostResult, ProbeResult, TranscriptLine
from exporter.smtp.printable import printable


def dialogue_lines(transcript: tuple[TranscriptLine, ...]) -> Iterator[tuple[float, bool, str]]:
    """(seconds since the connect, sent by us, text) for every line that went over the wire."""
    for piece in transcript:
        for line in piece.data.removesuffix(b"\n").split(b"\n"):
            yield piece.at, piece.sent, printable(line.removesuffix(b"\r"))


def host_heading(host: HostResult) -> str:
    """Which host and address a dialogue was with."""
    preference = "" if host.preference is None else f"{host.preference} "
    return f"{preference}{host.mx} [{host.address or 'no address'}]"


def dialogue_text(result: ProbeResult) -> str:
    """The dialogues of a whole probe as plain text."""
    blocks = []
    if result.lookup is not None and result.lookup.failure is not None:
        blocks.append(f"lookup: {describe(result.lookup.failure)}")
    for host in result.hosts:
        lines = [host_heading(host)]
        lines += [f"  {at:8.3f}s {'>' if sent else '<'} {text}" for at, sent, text in dialogue_lines(host.transcript)]
        lines.append("  up" if host.failure is None else f"  {describe(host.failure)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def describe(failure: Failure) -> str:
    """A failure on one line: whom to call, what it is, where, and the evidence."""
    return f"{failure.verdict}: {failure.failure_class} at {failure.stage}: {printable(failure.detail)}"
