"""The recorder of one session: it times the stages, keeps replies and transcript, and makes the record of them."""

from __future__ import annotations

import time

from exporter.model.evidence import ConnectEvidence
from exporter.model.failure import Stage
from exporter.model.result import to_microsecond
from exporter.probe.session_record import SessionRecord, TlsRecord
from exporter.probe.session_tls import SessionTls
from exporter.probe.transcript_recorder import TranscriptRecorder
from exporter.smtp.dialogue_result import DialogueResult
from exporter.smtp.plan import Plan
from exporter.smtp.reply import Reply

# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_CONNECT, _TLS = Stage.CONNECT, Stage.TLS


class SessionRecorder:
    """All that accumulates in one session. Times are those of time.perf_counter()."""

    __slots__ = (
        "_at",
        "_is_awaited",
        "_phases",
        "_plan",
        "_replies",
        "_transcript",
        "connect",
        "held",
        "spoke",
        "stage",
        "stage_began",
        "started",
    )

    def __init__(self, plan: Plan, *, transcript: bool) -> None:
        """The session begins to connect now."""
        self._plan = plan
        self._at = time.time()
        self.started = self.stage_began = time.perf_counter()
        self.stage = _CONNECT
        self._is_awaited = False  # the end of the stage, where it is one with a reply or a handshake
        self.held = 0.0  # seconds in which the connected session waited for the place of its name
        self.spoke = False  # the server sent something, be it no reply
        self.connect: ConnectEvidence | None = None  # of a connect that failed
        self._phases: list[tuple[Stage, float]] = []
        self._replies: list[tuple[Stage, Reply]] = []
        self._transcript = TranscriptRecorder() if transcript else None

    def start(self, now: float, at: float | None = None) -> None:
        """The connect began at `now`; `at`: in Unix time, where that is not a moment ago."""
        self.started = self.stage_began = now
        if at is not None:
            self._at = at

    def enter(self, stage: Stage, now: float) -> None:
        """The end of `stage` is awaited from `now` on."""
        self.stage, self.stage_began, self._is_awaited = stage, now, True

    def end_phase(self, stage: Stage, now: float) -> None:
        """Note that `stage` ended at `now`."""
        self._phases.append((stage, to_microsecond(now - self.stage_began)))
        self._is_awaited = False

    def note_connected(self, now: float, tcp_rtt: float | None) -> None:
        """Note that the connect ended at `now`; its round-trip time is that of the kernel."""
        self.end_phase(_CONNECT, now)

    def note_tls(self, tls: TlsRecord, now: float) -> None:
        """Note that the handshake ended at `now`."""
        self.end_phase(_TLS, now)

    def note_reply(self, stage: Stage, reply: Reply, now: float) -> None:
        """Note a reply; one that is cut ended nothing."""
        if not reply.cut:
            self._phases.append((stage, to_microsecond(now - self.stage_began)))
            self._is_awaited = False
        self._replies.append((stage, reply))

    def note_data(self, data: bytes, at: float, *, sent: bool) -> None:
        """Note bytes in the transcript, if there is one."""
        if self._transcript is not None:
            self._transcript.record(at - self.started, data, sent=sent)

    def record(
        self, result: DialogueResult, tls: SessionTls | None, tcp_rtt: float | None, cost: float
    ) -> SessionRecord:
        """The record of the session, which ends now; `cost` in CPU seconds."""
        now = time.perf_counter()
        return SessionRecord(
            at=self._at,
            phases=tuple(self._phases),
            unfinished=(self.stage, now - self.stage_began) if self._is_awaited else None,
            replies=tuple(self._replies),
            connect=self.connect,
            problem=result.problem,
            ehlo=result.ehlo,
            refusals=tuple(result.refusals),
            helo_only=result.helo_only,
            quit_clean=result.quit_clean,
            tcp_rtt=tcp_rtt,
            transcript=() if self._transcript is None else self._transcript.lines(self._plan.credentials),
            ehlo_tls=result.ehlo_tls,
            tls=None if tls is None else tls.record,
            plan=self._plan,
            spoke=self.spoke,
            took=to_microsecond(now - self.started - self.held),
            refused_hello=tls is not None and tls.refused_hello,
            cost=cost,
        )
