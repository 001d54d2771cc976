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
from collections.abc import Callable
from typing import Final

from exporter.model.evidence import ConnectEvidence
from exporter.model.failure import Stage
from exporter.net.connection import TcpConnection
from exporter.net.deadlines import deadlines_of
from exporter.net.proxy_protocol import proxy_header
from exporter.probe.begun_session import Begun, own_literal
from exporter.probe.session_cpu import SessionCpu
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import DEFAULT_OPTIONS, Endpoint, SessionOptions
from exporter.probe.session_tls import SessionTls, handshake_deadline
from exporter.probe.session_waits import NamePermit, SessionWaits, may_say_goodbye
from exporter.probe.stage_timeouts import LISTEN_SECONDS
from exporter.smtp.dialogue import Dialogue
from exporter.smtp.events import Answered, Finished, Listen, Send, StartTls
from exporter.smtp.plan import Plan, State
from exporter.tls.client import TlsFault
from exporter.tls.roots import system_roots

# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_CONNECT, _BANNER, _TLS = Stage.CONNECT, Stage.BANNER, Stage.TLS
_NOTHING_SAID: Final[deque[tuple[bytes, float]]] = deque(maxlen=0)


class Session:
    """One session: :meth:`run` once, or :meth:`take_over` and :meth:`record`."""

    __slots__ = (
        "_connection",
        "_cpu",
        "_dialogue",
        "_endpoint",
        "_loop",
        "_plan",
        "_record",
        "_recorder",
        "_said",
        "_tls",
        "_waits",
        "due",
    )

    def __init__(
        self,
        plan: Plan,
        endpoint: Endpoint,
        timeout: float,
        options: SessionOptions = DEFAULT_OPTIONS,
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
        self._dialogue = Dialogue(plan, options.message)
        self._connection = TcpConnection(self._loop, self)
        self._recorder = options.recorder(plan, transcript=options.transcript)
        self._record: asyncio.Future[SessionRecord] = self._loop.create_future()
        self._waits = SessionWaits(timeout, on_no_answer, permit)
        self.due = math.inf  # until it runs
        self._tls: SessionTls | None = None
        self._cpu = SessionCpu(options.cpu_limit)
        self._said: deque[tuple[bytes, float]] = _NOTHING_SAID  # by who began the session, until it is read here

    async def run(self) -> SessionRecord:
        """Connect and go through the dialogue. Cancelled, it says goodbye."""
        started = self._connection.open(*self._endpoint)
        self._recorder.start(started)
        self.due = self._waits.begin(started)
        deadlines_of(self._loop).add(self)
        return await self.record()

    async def record(self) -> SessionRecord:
        """The record of a session that has begun. Cancelled, it says goodbye."""
        try:
            return await self._record
        except asyncio.CancelledError:
            self.leave()
            raise
        finally:
            deadlines_of(self._loop).remove(self)
            self._connection.close()

    def take_over(self, begun: Begun) -> None:
        """Go on with a session that was begun elsewhere: read all that was heard, and repeat nothing that was said."""
        self._connection = begun.connection
        begun.connection.hand_over(self)
        self._recorder.start(begun.started, begun.at)
        self.due = self._waits.begin(begun.started)
        self._said = deque(begun.said)
        if begun.literal:
            self._dialogue.helo = begun.literal
        if begun.connected is not None:
            self._waits.keep_name()
            self.connected(begun.connected)
        for data, now in begun.heard:
            self.data_received(data, now)
        if self._said:
            raise RuntimeError("more was said than the dialogue says")

    def read(self, whole: Begun) -> SessionRecord:
        """The record of a session that was held elsewhere to its end."""
        self.take_over(whole)
        return self._record.result()

    # Events of the connection

    def connected(self, now: float) -> None:
        """The TCP handshake is complete; the greeting is awaited."""
        if not self._dialogue.helo:
            self._dialogue.helo = own_literal(self._connection)
        self._recorder.note_connected(now, self._connection.tcp_rtt)
        if self._waits.has_name(lambda: self._resume(now)):
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
        if self._cpu.is_free(with_tls=self._tls is not None):
            self._receive(data, now)
        else:
            self._receive_measured(data, now)

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
            elif self._waits.is_unanswered(stage, now):
                self.due = self._waits.unanswered(stage)
            elif stage is _CONNECT:
                self._recorder.connect = self._connection.timed_out()
                self._finish()
            else:
                self._dialogue.expire()
                self._advance(now)
        except Exception as error:
            self.internal_error(error)

    def _enter(self, stage: Stage, now: float) -> None:
        self._recorder.enter(stage, now)
        self.due = self._waits.due(stage, now)

    # The dialogue

    def _resume(self, since: float) -> None:
        """The place of the name is there again; connected `since`. The wait until now was ours, not the server's."""
        try:
            held = self._recorder.held = time.perf_counter() - since
            self._waits.held(held)
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
        """Our own shutdown in the middle of a dialogue: say QUIT, as a client should."""
        if may_say_goodbye(self._recorder.stage):
            self._send(b"QUIT\r\n")

    # TLS, and all that may be expensive

    def _start_tls(self) -> None:
        began = time.perf_counter()
        # To read the system's authorities anew, now and then, is no cost of this host.
        self._tls = SessionTls(self._plan, self._dialogue, lambda: self._cpu.unmeasured(system_roots))
        self._connection.send(self._tls.outgoing())
        self._enter(_TLS, began)
        if self._plan.tls is not None and not self._plan.tls.required:
            took = began - self._recorder.started - self._recorder.held
            self.due = min(self.due, handshake_deadline(began, self._waits.end, took))

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

    def _receive_measured(self, data: bytes, now: float) -> None:
        """Handle an event that may be expensive, and end the session where it has been too expensive."""
        self._cpu.begin()
        if self._tls is not None:
            self._receive_records(self._tls, data, now)
        else:
            self._receive(data, now)
        self._cpu.end()
        if not self._cpu.is_too_much or self._record.done():
            return
        if self._tls is not None and self._tls.is_shaking_hands:
            self._tls.fail(TlsFault(self._cpu.excess))
        else:
            self._dialogue.abort(self._cpu.excess)
        self._advance(now)

    # The end

    def _finish(self) -> None:
        if self._record.done():
            return
        rtt, cost = self._connection.tcp_rtt, self._cpu.seconds
        self._record.set_result(self._recorder.record(self._dialogue.result, self._tls, rtt, cost))
