"""One SMTP session with one address: the dialogue and the connection joined, under deadlines.

The shell feeds the sans-IO dialogue, sends what it wants sent, takes the times, and ends with a :class:`SessionRecord`.
A remote fault is part of the record; only our own bugs raise.
After a handshake everything goes through a :class:`TlsClient`, which is sans-IO likewise.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Protocol

from exporter.model.evidence import ConnectEvidence
from exporter.model.failure import FailureClass, Stage
from exporter.model.result import TranscriptLine
from exporter.net.connection import TcpConnection
from exporter.net.deadlines import deadlines_of
from exporter.net.helo_name import address_literal
from exporter.probe.cpu_cost import MAX_SECONDS, CpuMeter
from exporter.probe.session_record import SessionRecord, TlsRecord
from exporter.smtp.commands import masked
from exporter.smtp.dialogue import Answered, Dialogue, Finished, Listen, Send, StartTls
from exporter.smtp.plan import Plan, State, TlsPlan
from exporter.smtp.reply import Reply
from exporter.tls import handshake_failures
from exporter.tls.client import TlsClient, TlsFault, TlsHandshake, is_record
from exporter.tls.roots import Roots, system_roots
from exporter.tls.verification import Trust, examine

# RFC 5321 4.5.3.2: what a client must grant at most; the probe's own timeout is the other bound. Connect, handshake and
# the questions have no number of their own there. DATA has three, of which that for the reply after the dot is the
# longest. RSET is a stage of few modules and QUIT of none: as manners, after which nothing is left to learn, they get
# a moment.
STAGE_SECONDS: Final = MappingProxyType(
    {
        Stage.CONNECT: 300.0,
        Stage.BANNER: 300.0,
        Stage.EHLO: 300.0,
        Stage.STARTTLS: 300.0,
        Stage.TLS: 300.0,
        Stage.EHLO_TLS: 300.0,
        Stage.AUTH: 300.0,
        Stage.MAIL: 300.0,
        Stage.RCPT: 300.0,
        Stage.DATA: 600.0,
        Stage.VRFY: 300.0,
        Stage.EXPN: 300.0,
        Stage.RSET: 5.0,
        Stage.QUIT: 5.0,
    }
)
# After what is broken a refusal may follow, of the same breath: one lost segment is sent again within this time.
LISTEN_SECONDS: Final = 1.0
# A connect without an answer for so long, or for half of a short timeout, is silent: Linux has sent its SYN three times
# by then (at 0, 1 and 3 s). What else there is to ask can be asked while the rest of the time runs.
SILENCE_SECONDS: Final = 3.5
# A connect without an answer for so long, or for this part of a short timeout, lets others of its MX name go first.
# Twice the way round the world: whoever is alive has answered by then.
PATIENCE_SECONDS: Final = 0.5
_PATIENCE_SHARE: Final = 0.05
# What a sender would do without TLS is seen in a second session. It takes about as long as the first took to the
# handshake, which is twice reserved for it, with a moment for what comes after; at most half of what is left.
_RESERVED_TIMES: Final = 2.0
_RESERVED_SECONDS: Final = 1.0
# Where our own end says nothing more: see Session._leave.
_UNINTERRUPTED: Final = frozenset({Stage.CONNECT, Stage.BANNER, Stage.DATA, Stage.QUIT})
# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_CONNECT, _BANNER, _TLS = Stage.CONNECT, Stage.BANNER, Stage.TLS
_UNKNOWN_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - said by a connection that is gone already, to nobody
# Reads of a dialogue in the clear that are not measured: a few for each reply of an ordinary one. To measure a read
# takes longer than to see to it.
_FREE_READS: Final = 64
# What the event of a read costs beside the read itself, seconds.
_READ_SECONDS: Final = 15e-6
# Of one session's dialogue, for a person to read; a hostile server fills it and no more.
MAX_TRANSCRIPT_BYTES: Final = 16384


def proxy_header(source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    """The PROXY protocol's header (version 1, HAProxy's specification 2.1) of a connection that no proxy made."""
    family = "TCP6" if ":" in destination[0] else "TCP4"
    return f"PROXY {family} {source[0]} {destination[0]} {source[1]} {destination[1]}\r\n".encode("ascii")


def _explained(trust: Trust, plan: TlsPlan) -> Trust:
    """With why the certificate has to be for another name than that of the host."""
    why = (
        f"a password goes to {plan.identity} alone: that its mail host is {plan.server_name} the DNS says, which can be"
        " forged; `hosts` or `starttls.server_name` would say so for certain"
    )
    faults = [
        replace(fault, evidence=(*fault.evidence, why))
        if fault.failure_class is FailureClass.TLS_NAME_MISMATCH
        else fault
        for fault in trust.faults
    ]
    return replace(trust, faults=tuple(faults))


def silence_after(timeout: float) -> float:
    """Seconds after which a connect that may take `timeout` counts as silent so far."""
    return min(SILENCE_SECONDS, timeout / 2)


class NameTurn(Protocol):
    """The turn of the MX name that a session is with; from the greeting on a name has few at once."""

    def let_by(self) -> None:
        """Let others go first, for there is nobody to talk to yet."""

    def regain(self, told: Callable[[], None]) -> bool:
        """Take the turn again: at once, or `told` is called when it has come."""


class Session:
    """One attempt, whole: :meth:`converse` once."""

    __slots__ = (
        "_at",
        "_connect",
        "_connection",
        "_deadline",
        "_deadlines",
        "_dialogue",
        "_held",
        "_lent",
        "_limit",
        "_loop",
        "_meter",
        "_on_silence",
        "_phases",
        "_plan",
        "_reads",
        "_record",
        "_refused_hello",
        "_replies",
        "_spoke",
        "_stage",
        "_stage_began",
        "_started",
        "_tls",
        "_tls_record",
        "_transcript",
        "_transcript_left",
        "_turn",
        "_waiting",
        "due",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        *,
        transcript: bool = False,
        message: bytes = b"",
        on_silence: Callable[[], None] | None = None,
        turn: NameTurn | None = None,
        limit: float = MAX_SECONDS,
    ) -> None:
        """`message` is what DATA delivers, where `plan` has it. `limit`: CPU seconds after which it is ended.

        `on_silence` is told, once, that the connect has drawn nothing so far, or no word after it. `turn` is ours, and
        is lent to others while the connect is silent.
        """
        self._loop = loop
        self._plan = plan
        self._dialogue = Dialogue(plan, message)
        self._connection = TcpConnection(loop, self)
        self._at = time.time()
        self._phases: list[tuple[Stage, float]] = []
        self._replies: list[tuple[Stage, Reply]] = []
        self._connect: ConnectEvidence | None = None
        self._tls: TlsClient | None = None
        self._tls_record: TlsRecord | None = None
        self._transcript: list[TranscriptLine] = []
        self._transcript_left = MAX_TRANSCRIPT_BYTES if transcript else 0
        self._on_silence = on_silence
        self._spoke = False
        self._turn = turn
        self._lent = False  # the turn, to others
        self._refused_hello = False
        self._held = 0.0  # seconds in which we waited for our turn, connected
        self._limit = limit
        self._reads = 0
        self._meter: CpuMeter | None = None  # from the first part that is measured

    async def converse(self, address: str, port: int, seconds: float, source: str = "") -> SessionRecord:
        """Connect and talk; all stages together take at most `seconds`. Cancelled, it says goodbye."""
        self._record: asyncio.Future[SessionRecord] = self._loop.create_future()
        self._stage = _CONNECT
        self._waiting = False
        self._started = self._stage_began = self._connection.open(address, port, source)
        self._deadline = self._started + seconds
        self.due = self._next_alarm(seconds)
        self._deadlines = deadlines_of(self._loop)
        self._deadlines.add(self)
        try:
            return await self._record
        except asyncio.CancelledError:
            self._leave()
            raise
        finally:
            self._deadlines.remove(self)
            self._connection.close()

    # What the connection tells

    def connected(self, now: float) -> None:
        """The handshake is complete; the greeting is awaited."""
        if not self._dialogue.helo:
            self._dialogue.helo = address_literal(self._connection.own_address or _UNKNOWN_ADDRESS).encode("ascii")
        self._phases.append((_CONNECT, now - self._stage_began))
        if self._turn is None or self._turn.regain(lambda: self._resume(now)):
            self._begin(now)
        else:
            # What they say meanwhile waits in the kernel, which knows when it came.
            self._connection.pause()
            self.due = math.inf

    def connect_failed(self, evidence: ConnectEvidence) -> None:
        """There will be no conversation."""
        self._connect = evidence
        self._finish()

    def data_received(self, data: bytes, now: float) -> None:
        """Part of a reply, a whole one, or too much; or TLS records."""
        now = max(now, self._stage_began)  # two clocks may differ by a hair
        self._spoke = True
        self._reads += 1
        if self._tls is not None or self._reads > _FREE_READS:
            self._receive_measured(data, now)
            return
        self._keep(data, now, sent=False)
        self._dialogue.receive_data(data)
        self._advance(now)

    def eof_received(self, now: float) -> None:
        """The server will say nothing more."""
        if self._tls is not None and self._tls.handshake is None:
            self._fail_handshake(self._tls.ended())
        elif self._tls is not None and self._tls.unheard:
            # What they said last may be lost with the reset that followed it.
            self._fail_handshake(TlsFault(handshake_failures.CLOSED_UNHEARD))
        self._dialogue.receive_eof()
        self._advance(now)

    def internal_error(self, error: Exception) -> None:
        """A bug of ours: it travels to whoever awaits the record."""
        if not self._record.done():
            self._record.set_exception(error)

    # What follows from it

    def _receive_measured(self, data: bytes, now: float) -> None:
        """What may be dear: seen to, and ended where it has been too dear."""
        meter = self._meter
        if meter is None:
            meter = self._meter = CpuMeter()
        meter.begin()
        if self._tls is not None:
            self._records_received(self._tls, data, now)
        else:
            self._keep(data, now, sent=False)
            self._dialogue.receive_data(data)
            self._advance(now)
        meter.end(beside=_READ_SECONDS)
        if meter.seconds > self._limit and not self._record.done():
            self._end_as_too_dear(now)

    def _end_as_too_dear(self, now: float) -> None:
        detail = f"cost this exporter more than {self._limit:g} s of CPU in one session"
        if self._tls is not None and self._tls.handshake is None:
            self._fail_handshake(TlsFault(detail))
        else:
            self._dialogue.violated(detail)
        self._advance(now)

    def _resume(self, since: float) -> None:
        """Our turn has come; connected `since`. The time until now is nobody's but ours."""
        try:
            self._held = time.perf_counter() - since
            self._deadline += self._held
            self._begin(since)
            self._connection.resume()
        except Exception as error:
            self.internal_error(error)

    def _begin(self, now: float) -> None:
        if self._plan.proxy_protocol:
            self._introduce()
        if self._plan.tls is not None and self._plan.tls.implicit:
            self._advance(now)
        else:
            self._enter(_BANNER, now)

    def _introduce(self) -> None:
        """The header of the PROXY protocol, version 1, before all else: that we come by ourselves, from here."""
        ends = self._connection.ends()
        header = proxy_header(*ends) if ends is not None else b"PROXY UNKNOWN\r\n"
        self._connection.send(header)
        self._keep(header, time.perf_counter(), sent=True)

    def _advance(self, now: float) -> None:
        while (event := self._dialogue.next_event()) is not None:
            match event:
                case Answered(stage, reply):
                    if not reply.cut:
                        self._phases.append((stage, now - self._stage_began))
                        self._waiting = False
                    self._replies.append((stage, reply))
                case Send(stage, data, shown):
                    sent_at = time.perf_counter()
                    self._say(data)
                    self._keep(data if shown is None else shown, sent_at, sent=True)
                    self._enter(stage, sent_at)
                case StartTls():
                    self._begin_tls()
                case Listen():
                    self.due = min(self.due, time.perf_counter() + LISTEN_SECONDS)
                case Finished():
                    self._finish()

    def _say(self, data: bytes) -> None:
        tls = self._tls
        if tls is None:
            self._connection.send(data)
        elif tls.handshake is not None:
            tls.encrypt(data)
            self._connection.send(tls.outgoing())

    def _begin_tls(self) -> None:
        began = time.perf_counter()
        plan = self._tls_plan
        self._tls = TlsClient(plan.server_name, finite_field=plan.finite_field)
        self._connection.send(self._tls.outgoing())
        self._enter(_TLS, began)
        if not plan.required:
            left = self._deadline - began
            reserved = _RESERVED_TIMES * (began - self._started - self._held) + _RESERVED_SECONDS
            self.due = min(self.due, self._deadline - min(reserved, left / 2))

    def _records_received(self, tls: TlsClient, data: bytes, now: float) -> None:
        shaking = tls.handshake is None
        if shaking and not tls.begun and not is_record(data):
            self._answer_without_tls(data, now)
            return
        received = tls.receive(data)
        self._connection.send(tls.outgoing())
        if isinstance(received, TlsFault):
            if received.of_handshake:
                self._fail_handshake(received)
            else:
                self._dialogue.violated(received.detail)
        else:
            if shaking and tls.handshake is not None:
                self._phases.append((Stage.TLS, now - self._stage_began))
                self._waiting = False
                self._secured(tls.handshake, now)
            if received:
                self._keep(received, now, sent=False)
                self._dialogue.receive_data(received)
            if tls.closed:
                self._dialogue.receive_eof()
        self._advance(now)

    def _fail_handshake(self, fault: TlsFault) -> None:
        self._tls_record = None
        self._refused_hello = fault.refused_hello
        self._dialogue.handshake_failed(fault.detail)

    def _secured(self, handshake: TlsHandshake, now: float) -> None:
        plan = self._tls_plan
        trust = examine(handshake.chain, plan.identity or plan.server_name, time.time(), self._roots())
        if plan.identity:
            trust = _explained(trust, plan)
        self._tls_record = TlsRecord(handshake, trust, now - self._started)
        if (plan.verify or self._plan.credentials is not None) and not trust.verified:
            self._dialogue.distrust(trust.faults[0].detail)
        else:
            self._dialogue.secured()
        if self._dialogue.state is State.BANNER:  # of which nothing is sent
            self._enter(Stage.BANNER, now)

    def _roots(self) -> Roots:
        """The system's, which now and then are read anew: that is not the host's doing."""
        meter = self._meter
        if meter is None:
            return system_roots()
        meter.end()
        roots = system_roots()
        meter.begin()
        return roots

    def _answer_without_tls(self, data: bytes, now: float) -> None:
        """What came instead of a handshake, not even beginning like one."""
        self._keep(data, now, sent=False)
        self._dialogue.answered_in_clear(data)
        self._advance(now)

    @property
    def _tls_plan(self) -> TlsPlan:
        if self._plan.tls is None:
            raise ValueError("TLS without a plan for it")
        return self._plan.tls

    def _enter(self, stage: Stage, now: float) -> None:
        self._stage, self._stage_began, self._waiting = stage, now, True
        self.due = min(self._deadline, now + STAGE_SECONDS[stage])
        if stage is _BANNER and self._on_silence is not None:
            # Many greet after ten seconds and more: nobody else is asked before the time is nearly over.
            timeout = self._deadline - self._started
            self.due = min(self.due, max(now, self._deadline - silence_after(timeout)))

    def ring(self, now: float) -> None:
        """The time that `due` names has come."""
        try:
            if self._stage is _TLS:
                waited = time.perf_counter() - self._stage_began
                self._dialogue.handshake_failed(f"did not answer the handshake within {waited:.1f} s")
                self._advance(now)
                return
            if self._stage is _BANNER and self._on_silence is not None and now < self._deadline:
                self._fall_silent()
                return
            if self._stage is not _CONNECT:
                self._dialogue.expire()
                self._advance(now)
                return
            if now < self._deadline:
                self._fall_silent()
                return
            self._connect = self._connection.timed_out()
            self._finish()
        except Exception as error:
            self.internal_error(error)

    def _next_alarm(self, seconds: float) -> float:
        """When somebody is to be told that the connect is silent so far."""
        if self._turn is not None and not self._lent:
            return self._started + min(PATIENCE_SECONDS, seconds * _PATIENCE_SHARE)
        return self._deadline if self._on_silence is None else self._started + silence_after(seconds)

    def _fall_silent(self) -> None:
        if self._stage is _CONNECT and self._turn is not None and not self._lent:
            self._lent = True
            self._turn.let_by()
            self.due = self._next_alarm(self._deadline - self._started)
            return
        self.due = self._deadline
        told, self._on_silence = self._on_silence, None
        if told is not None:
            told()

    def _finish(self) -> None:
        if self._record.done():
            return
        dialogue = self._dialogue
        self._record.set_result(
            SessionRecord(
                at=self._at,
                phases=tuple(self._phases),
                unfinished=(self._stage, time.perf_counter() - self._stage_began) if self._waiting else None,
                replies=tuple(self._replies),
                connect=self._connect,
                problem=dialogue.problem,
                ehlo=dialogue.ehlo,
                refusals=tuple(dialogue.refusals),
                helo_only=dialogue.helo_only,
                quit_clean=dialogue.quit_clean,
                tcp_rtt=self._connection.tcp_rtt,
                transcript=self._shown_transcript(),
                ehlo_tls=dialogue.ehlo_tls,
                tls=self._tls_record,
                plan=self._plan,
                spoke=self._spoke,
                took=time.perf_counter() - self._started - self._held,
                refused_hello=self._refused_hello,
                cost=0.0 if self._meter is None else self._meter.seconds,
            )
        )

    def _leave(self) -> None:
        """Our own shutdown in the middle of their dialogue: leave as a guest does.

        Not before they have greeted: who speaks first there is taken for a spammer (RFC 5321 4.3.1; Postfix remembers a
        PREGREET). And not after a message of which they may have half.
        """
        if self._stage not in _UNINTERRUPTED:
            self._say(b"QUIT\r\n")

    def _keep(self, data: bytes, now: float, *, sent: bool) -> None:
        if self._transcript_left > 0:
            kept = data[: self._transcript_left]
            self._transcript_left -= len(kept)
            self._transcript.append(TranscriptLine(now - self._started, sent, kept))

    def _shown_transcript(self) -> tuple[TranscriptLine, ...]:
        """Without the password, which a server may repeat across the pieces in which it came."""
        credentials = self._plan.credentials
        if credentials is None:
            return tuple(self._transcript)
        joined: list[TranscriptLine] = []
        for line in self._transcript:
            if joined and not line.sent and not joined[-1].sent:
                joined[-1] = joined[-1]._replace(data=joined[-1].data + line.data)
            else:
                joined.append(line)
        return tuple(line._replace(data=masked(line.data, credentials)) for line in joined)
