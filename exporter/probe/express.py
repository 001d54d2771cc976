"""The express path: a session in which the host says what it said last time, so that only its numbers are new.

Most hosts say today what they said yesterday, and a session's replies are facts: byte for byte those of the last one,
they are its facts, the same objects. So this receiver of a connection knows no SMTP. It has the words of a session that
was read in full (exporter.probe.expectation), answers each expected reply with what was said next, and notes the times.
Nothing is parsed, classified, judged or rendered again.

It is run by the events of its connection alone, without a task (exporter.probe.express_turn).

At any surprise an ordinary session takes the connection over, at the byte where it differs, and reads what was heard
from its begin; what was said is not said again. A surprise are other bytes, more or fewer of them, an end, an error, a
wait that is longer than usual: the ordinary session decides, which alone knows how. A piece of an expected reply is no
surprise, for the ordinary session would wait for the rest of it, too. Words that end before a TLS handshake are handed
over there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from exporter.model.evidence import ConnectEvidence
from exporter.model.result import HostTimings, Said, to_microsecond
from exporter.net.connection import TcpConnection
from exporter.net.deadlines import Deadlines
from exporter.probe.begun_session import Begun, own_literal
from exporter.probe.expectation import Expectation, FamiliarWords, turns_of
from exporter.probe.session import Session
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint
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


class ExpressOwner(Protocol):
    """The turn that has the session."""

    def unchanged(self, session: Unchanged) -> None:
        """The host has said all that was expected. Must not raise."""

    def taken_over(self, began: float) -> Session:
        """The session that takes over from now on, and is waited for elsewhere; `began`: the time of the connect."""

    def full_session(self, began: float) -> Session:
        """A session that reads what was heard, and is waited for by nobody."""

    def failed(self, error: Exception) -> None:
        """A bug of ours ended the session. Must not raise."""


class ExpressSession:
    """One session with expected words: :meth:`begin` once. It ends by a call of its owner."""

    __slots__ = (
        "_at",
        "_began",
        "_connected",
        "_connection",
        "_deadlines",
        "_expected",
        "_familiar",
        "_last",
        "_lines",
        "_owner",
        "_part",
        "_place",
        "_seconds",
        "_session",
        "_started",
        "due",
    )

    def __init__(
        self, owner: ExpressOwner, familiar: FamiliarWords, expected: Expectation, deadlines: Deadlines
    ) -> None:
        """`expected`: the words of `familiar`."""
        self._owner = owner
        self._familiar = familiar
        self._expected = expected
        self._deadlines = deadlines
        self._session: Session | None = None  # the one that has taken over
        self._connected: float | None = None
        self._place = 0  # of the reply that is awaited, among the words
        self._part = b""  # of it
        self._lines: list[tuple[bytes, float, bool]] = []  # what was heard and said, when, and whether we said it
        self._seconds: list[float] = []  # of the stages

    def begin(self, connection: TcpConnection, endpoint: Endpoint, timeout: float) -> None:
        """Connect."""
        connect, whole = usual_waits(timeout)
        self._connection = connection
        self._at = time.time()
        started = self._started = self._began = connection.open(*endpoint)
        self._last = started + whole
        self.due = started + connect
        self._deadlines.add(self)

    # Events of the connection

    def connected(self, now: float) -> None:
        """The TCP handshake is complete; the greeting is awaited."""
        self._connected = now
        literal = self._expected.literal
        if literal and own_literal(self._connection) != literal:
            self._familiar.surprised()
            self._hand_over()
            return
        self._seconds.append(to_microsecond(now - self._began))
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
            self._seconds.append(to_microsecond(now - began))
            self._place = place = place + 2
            if place < len(words):
                self._say(words[place - 1])
            else:
                self._end()
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
        if self._session is not None:
            self._session.internal_error(error)
            return
        self._close()
        self._owner.failed(error)

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

    # The end

    def leave(self) -> None:
        """Our own shutdown: say goodbye as an ordinary session does, and close."""
        try:
            session = self._owner.full_session(self._started)
            session.take_over(self._begun())
            session.leave()
        finally:
            self._close()

    def go_on(self) -> None:
        """Have an ordinary session go on, as at a surprise."""
        try:
            self._hand_over()
        except Exception as error:
            self.internal_error(error)

    def _end(self) -> None:
        self._familiar.held()
        if self._expected.findings is None:
            self._hand_over()
            return
        self._last = time.perf_counter()
        self._deadlines.remove(self)
        self._connection.close()
        self._owner.unchanged(self._unchanged())

    def _close(self) -> None:
        self._deadlines.remove(self)
        self._connection.close()

    def _hand_over(self) -> Session:
        """Have an ordinary session go on."""
        session = self._session = self._owner.taken_over(self._started)
        self._deadlines.remove(self)
        self._deadlines.add(session)
        session.take_over(self._begun())
        return session

    def _begun(self) -> Begun:
        lines = self._lines
        return Begun(
            self._connection,
            self._at,
            self._started,
            self._connected,
            [(data, at) for data, at, sent in lines if not sent],
            [(data, at) for data, at, sent in lines if sent],
            self._expected.literal if self._place else b"",
        )

    def _unchanged(self) -> Unchanged:
        expected, started = self._expected, self._started
        words, ats, turns = zip(*self._lines, strict=True)
        if len(words) == len(expected.words):  # else replies in pieces
            turns = turns_of(len(words))
            if not expected.varying:
                words = expected.words
        said = Said(words, turns, tuple([at - started for at in ats]))
        timings = HostTimings(
            self._at,
            expected.stages,
            tuple(self._seconds),
            tcp_rtt=self._connection.tcp_rtt,
            took=to_microsecond(self._last - started),
        )
        return Unchanged(expected, timings, said, self._read)

    def _read(self) -> SessionRecord:
        """The session as an ordinary one reads it, from the bytes that were heard."""
        record = self._owner.full_session(self._started).read(self._begun())
        return replace(record, took=to_microsecond(self._last - self._started))
