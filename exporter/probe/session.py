"""One SMTP session with one address: the dialogue and the connection joined, under deadlines.

The shell feeds the sans-IO dialogue, sends what it wants sent, takes the time beside the socket event, and resolves one
future with a :class:`SessionRecord`. A remote fault is part of the record; only our own bugs make the future raise.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.evidence import ConnectEvidence, Witness
from exporter.result import Stage, TranscriptLine
from exporter.smtp.dialogue import Answered, Dialogue, Finished, Plan, Problem, Send
from exporter.smtp.reply import Reply
from exporter.transport import Connection

# RFC 5321 4.5.3.2: what a client must grant at most; the probe's own timeout is the other bound. The connect has no
# number of its own there, and QUIT needs none: after it nothing is left to learn, so it gets a moment.
STAGE_SECONDS: Final = MappingProxyType(
    {
        Stage.CONNECT: 300.0,
        Stage.BANNER: 300.0,
        Stage.EHLO: 300.0,
        Stage.QUIT: 5.0,
    }
)
# A connect without an answer for so long, or for half of a short timeout, is silent: Linux has sent its SYN three times
# by then (at 0, 1 and 3 s). What else there is to ask can be asked while the rest of the time runs.
SILENCE_SECONDS: Final = 3.5
# Of one session's dialogue, for a person to read; a hostile server fills it and no more.
MAX_TRANSCRIPT_BYTES: Final = 16384


def silence_after(timeout: float) -> float:
    """Seconds after which a connect that may take `timeout` counts as silent so far."""
    return min(SILENCE_SECONDS, timeout / 2)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """All that one session showed, before judgement."""

    at: float  # Unix time
    phases: tuple[tuple[Stage, float], ...] = ()  # seconds
    replies: tuple[tuple[Stage, Reply], ...] = ()
    connect: ConnectEvidence | None = None  # only where the connect failed
    problem: Problem | None = None
    ehlo: Reply | None = None
    ehlo_refusal: Reply | None = None
    helo_only: bool = False
    quit_clean: bool = False
    tcp_rtt: float | None = None  # seconds
    witnesses: tuple[Witness, ...] = ()  # other ports of the address, asked where this one did not answer
    transcript: tuple[TranscriptLine, ...] = ()


class Session:
    """One attempt: :meth:`start` it once, await `record`. Cancelling the future says goodbye and closes."""

    __slots__ = (
        "_at",
        "_connect",
        "_connection",
        "_deadline",
        "_dialogue",
        "_due",
        "_loop",
        "_on_silence",
        "_phases",
        "_replies",
        "_stage",
        "_stage_began",
        "_started",
        "_timer",
        "_transcript",
        "_transcript_left",
        "record",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        *,
        transcript: bool = False,
        on_silence: Callable[[], None] | None = None,
    ) -> None:
        """`on_silence` is told, once, that the connect has drawn nothing so far."""
        self.record: asyncio.Future[SessionRecord] = loop.create_future()
        self._loop = loop
        self._dialogue = Dialogue(plan)
        self._connection = Connection(loop, self)
        self._at = time.time()
        self._phases: list[tuple[Stage, float]] = []
        self._replies: list[tuple[Stage, Reply]] = []
        self._connect: ConnectEvidence | None = None
        self._transcript: list[TranscriptLine] = []
        self._transcript_left = MAX_TRANSCRIPT_BYTES if transcript else 0
        self._on_silence = on_silence

    def start(self, address: str, port: int, timeout: float, source: str = "") -> asyncio.Future[SessionRecord]:
        """Connect and talk; all stages together take at most `timeout` seconds."""
        self._stage = Stage.CONNECT
        now = self._loop.time()
        self._deadline = now + timeout
        self._due = self._deadline_of(Stage.CONNECT)
        first = self._due if self._on_silence is None else min(self._due, now + silence_after(timeout))
        self._timer = self._loop.call_at(first, self._ring)
        self.record.add_done_callback(self._settled)
        self._started = self._stage_began = self._connection.open(address, port, source)
        return self.record

    # What the connection tells

    def connected(self, now: float) -> None:
        """The handshake is complete; the greeting is awaited."""
        self._phases.append((Stage.CONNECT, now - self._stage_began))
        self._enter(Stage.BANNER, now)

    def connect_failed(self, evidence: ConnectEvidence) -> None:
        """There will be no conversation."""
        self._connect = evidence
        self._finish()

    def data_received(self, data: bytes, now: float) -> None:
        """Part of a reply, a whole one, or too much."""
        self._keep(data, now, sent=False)
        self._dialogue.receive_data(data)
        self._advance(now)

    def eof_received(self, now: float) -> None:
        """The server will say nothing more."""
        self._dialogue.receive_eof()
        self._advance(now)

    def crashed(self, error: Exception) -> None:
        """A bug of ours: it travels to whoever awaits the record."""
        if not self.record.done():
            self.record.set_exception(error)

    # What follows from it

    def _advance(self, now: float) -> None:
        while (event := self._dialogue.next_event()) is not None:
            match event:
                case Answered(stage, reply):
                    self._phases.append((stage, now - self._stage_began))
                    self._replies.append((stage, reply))
                case Send(stage, data):
                    sent_at = time.perf_counter()
                    self._connection.send(data)
                    self._keep(data, sent_at, sent=True)
                    self._enter(stage, sent_at)
                case Finished():
                    self._finish()

    def _enter(self, stage: Stage, now: float) -> None:
        self._stage, self._stage_began = stage, now
        self._due = self._deadline_of(stage)
        if self._due < self._timer.when():
            self._timer.cancel()
            self._timer = self._loop.call_at(self._due, self._ring)

    def _deadline_of(self, stage: Stage) -> float:
        return min(self._deadline, self._loop.time() + STAGE_SECONDS[stage])

    def _ring(self) -> None:
        """The timer may be early: setting it anew for each stage would cost more than looking at the clock here."""
        told, self._on_silence = self._on_silence, None
        if told is not None and self._stage is Stage.CONNECT:
            told()
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._ring)
        else:
            self._expire()

    def _expire(self) -> None:
        if self._stage is Stage.CONNECT:
            self._connect = self._connection.silence()
        else:
            self._dialogue.expire()
        self._finish()

    def _finish(self) -> None:
        if self.record.done():
            return
        dialogue = self._dialogue
        self.record.set_result(
            SessionRecord(
                at=self._at,
                phases=tuple(self._phases),
                replies=tuple(self._replies),
                connect=self._connect,
                problem=dialogue.problem,
                ehlo=dialogue.ehlo,
                ehlo_refusal=dialogue.ehlo_refusal,
                helo_only=dialogue.helo_only,
                quit_clean=dialogue.quit_clean,
                tcp_rtt=self._connection.tcp_rtt,
                transcript=tuple(self._transcript),
            )
        )

    def _settled(self, record: asyncio.Future[SessionRecord]) -> None:
        """Nothing outlives the record: the timer ends, the connection is closed."""
        self._timer.cancel()
        if record.cancelled() and self._stage not in (Stage.CONNECT, Stage.BANNER, Stage.QUIT):
            # Our own shutdown in the middle of their dialogue: leave as a guest does. Not before they have greeted:
            # who speaks first there is taken for a spammer (RFC 5321 4.3.1; Postfix remembers a PREGREET).
            self._connection.send(b"QUIT\r\n")
        self._connection.close()

    def _keep(self, data: bytes, now: float, *, sent: bool) -> None:
        if self._transcript_left > 0:
            kept = data[: self._transcript_left]
            self._transcript_left -= len(kept)
            self._transcript.append(TranscriptLine(now - self._started, sent, kept))
