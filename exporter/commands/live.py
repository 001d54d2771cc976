"""The probes under way, as far as a person watches them: what has been said so far, and what is waited for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from exporter.model.failure import Stage
from exporter.model.result import HostResult, MxLookup, TlsResult, TranscriptLine
from exporter.model.target import Target, TargetKey
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host
from exporter.probe.transcript_recorder import MAX_TRANSCRIPT_BYTES
from exporter.report.transcript import MAX_LINES, tls_line, transcript_lines

_WAITS: Final = {
    Stage.CONNECT: "connecting to {}",
    Stage.BANNER: "waiting for the greeting of {}",
    Stage.TLS: "TLS handshake with {}",
    Stage.DATA: "waiting for the answer of {} to the message",
}


class Awaited(NamedTuple):
    """The thing that is waited for, and since when by time.monotonic(); an empty text: nothing."""

    text: str = ""
    since: float = 0.0


class LiveLine(NamedTuple):
    """A line of a dialogue: seconds since its connect, and the text with its mark; "" before "connected"."""

    at: float
    text: str
    mark: str


class LiveSession:
    """The sessions of one conversation, as they happen: see :class:`exporter.probe.watched_session.SessionWatcher`.

    Most conversations have one. Where a handshake failed there may be others, whose times go on.
    """

    def __init__(self, mx: str, address: str) -> None:
        self.mx = mx  # whose name is used
        self.lines: list[LiveLine] = []
        self.address = address
        self._wait = Awaited()
        self._began: float | None = None
        self._offset = 0.0
        self._left = MAX_TRANSCRIPT_BYTES
        self._unfinished: TranscriptLine | None = None  # a line of the server's without its end

    @property
    def wait(self) -> Awaited:
        """The wait of the session, if one is under way."""
        return self._wait

    def awaits(self, stage: Stage) -> None:
        """See :class:`SessionWatcher`."""
        now = time.monotonic()
        if stage is Stage.CONNECT:
            if self._began is None:
                self._began = now
            else:
                self._offset = now - self._began
                self._add(0.0, "* ", "another session")
        about = _WAITS.get(stage, f"waiting for the answer of {{}} to {stage.upper()}")
        self._wait = Awaited(about.format(self.address), now)

    def connected(self, at: float, tcp_rtt: float | None) -> None:
        """See :class:`SessionWatcher`."""
        self._add(at, "", connected_text(tcp_rtt))
        self._wait = Awaited(f"waiting for a turn with {self.mx}", time.monotonic())

    def said(self, piece: TranscriptLine) -> None:
        """See :class:`SessionWatcher`. A line is shown whole."""
        if self._left <= 0:
            return
        piece = piece._replace(data=piece.data[: self._left])
        self._left -= len(piece.data)
        before, self._unfinished = self._unfinished, None
        if before is not None and before.sent is piece.sent:
            piece = piece._replace(data=before.data + piece.data)
        elif before is not None:
            self._take(before)
        whole, newline, rest = piece.data.rpartition(b"\n")
        if newline:
            self._take(piece._replace(data=whole + newline))
        if rest:
            self._unfinished = piece._replace(data=rest)

    def secured(self, at: float, tls: TlsResult) -> None:
        """See :class:`SessionWatcher`."""
        self._finish_line()
        self._add(at, "* ", tls_line(tls))

    def ended(self) -> None:
        """See :class:`SessionWatcher`."""
        self._finish_line()
        self._wait = Awaited(f"looking further into {self.address}", time.monotonic())

    def _finish_line(self) -> None:
        line, self._unfinished = self._unfinished, None
        if line is not None:
            self._take(line)

    def _take(self, piece: TranscriptLine) -> None:
        for at, sent, text in transcript_lines((piece,)):
            self._add(at, "> " if sent else "< ", text)

    def _add(self, at: float, mark: str, text: str) -> None:
        if len(self.lines) < MAX_LINES:
            self.lines.append(LiveLine(at + self._offset, text, mark))


class LiveTarget(NamedTuple):
    """A target that has its hosts; `lookup` None: it is named by its host."""

    lookup: MxLookup | None
    hosts: tuple[Host, ...]

    @property
    def probed(self) -> list[Host]:
        """The hosts that have sessions, in their order."""
        return [host for host in self.hosts if host.conversation is not None]


class LiveProbes:
    """All that happens: see :class:`exporter.app.engine_owner.Audience`."""

    def __init__(self) -> None:
        self.targets: dict[TargetKey, LiveTarget] = {}
        self.sessions: dict[Conversation, LiveSession] = {}
        self.traces: dict[TargetKey, Awaited] = {}  # under way
        self.wait = Awaited()  # of the names whose sessions and traces are over

    def traces_begin(self, target: Target, wanted: Sequence[tuple[str, int]]) -> None:
        """The paths to these addresses and ports are traced."""
        if wanted:
            (address, port), more = wanted[0], len(wanted) - 1
            text = f"tracing the path to {address} port {port}" + (f" and {more} more" if more else "")
            self.traces[target.key] = Awaited(text, time.monotonic())

    def traces_end(self, target: Target) -> None:
        """The paths of a target are known."""
        self.traces.pop(target.key, None)

    def waits(self, text: str) -> None:
        """The names that have had their sessions wait for this."""
        self.wait = Awaited(text, time.monotonic())

    def turned(self, target: Target, lookup: MxLookup | None, hosts: Sequence[Host]) -> None:
        """See :class:`Audience`."""
        self.targets.setdefault(target.key, LiveTarget(lookup, tuple(hosts)))

    def session_begins(self, conversation: Conversation, leader: Host) -> LiveSession:
        """See :class:`Audience`."""
        session = self.sessions.get(conversation)
        if session is None:
            session = self.sessions[conversation] = LiveSession(leader.key.mx, conversation.address)
        elif result_of(leader) is not None:
            # It was seen already: this session only shows whether the egress is open.
            return LiveSession(leader.key.mx, conversation.address)
        return session

    def session_of(self, host: Host) -> LiveSession | None:
        """The sessions of a host's own; None: it has none so far, or shares those of another name."""
        session = None if host.conversation is None else self.sessions.get(host.conversation)
        return session if session is not None and session.mx == host.key.mx else None


def connected_text(tcp_rtt: float | None) -> str:
    """The connect, with its round-trip time by the kernel's clock."""
    return "connected" if tcp_rtt is None else f"connected (kernel round-trip time {tcp_rtt * 1000:.1f} ms)"


def result_of(host: Host) -> HostResult | None:
    """The result of a session with a host."""
    return host.result if host.result is not None and host.result.timings.at > 0.0 else None
