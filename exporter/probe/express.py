"""The express path: a session in which the host says what it said last time, so that only its numbers are new.

Most hosts say today what they said yesterday, and a session's replies are facts: byte for byte those of the last one,
they are its facts, the same objects. So this receiver of a connection knows no SMTP. It has the words of a session that
was read in full (exporter.probe.expectation), answers each expected reply with what was said next, and notes the times.
Nothing is parsed, classified, judged or rendered again.

At any surprise an ordinary session takes the connection over, at the byte where it differs, and reads what was heard
from its begin; what was said is not said again. A surprise are other bytes, more or fewer of them, an end, an error, a
wait that is longer than usual: the ordinary session decides, which alone knows how. A piece of an expected reply is no
surprise, for the ordinary session would wait for the rest of it, too. Words that end before a TLS handshake are handed
over there.

Measured on CPython 3.11, two exporters side by side (docs/explanation/performance.md): a whole probe of an unchanged
host takes 0.68 of the CPU that it takes with the full dialogue. A session by itself takes 1.4 times that of a C client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

from exporter.model.evidence import ConnectEvidence
from exporter.model.result import HostTimings, Said, to_microsecond
from exporter.net.connection import TcpConnection
from exporter.net.deadlines import Deadlines
from exporter.probe.expectation import Expectation, FamiliarWords, turns_of
from exporter.probe.session import Begun, Session, own_literal
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import SessionRequest
from exporter.probe.stage_timeouts import usual_waits

# A reply that takes longer is waited for by an ordinary session. At most the least wait of any stage
# (exporter.probe.stage_timeouts), and less than the wait that is worth a warning (exporter.probe.host_warnings).
_USUAL_SECONDS: Final = 5.0
# Commands and pieces of replies in one session; more cost more than they save.
_MAX_LINES: Final = 32


class Unchanged(NamedTuple):
    """A session in which the host said what was expected: its numbers."""

    expected: Expectation
    timings: HostTimings
    said: Said
    read: Callable[[], SessionRecord]  # the record of the session, read in full after all

    @property
    def strangers(self) -> tuple[str, ...]:
        """Names in the greeting that are looked up."""
        return () if self.expected.findings is None else self.expected.findings.strangers

    def of(self, before: SessionRecord) -> SessionRecord:
        """The record of the session, as far as it counts, from that of one with the same words but for what varies."""
        times, said = self.timings, self.said.lines
        return replace(
            before, at=times.at, phases=times.phases, tcp_rtt=times.tcp_rtt, took=times.took, transcript=said
        )


class ExpressSession:
    """One session with expected words: :meth:`run` once."""

    __slots__ = (
        "_at",
        "_began",
        "_connected",
        "_connection",
        "_deadlines",
        "_ended",
        "_expected",
        "_familiar",
        "_full",
        "_last",
        "_lines",
        "_part",
        "_place",
        "_request",
        "_session",
        "_started",
        "due",
    )

    def __init__(
        self,
        request: SessionRequest,
        familiar: FamiliarWords,
        expected: Expectation,
        deadlines: Deadlines,
        loop: asyncio.AbstractEventLoop,
        full: Callable[[], Session],
    ) -> None:
        """`expected`: the words of `familiar`; `full` makes the ordinary session that takes over."""
        self._request = request
        self._familiar = familiar
        self._expected = expected
        self._deadlines = deadlines
        self._full = full
        self._connection = TcpConnection(loop, self)
        # None: all went as expected.
        self._ended: asyncio.Future[SessionRecord | None] = loop.create_future()
        self._session: Session | None = None  # the one that has taken over
        self._at = self._started = self._began = self._last = self.due = 0.0
        self._connected: float | None = None
        self._place = 0  # of the reply that is awaited, among the words
        self._part = b""  # of it
        self._lines: list[tuple[bytes, float, bool]] = []  # what was heard and said, when, and whether we said it

    async def run(self) -> SessionRecord | Unchanged:
        """Connect and go through the dialogue. Cancelled, it says goodbye."""
        deadlines = self._deadlines
        connect, whole = usual_waits(self._request.timeout)
        self._at = time.time()
        started = self._started = self._began = self._connection.open(*self._request.endpoint)
        self._last = started + whole
        self.due = started + connect
        deadlines.add(self)
        try:
            record = await self._ended
        except asyncio.CancelledError:
            self._leave()
            raise
        finally:
            deadlines.remove(self if self._session is None else self._session)
            self._connection.close()
        return self._unchanged() if record is None else record

    # Events of the connection

    def connected(self, now: float) -> None:
        """The TCP handshake is complete; the greeting is awaited."""
        self._connected = now
        literal = self._expected.literal
        if literal and own_literal(self._connection) != literal:
            self._familiar.surprised()
            self._hand_over()
            return
        self._began = now
        self.due = min(now + _USUAL_SECONDS, self._last)

    def connect_failed(self, evidence: ConnectEvidence) -> None:
        """There will be no dialogue."""
        self._hand_over().connect_failed(evidence)

    def data_received(self, data: bytes, now: float) -> None:
        """The expected reply, a piece of it, or a surprise."""
        began = self._began
        if now < began:  # two clocks may differ by a hair
            now = began
        self._lines.append((data, now, False))
        if self._part:
            data = self._part + data
        words, place = self._expected.words, self._place
        if now > self.due:
            self._hand_over()
        elif data == words[place] or self._varies(place, data):
            self._place = place = place + 2
            if place < len(words):
                self._say(words[place - 1])
                return
            self._familiar.held()
            if self._expected.findings is not None:
                self._ended.set_result(None)
                self._last = time.perf_counter()
                self._connection.close()
            else:
                self._hand_over()
        elif len(self._lines) < _MAX_LINES and self._may_begin(place, data):
            self._part = data
        else:
            self._familiar.surprised()
            self._hand_over()

    def eof_received(self, now: float) -> None:
        """The server will say nothing more, too early."""
        self._hand_over().eof_received(now)

    def internal_error(self, error: Exception) -> None:
        """A bug of ours: it is raised where the record is awaited."""
        if not self._ended.done():
            self._ended.set_exception(error)

    def deadline_passed(self, now: float) -> None:
        """The awaited reply takes longer than usual."""
        try:
            session = self._hand_over()
            if session.due <= now:
                session.deadline_passed(now)
        except Exception as error:
            self.internal_error(error)

    # The words

    def _varies(self, place: int, reply: bytes) -> bool:
        """The expected reply, but for what varies in it."""
        forms = self._expected.varying
        form = forms[place >> 1] if forms else None
        return form is not None and form.fits(reply)

    def _may_begin(self, place: int, piece: bytes) -> bool:
        """A piece of the expected reply, for whose rest an ordinary session would wait, too."""
        forms = self._expected.varying
        form = forms[place >> 1] if forms else None
        return self._expected.words[place].startswith(piece) or (form is not None and form.may_begin_with(piece))

    def _say(self, command: bytes) -> None:
        at = self._began = time.perf_counter()
        self._connection.send(command)
        self._lines.append((command, at, True))
        self._part = b""
        due = at + _USUAL_SECONDS
        self.due = due if due < self._last else self._last

    def _leave(self) -> None:
        """Our own shutdown: see :meth:`Session.leave`."""
        session = self._session
        if session is None and (self._ended.cancelled() or not self._ended.done()):
            session = self._hand_over()
        if session is not None:
            session.leave()

    # The end

    def _hand_over(self) -> Session:
        """Have an ordinary session go on."""
        session = self._session = self._full()
        self._deadlines.remove(self)
        self._deadlines.add(session)
        session.take_over(self._begun(self._connection, self._ended))
        return session

    def _begun(self, connection: TcpConnection, record: asyncio.Future[Any]) -> Begun:
        lines = self._lines
        return Begun(
            connection,
            record,
            self._at,
            self._started,
            self._connected,
            [(data, at) for data, at, sent in lines if not sent],
            [(data, at) for data, at, sent in lines if sent],
            self._expected.literal if self._place else b"",
        )

    def _unchanged(self) -> Unchanged:
        started, connected, lines, words = self._started, self._connected or 0.0, self._lines, self._expected.words
        turns = turns_of(len(words))
        if len(lines) != len(words):  # replies in pieces
            turns = tuple([sent for _, _, sent in lines])
        if len(lines) != len(words) or self._expected.varying:
            words = tuple([data for data, _, _ in lines])
        said = Said(words, turns, tuple([at - started for _, at, _ in lines]))
        # Each stage ends with the last piece of its reply, before the next command.
        began, seconds = connected, [to_microsecond(connected - started)]
        for (_, at, is_sent), is_end in zip(lines, (*turns[1:], True), strict=True):
            if is_sent:
                began = at
            elif is_end:
                seconds.append(to_microsecond(at - began))
        took, tcp_rtt = to_microsecond(self._last - started), self._connection.tcp_rtt
        timings = HostTimings(self._at, self._expected.stages, tuple(seconds), (), None, tcp_rtt, None, took)
        return Unchanged(self._expected, timings, said, self._read)

    def _read(self) -> SessionRecord:
        """The session as an ordinary one reads it, from the bytes that were heard."""
        record: asyncio.Future[SessionRecord] = self._ended.get_loop().create_future()
        self._full().take_over(self._begun(self._connection, record))
        return replace(record.result(), took=to_microsecond(self._last - self._started))
