"""One SMTP session with one address: a connection and a dialogue joined, under deadlines.

The session feeds the sans-IO dialogue, sends its commands, takes the times, and ends with a
:class:`SessionRecord`. A remote fault is part of the record; only our own bugs raise. From the handshake on all goes
through :class:`SessionTls`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Protocol

from exporter.model.evidence import ConnectEvidence
from exporter.model.failure import Stage
from exporter.net.connection import TcpConnection
from exporter.net.deadlines import deadlines_of
from exporter.net.helo_name import address_literal
from exporter.net.proxy_protocol import proxy_header
from exporter.probe.cpu_cost import CpuMeter
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint, SessionOptions
from exporter.probe.session_tls import SessionTls, handshake_deadline
from exporter.probe.stage_timeouts import LISTEN_SECONDS, STAGE_SECONDS, lends_name_after, no_answer_after
from exporter.smtp.dialogue import Dialogue
from exporter.smtp.events import Answered, Finished, Listen, Send, StartTls
from exporter.smtp.plan import Plan, State
from exporter.tls.client import TlsFault
from exporter.tls.roots import Roots, system_roots

# Stages in which an end from our side says nothing more: see Session.leave.
_UNINTERRUPTED: Final = frozenset({Stage.CONNECT, Stage.BANNER, Stage.DATA, Stage.QUIT})
# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_CONNECT, _BANNER, _TLS = Stage.CONNECT, Stage.BANNER, Stage.TLS
_UNKNOWN_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - of a connection that is gone already
# Reads of a dialogue in the clear that are not measured: a few for each reply of an ordinary one. To measure a read
# takes longer than to handle it.
_FREE_READS: Final = 64
_NOTHING_SAID: Final[deque[tuple[bytes, float]]] = deque(maxlen=0)
# The cost of the event of a read beside the read itself, CPU seconds.
_READ_SECONDS: Final = 15e-6


class NamePermit(Protocol):
    """The place of a session among those with one MX name, of which few are let through from the greeting on."""

    def lend_name(self) -> None:
        """Let others go first while the connect is unanswered."""

    def regain_name(self, on_regained: Callable[[], None]) -> bool:
        """Take the place again: at once, or call `on_regained` when it is free."""


class Begun(NamedTuple):
    """A session up to now, as another receiver of its connection began it. Times are those of time.perf_counter()."""

    connection: TcpConnection
    record: asyncio.Future[SessionRecord]
    at: float  # Unix time
    started: float
    connected: float | None
    heard: Iterable[tuple[bytes, float]]  # the pieces as they came, each with its time
    said: Iterable[tuple[bytes, float]]
    literal: bytes = b""  # our address as it was said: a connection that is closed has none


_DEFAULT_OPTIONS: Final = SessionOptions()


def own_literal(connection: TcpConnection) -> bytes:
    """The literal of this end's address (RFC 5321 4.1.3), for EHLO."""
    return address_literal(connection.own_address or _UNKNOWN_ADDRESS).encode("ascii")


class Session:
    """One session: :meth:`run` once."""

    __slots__ = (
        "_connection",
        "_cpu_limit",
        "_deadline",
        "_dialogue",
        "_endpoint",
        "_has_lent_name",
        "_loop",
        "_meter",
        "_on_no_answer",
        "_permit",
        "_plan",
        "_reads",
        "_record",
        "_recorder",
        "_said",
        "_timeout",
        "_tls",
        "due",
    )

    def __init__(
        self,
        plan: Plan,
        endpoint: Endpoint,
        timeout: float,
        options: SessionOptions = _DEFAULT_OPTIONS,
        on_no_answer: Callable[[], None] | None = None,
        permit: NamePermit | None = None,
    ) -> None:
        """`timeout`: seconds for all stages together.

        `on_no_answer` is called, once, while the connect has drawn nothing so far, or no word after it. `permit` holds
        a place of the MX name, which is lent to others while the connect is unanswered.
        """
        self._loop = asyncio.get_running_loop()
        self._plan = plan
        self._endpoint = endpoint
        self._timeout = timeout
        self._dialogue = Dialogue(plan, options.message)
        self._connection = TcpConnection(self._loop, self)
        self._recorder = options.recorder(plan, transcript=options.transcript)
        self._record: asyncio.Future[SessionRecord] = self._loop.create_future()
        self._deadline = self.due = math.inf  # until it runs
        self._tls: SessionTls | None = None
        self._on_no_answer = on_no_answer
        self._permit = permit
        self._has_lent_name = False
        self._cpu_limit = options.cpu_limit
        self._reads = 0
        self._said: deque[tuple[bytes, float]] = _NOTHING_SAID  # by who began the session, until it is read here
        self._meter: CpuMeter | None = None  # from the first part that is measured

    async def run(self) -> SessionRecord:
        """Connect and go through the dialogue. Cancelled, it says goodbye."""
        started = self._connection.open(*self._endpoint)
        self._recorder.start(started)
        self._deadline = started + self._timeout
        self.due = self._connect_due()
        deadlines = deadlines_of(self._loop)
        deadlines.add(self)
        try:
            return await self._record
        except asyncio.CancelledError:
            self.leave()
            raise
        finally:
            deadlines.remove(self)
            self._connection.close()

    def take_over(self, begun: Begun) -> None:
        """Go on with a session that was begun elsewhere: read all that was heard, and repeat nothing that was said."""
        self._connection, self._record = begun.connection, begun.record
        begun.connection.hand_over(self)
        self._recorder.start(begun.started, begun.at)
        self._deadline = begun.started + self._timeout
        self.due = self._connect_due()
        self._said = deque(begun.said)
        if begun.literal:
            self._dialogue.helo = begun.literal
        if begun.connected is not None:
            self._permit = None  # never lent; of a session that is over it has been given back
            self.connected(begun.connected)
        for data, now in begun.heard:
            self.data_received(data, now)
        if self._said:
            raise RuntimeError("more was said than the dialogue says")

    # Events of the connection

    def connected(self, now: float) -> None:
        """The TCP handshake is complete; the greeting is awaited."""
        if not self._dialogue.helo:
            self._dialogue.helo = own_literal(self._connection)
        self._recorder.note_connected(now, self._connection.tcp_rtt)
        if self._permit is None or self._permit.regain_name(lambda: self._resume(now)):
            self._begin(now)
        else:
            # A reply that arrives meanwhile waits in the kernel, with the time at which it came.
            self._connection.pause()
            self.due = math.inf

    def connect_failed(self, evidence: ConnectEvidence) -> None:
        """There will be no dialogue."""
        self._recorder.connect = evidence
        self._finish()

    def data_received(self, data: bytes, now: float) -> None:
        """Part of a reply, a whole one, or too much; or TLS records."""
        recorder = self._recorder
        now = max(now, recorder.stage_began)  # two clocks may differ by a hair
        recorder.spoke = True
        self._reads += 1
        if self._tls is not None or self._reads > _FREE_READS:
            self._receive_measured(data, now)
        else:
            self._receive(data, now)

    def eof_received(self, now: float) -> None:
        """The server will say nothing more."""
        if self._tls is not None:
            self._tls.receive_eof()
        self._dialogue.receive_eof()
        self._advance(now)

    def internal_error(self, error: Exception) -> None:
        """A bug of ours: it is raised where the record is awaited."""
        if not self._record.done():
            self._record.set_exception(error)

    # Deadlines

    def deadline_passed(self, now: float) -> None:
        """The moment `due` has come."""
        stage = self._recorder.stage
        try:
            if stage is _TLS:
                waited = time.perf_counter() - self._recorder.stage_began
                self._dialogue.handshake_failed(f"did not answer the handshake within {waited:.1f} s")
                self._advance(now)
            elif stage is _CONNECT and now >= self._deadline:
                self._recorder.connect = self._connection.timed_out()
                self._finish()
            elif stage is _CONNECT or (stage is _BANNER and self._on_no_answer is not None and now < self._deadline):
                self._unanswered()
            else:
                self._dialogue.expire()
                self._advance(now)
        except Exception as error:
            self.internal_error(error)

    def _connect_due(self) -> float:
        """The next moment at which an unanswered connect matters to others, else its end."""
        started = self._recorder.started
        if self._permit is not None and not self._has_lent_name:
            return started + lends_name_after(self._timeout)
        return self._deadline if self._on_no_answer is None else started + no_answer_after(self._timeout)

    def _unanswered(self) -> None:
        """The connect has drawn nothing so far, or no word after it: let others go first, then ask others."""
        if self._recorder.stage is _CONNECT and self._permit is not None and not self._has_lent_name:
            self._has_lent_name = True
            self._permit.lend_name()
            self.due = self._connect_due()
            return
        self.due = self._deadline
        report, self._on_no_answer = self._on_no_answer, None
        if report is not None:
            report()

    def _enter(self, stage: Stage, now: float) -> None:
        self._recorder.enter(stage, now)
        self.due = min(self._deadline, now + STAGE_SECONDS[stage])
        if stage is _BANNER and self._on_no_answer is not None:
            # Many greet after ten seconds and more: witnesses are not asked before the time is nearly over.
            timeout = self._deadline - self._recorder.started
            self.due = min(self.due, max(now, self._deadline - no_answer_after(timeout)))

    # The dialogue

    def _resume(self, since: float) -> None:
        """The place of the name is there again; connected `since`. The wait until now was ours, not the server's."""
        try:
            held = self._recorder.held = time.perf_counter() - since
            self._deadline += held
            self._begin(since)
            self._connection.resume()
        except Exception as error:
            self.internal_error(error)

    def _begin(self, now: float) -> None:
        if self._plan.proxy_protocol:
            header = proxy_header(self._connection.ends())
            self._connection.send(header)
            self._recorder.note_data(header, time.perf_counter(), sent=True)
        if self._plan.tls is not None and self._plan.tls.implicit:
            self._advance(now)
        else:
            self._enter(_BANNER, now)

    def _receive(self, data: bytes, now: float) -> None:
        self._recorder.note_data(data, now, sent=False)
        self._dialogue.receive_data(data)
        self._advance(now)

    def _advance(self, now: float) -> None:
        while (event := self._dialogue.next_event()) is not None:
            match event:
                case Answered(stage, reply):
                    self._recorder.note_reply(stage, reply, now)
                case Send(stage, data, shown):
                    sent_at = self._say(data)
                    self._recorder.note_data(data if shown is None else shown, sent_at, sent=True)
                    self._enter(stage, sent_at)
                case StartTls():
                    self._start_tls()
                case Listen():
                    self.due = min(self.due, time.perf_counter() + LISTEN_SECONDS)
                case Finished():
                    self._finish()

    def _say(self, data: bytes) -> float:
        """Send a command, unless it has been sent already; the time at which it went."""
        if self._said:
            said, at = self._said.popleft()
            if said != data:
                raise RuntimeError("other words were said than the dialogue says")
            return at
        at = time.perf_counter()
        self._send(data)
        return at

    def _send(self, data: bytes) -> None:
        self._connection.send(data if self._tls is None else self._tls.encrypt(data))

    def leave(self) -> None:
        """Our own shutdown in the middle of a dialogue: say QUIT, as a client should.

        Not before the greeting: a client that speaks first is taken for a spammer (RFC 5321 4.3.1; Postfix remembers a
        PREGREET). And not after a message of which the server may have half.
        """
        if self._recorder.stage not in _UNINTERRUPTED:
            self._send(b"QUIT\r\n")

    # TLS

    def _start_tls(self) -> None:
        began = time.perf_counter()
        self._tls = SessionTls(self._plan, self._dialogue, self._roots)
        self._connection.send(self._tls.outgoing())
        self._enter(_TLS, began)
        if self._plan.tls is not None and not self._plan.tls.required:
            took = began - self._recorder.started - self._recorder.held
            self.due = min(self.due, handshake_deadline(began, self._deadline, took))

    def _receive_records(self, tls: SessionTls, data: bytes, now: float) -> None:
        was_secured = tls.record is not None
        said = tls.receive(data, now - self._recorder.started)
        self._connection.send(tls.outgoing())
        if tls.record is not None and not was_secured:
            self._recorder.note_tls(tls.record, now)
            if self._dialogue.state is State.BANNER:  # which no command precedes
                self._enter(_BANNER, now)
        if said:
            self._recorder.note_data(said, now, sent=False)
        self._advance(now)

    def _roots(self) -> Roots:
        """The system's authorities. Reading them anew, now and then, is no cost of this host."""
        meter = self._meter
        if meter is None:
            return system_roots()
        meter.end()
        roots = system_roots()
        meter.begin()
        return roots

    # CPU

    def _receive_measured(self, data: bytes, now: float) -> None:
        """Handle an event that may be expensive, and end the session where it has been too expensive."""
        meter = self._meter
        if meter is None:
            meter = self._meter = CpuMeter()
        meter.begin()
        if self._tls is not None:
            self._receive_records(self._tls, data, now)
        else:
            self._receive(data, now)
        meter.end(beside=_READ_SECONDS)
        if meter.seconds > self._cpu_limit and not self._record.done():
            self._end_as_too_expensive(now)

    def _end_as_too_expensive(self, now: float) -> None:
        detail = f"cost this exporter more than {self._cpu_limit:g} s of CPU in one session"
        if self._tls is not None and self._tls.is_shaking_hands:
            self._tls.fail(TlsFault(detail))
        else:
            self._dialogue.abort(detail)
        self._advance(now)

    # The end

    def _finish(self) -> None:
        if self._record.done():
            return
        cost = 0.0 if self._meter is None else self._meter.seconds
        self._record.set_result(self._recorder.record(self._dialogue.result, self._tls, self._connection.tcp_rtt, cost))
