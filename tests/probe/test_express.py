"""The express path beside the full reading: for every stream of bytes, in all pieces, both come out equal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model.evidence import ConnectEvidence
from exporter.model.result import HostIdentity, Said
from exporter.model.warning import HostWarning
from exporter.net.connection import Receiver
from exporter.net.deadlines import deadlines_of
from exporter.probe.expectation import Expectation, FamiliarWords, Findings, expectation_of
from exporter.probe.express import ExpressSession, Unchanged
from exporter.probe.host_result import host_result
from exporter.probe.session import Session
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint, SessionOptions
from exporter.smtp.plan import Plan

PLAN = Plan(b"probe.example")
MX = "mx.example"
IDENTITY = HostIdentity(MX, "192.0.2.1", 25, "default")
DIALOGUES = (
    (
        b"220 mx.example ESMTP Postfix\r\n",
        b"250-mx.example\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250 8BITMIME\r\n",
        b"221 2.0.0 Bye\r\n",
    ),
    (
        b"220-mx.example ESMTP Exim 4.96 Mon, 30 Nov 2026 06:22:56 +0000\r\n220 no spam\r\n",
        b"250-mx.example Hello probe.example [192.0.2.9]\r\n250 HELP\r\n",
        b"221 mx.example closing connection\r\n",
    ),
    (
        b"220 mx.google.com ESMTP 4fb4d7f45d1cf-5cb1a2b3c4dsi1234.123 - gsmtp\r\n",
        b"250-mx.google.com at your service, [192.0.2.9]\r\n250 SMTPUTF8\r\n",
        b"221 2.0.0 closing connection 4fb4d7f45d1cf-5cb1a2b3c4dsi1234.123 - gsmtp\r\n",
    ),
    (b"220 foo SMTP\n", b"250 foo\n", b"221 bye\n"),
)
# The second words of the same host: of a date and of an id.
LATER = {
    1: (DIALOGUES[1][0].replace(b"Mon, 30 Nov 2026 06:22:56", b"Fri,  4 Dec 2026 11:01:02"), *DIALOGUES[1][1:]),
    2: tuple(
        reply.replace(b"4fb4d7f45d1cf-5cb1a2b3c4dsi1234", b"a640c23a62f3a-ab7f0b1d2e3si9b") for reply in DIALOGUES[2]
    ),
}


class Wire:
    """A connection without a network: the test plays the peer, and sees what is said and when."""

    tcp_rtt = 0.01
    own_address = "192.0.2.9"

    def __init__(self, loop: asyncio.AbstractEventLoop, receiver: Receiver) -> None:
        self.receiver = receiver
        self.said: list[tuple[int, bytes]] = []  # after how many pieces, and what
        self.pieces = 0
        self.closed_after: int | None = None
        self.opened = False

    def open(self, address: str, port: int, source: str = "") -> float:
        WIRES.append(self)
        self.opened = True
        return time.perf_counter()

    def send(self, data: bytes) -> None:
        assert self.closed_after is None or not data
        self.said.append((self.pieces, data))

    def close(self) -> None:
        if self.closed_after is None:
            self.closed_after = self.pieces

    def hand_over(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def play(self, pieces: Sequence[bytes], end: str) -> None:
        """All that the peer says, and how it ends."""
        self.receiver.connected(time.perf_counter())
        for piece in pieces:
            if self.is_over():
                return
            self.pieces += 1
            self.receiver.data_received(piece, time.perf_counter())
        if self.is_over():
            return
        if end == "eof":
            self.receiver.eof_received(time.perf_counter())
        while not self.is_over():  # its time passes, once or, after a surprise, twice
            receiver: Any = self.receiver
            receiver.due = 0.0
            receiver.deadline_passed(time.perf_counter())

    def is_over(self) -> bool:
        receiver: Any = self.receiver
        if isinstance(receiver, ExpressSession):
            owner: Any = receiver._owner
            return bool(owner.is_over())
        return bool(receiver._record.done())


WIRES: list[Wire] = []


@pytest.fixture(autouse=True)
def _wires(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("exporter.probe.session.TcpConnection", Wire)
    WIRES.clear()
    yield
    WIRES.clear()


def full_session(plan: Plan = PLAN) -> Session:
    return Session(plan, Endpoint("192.0.2.1", 25), 30.0, SessionOptions(transcript=True))


async def read(pieces: Sequence[bytes], end: str = "eof", plan: Plan = PLAN) -> tuple[SessionRecord, Wire]:
    """The full reading."""
    task = asyncio.ensure_future(full_session(plan).run())
    await asyncio.sleep(0)
    wire = WIRES.pop()
    wire.play(pieces, end)
    return await task, wire


class ExpressOnly:
    """A turn that has a session by callbacks, and waits for the one that takes over."""

    def __init__(self, expected: Expectation, familiar: FamiliarWords | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.plan = expected.plan
        self.session = ExpressSession(self, familiar or FamiliarWords(), expected, deadlines_of(loop))
        self.wire = Wire(loop, self.session)
        self.taker: Session | None = None
        self.calls = 0
        self.error: Exception | None = None
        self._result: Unchanged | None = None
        self._is_decided = asyncio.Event()

    async def run(self) -> SessionRecord | Unchanged:
        connection: Any = self.wire
        self.session.begin(connection, Endpoint("192.0.2.1", 25), 30.0)
        try:
            await self._is_decided.wait()
        except asyncio.CancelledError:
            self.session.leave()
            raise
        if self.taker is not None:
            return await self.taker.record()
        assert self._result is not None, self.error
        return self._result

    def unchanged(self, session: Unchanged) -> None:
        self.calls += 1
        self._result = session
        self._is_decided.set()

    def taken_over(self, began: float) -> Session:
        self.calls += 1
        self.taker = self.full_session(began)
        self._is_decided.set()
        return self.taker

    def full_session(self, began: float) -> Session:
        return full_session(self.plan)

    def failed(self, error: Exception) -> None:
        self.calls += 1
        self.error = error
        self._is_decided.set()

    def is_over(self) -> bool:
        return self._is_decided.is_set() if self.taker is None else self.taker._record.done()


async def expect(
    expected: Expectation, pieces: Sequence[bytes], end: str = "eof", familiar: FamiliarWords | None = None
) -> tuple[SessionRecord | Unchanged, Wire]:
    """The express path."""
    owner = ExpressOnly(expected, familiar)
    task = asyncio.ensure_future(owner.run())
    await asyncio.sleep(0)
    wire = WIRES.pop()
    wire.play(pieces, end)
    found = await task
    assert owner.calls == 1, "it ends once"
    assert not deadlines_of(asyncio.get_running_loop())._waits
    return found, wire


def learnt(record: SessionRecord) -> Expectation:
    result = host_result(IDENTITY, record)
    findings = Findings(result.outcome, result.facts, result.evidence)
    found = expectation_of(record, MX, findings, result.timings, is_alias=False)
    assert found is not None
    return found


def timeless(record: SessionRecord) -> SessionRecord:
    """All of a record but its times."""
    said = tuple(line._replace(at=0.0) for line in record.transcript)
    phases = tuple((stage, 0.0) for stage, _ in record.phases)
    unfinished = None if record.unfinished is None else (record.unfinished[0], 0.0)
    return replace(record, at=0.0, phases=phases, unfinished=unfinished, transcript=said, took=0.0)


def same(full: tuple[SessionRecord, Wire], express: tuple[SessionRecord | Unchanged, Wire]) -> None:
    """Both came out equal in everything but times."""
    (record, wire), (found, express_wire) = full, express
    assert express_wire.said == wire.said
    assert express_wire.closed_after == wire.closed_after
    if isinstance(found, Unchanged):
        result, findings = host_result(IDENTITY, record), found.expected.findings
        assert findings is not None
        assert (findings.outcome, findings.facts, findings.evidence) == (result.outcome, result.facts, result.evidence)
        assert found.expected.stages == result.timings.stages
        assert len(found.timings.seconds) == len(result.timings.seconds)
        read_again = found.read()
        assert tuple(seconds for _, seconds in read_again.phases) == found.timings.seconds
        assert tuple(line.at for line in read_again.transcript) == found.said.times
        assert sum(found.timings.seconds) <= found.timings.took
        assert found.said._replace(times=()) == Said.of(record.transcript)._replace(times=())
        found = read_again
    assert timeless(found) == timeless(record)


async def masked(number: int) -> Expectation:
    """The expectation after one session, and after a second one with other words where the dialogue has those."""
    familiar = FamiliarWords()
    for words in (DIALOGUES[number], LATER.get(number, DIALOGUES[number])):
        familiar.learn(learnt((await read(words))[0]))
    expected = None
    while expected is None:  # one in some tens is to be read in full
        expected = familiar.expected(PLAN, MX, is_alias=False)
    assert bool(expected.varying) is (number in LATER)
    return expected


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in pieces."""
    bounds = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    return [piece for begin, end in pairwise(bounds) if (piece := stream[begin:end])]


ODD = st.sampled_from(
    [
        b"",
        b"\r\n",
        b"\n",
        b"\0",
        b" ",
        b"-",
        b"421 go\r\n",
        b"554 5.7.1 no\r\n",
        b"220 x\r\n",
        b"SSH-2.0-x\r\n",
        b"9" * 300,
    ]
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, list[bytes], str]:
    """A dialogue with up to two faults, in pieces."""
    number = draw(st.integers(0, len(DIALOGUES) - 1))
    replies = list(draw(st.sampled_from([DIALOGUES[number], LATER.get(number, DIALOGUES[number])])))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(replies) - 1))
        reply = replies[place]
        at = draw(st.integers(0, len(reply)))
        fault = draw(st.sampled_from(["insert", "delete", "change", "cut", "drop", "twice"]))
        if fault == "insert":
            replies[place] = reply[:at] + draw(ODD | st.binary(min_size=1, max_size=3)) + reply[at:]
        elif fault == "delete":
            replies[place] = reply[:at] + reply[at + draw(st.integers(1, 4)) :]
        elif fault == "change":
            replies[place] = reply[:at] + draw(st.binary(min_size=1, max_size=2)) + reply[at + 1 :]
        elif fault == "cut":
            replies[place:] = [reply[:at]]
        elif fault == "twice":
            replies.insert(place, reply)
        else:
            del replies[place]
        replies = replies or [b""]
    pieces: list[bytes] = []
    for reply in replies:
        pieces += cut(reply, draw(st.lists(st.integers(0, 400), max_size=4)))
    if len(pieces) > 1 and draw(st.booleans()):  # pipelined
        place = draw(st.integers(0, len(pieces) - 2))
        pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
    return number, pieces, draw(st.sampled_from(["eof", "silence"]))


@settings(max_examples=400, deadline=None)
@given(streams())
def test_both_ways_come_out_equal_for_all_streams_and_all_pieces(drawn: tuple[int, list[bytes], str]) -> None:
    number, pieces, end = drawn

    async def main() -> None:
        same(await read(pieces, end), await expect(await masked(number), pieces, end))

    asyncio.run(main())


@pytest.mark.parametrize("number", range(len(DIALOGUES)))
def test_the_words_of_last_time_need_no_reading_in_whatever_pieces(number: int) -> None:
    async def main() -> None:
        expected = await masked(number)
        for words in (DIALOGUES[number], LATER.get(number, DIALOGUES[number])):
            for size in (1000, 40, 23):
                pieces = [reply[at : at + size] for reply in words for at in range(0, len(reply), size)]
                express = await expect(expected, pieces)
                assert isinstance(express[0], Unchanged), pieces
                same(await read(pieces), express)

    asyncio.run(main())


def test_a_surprise_is_told_and_a_slow_host_is_none() -> None:
    async def main() -> None:
        expected = await masked(0)
        for reply, is_surprise in ((b"220 mx.example ESMTP Exim\r\n", True), (b"220 mx.ex", False)):
            familiar = FamiliarWords()
            familiar.learn(expected)
            await expect(expected, [reply], "silence", familiar)
            assert familiar.wants_lesson is is_surprise

    asyncio.run(main())


def test_words_that_end_before_the_handshake_hold_as_whole_dialogues_do() -> None:
    async def main() -> None:
        expected = await masked(0)
        for part in (expected, expected._replace(words=expected.words[:3], findings=None)):
            familiar = FamiliarWords()
            familiar.learn(expected)
            familiar.surprised()
            await expect(part, DIALOGUES[0], familiar=familiar)
            assert not familiar.wants_lesson

    asyncio.run(main())


def test_another_address_of_ours_is_no_other_word_for_the_full_reading() -> None:
    """An EHLO with our address has the address of this session."""

    async def main() -> None:
        plan = replace(PLAN, helo=b"")
        full = await read(DIALOGUES[0], plan=plan)
        expected = learnt(full[0])
        assert expected.literal == b"[192.0.2.9]"
        assert isinstance((await expect(expected, DIALOGUES[0]))[0], Unchanged)
        familiar = FamiliarWords()
        familiar.learn(expected)
        same(full, await expect(expected._replace(literal=b"[192.0.2.7]"), DIALOGUES[0], familiar=familiar))
        assert familiar.wants_lesson, "the next sessions say the new one"

    asyncio.run(main())


def test_a_failed_connect_is_that_of_the_full_reading() -> None:
    async def main() -> SessionRecord | Unchanged:
        task = asyncio.ensure_future(ExpressOnly(await masked(0)).run())
        await asyncio.sleep(0)
        WIRES.pop().receiver.connect_failed(ConnectEvidence("192.0.2.1", 111))
        return await task

    record = asyncio.run(main())
    assert isinstance(record, SessionRecord)
    assert record.connect == ConnectEvidence("192.0.2.1", 111)
    assert record.problem is None


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ((), []),
        ((b"220 mx.ex",), []),
        ((DIALOGUES[0][0],), [b"EHLO probe.example\r\n", b"QUIT\r\n"]),
        (DIALOGUES[0][:2], [b"EHLO probe.example\r\n", b"QUIT\r\n"]),
        (DIALOGUES[0], [b"EHLO probe.example\r\n", b"QUIT\r\n"]),
    ],
)
def test_cancelled_it_says_goodbye_as_the_full_reading_does(heard: tuple[bytes, ...], said: list[bytes]) -> None:
    async def main() -> None:
        for session in (full_session(), ExpressOnly(await masked(0))):
            task = asyncio.ensure_future(session.run())
            await asyncio.sleep(0)
            wire = WIRES.pop()
            wire.receiver.connected(time.perf_counter())
            for reply in heard:
                wire.receiver.data_received(reply, time.perf_counter())
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [data for _, data in wire.said] == said
            assert wire.closed_after is not None
        assert not deadlines_of(asyncio.get_running_loop())._waits

    asyncio.run(main())


def test_a_wait_that_is_longer_than_usual_is_left_to_the_full_reading() -> None:
    """A slow greeting is a warning of the full reading, and no word of the host."""

    async def main() -> SessionRecord | Unchanged:
        task = asyncio.ensure_future(ExpressOnly(await masked(0)).run())
        await asyncio.sleep(0)
        wire = WIRES.pop()
        now = time.perf_counter()
        wire.receiver.connected(now)
        for number, reply in enumerate(DIALOGUES[0]):
            wire.receiver.data_received(reply, now + 11.0 + number)
        return await task

    record = asyncio.run(main())
    assert isinstance(record, SessionRecord)
    assert HostWarning.BANNER_SLOW in host_result(IDENTITY, record).outcome.warnings
