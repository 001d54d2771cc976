"""A session that somebody watches as it happens: each stage, and each word without the password."""

from __future__ import annotations

from typing import Protocol

from exporter.model.failure import Stage
from exporter.model.result import TlsResult, TranscriptLine
from exporter.probe.host_facts import tls_of
from exporter.probe.session_record import SessionRecord, TlsRecord
from exporter.probe.session_recorder import SessionRecorder
from exporter.probe.session_tls import SessionTls
from exporter.smtp.commands import masked
from exporter.smtp.dialogue_result import DialogueResult
from exporter.smtp.plan import Plan


class SessionWatcher(Protocol):
    """The calls of a session; none may take long. Seconds are those since its connect began."""

    def awaits(self, stage: Stage) -> None:
        """The end of a stage is awaited from now on; CONNECT: a session begins."""

    def connected(self, at: float, tcp_rtt: float | None) -> None:
        """The TCP handshake is complete; its round-trip time by the kernel's clock."""

    def said(self, piece: TranscriptLine) -> None:
        """Bytes have been sent or received; never the password."""

    def secured(self, at: float, tls: TlsResult) -> None:
        """The TLS handshake is complete."""

    def ended(self) -> None:
        """The session is over."""


class WatchedRecorder(SessionRecorder):
    """A recorder that tells all that it takes in."""

    __slots__ = ("_received", "_watcher")

    def __init__(self, watcher: SessionWatcher, plan: Plan, *, transcript: bool) -> None:
        super().__init__(plan, transcript=transcript)
        self._watcher = watcher
        # A server may repeat the password across the pieces that it sends: they are told together.
        self._received: TranscriptLine | None = None

    def start(self, now: float, at: float | None = None) -> None:
        """See :class:`SessionRecorder`."""
        super().start(now, at)
        self._watcher.awaits(Stage.CONNECT)

    def enter(self, stage: Stage, now: float) -> None:
        """See :class:`SessionRecorder`."""
        super().enter(stage, now)
        self._watcher.awaits(stage)

    def note_connected(self, now: float, tcp_rtt: float | None) -> None:
        """See :class:`SessionRecorder`."""
        super().note_connected(now, tcp_rtt)
        self._watcher.connected(now - self.started, tcp_rtt)

    def note_tls(self, tls: TlsRecord, now: float) -> None:
        """See :class:`SessionRecorder`."""
        super().note_tls(tls, now)
        self._tell_received()
        self._watcher.secured(now - self.started, tls_of(tls))

    def note_data(self, data: bytes, at: float, *, sent: bool) -> None:
        """See :class:`SessionRecorder`."""
        super().note_data(data, at, sent=sent)
        piece = TranscriptLine(at - self.started, sent, data)
        if self._plan.credentials is None:
            self._watcher.said(piece)
        elif sent:
            self._tell_received()
            self._watcher.said(piece)
        else:
            before = b"" if self._received is None else self._received.data
            self._received = piece._replace(data=before + data)

    def record(
        self, result: DialogueResult, tls: SessionTls | None, tcp_rtt: float | None, cost: float
    ) -> SessionRecord:
        """See :class:`SessionRecorder`."""
        self._tell_received()
        self._watcher.ended()
        return super().record(result, tls, tcp_rtt, cost)

    def _tell_received(self) -> None:
        piece, self._received = self._received, None
        credentials = self._plan.credentials
        if piece is not None and credentials is not None:
            self._watcher.said(piece._replace(data=masked(piece.data, credentials)))
