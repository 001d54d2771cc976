"""One session against scripted hosts on loopback, on every event loop."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
import time
from collections.abc import Callable

import pytest

from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import Ended, SmtpHost
from exporter.lab.smtp_script import CLOSE, RESET, Answer, Drip, SmtpScript, Wait, ordinary
from exporter.model.failure import Stage
from exporter.net.poller import ENDED, READABLE, WRITABLE, Poller, Ready, poller_of
from exporter.probe.session import Session
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint, SessionOptions
from exporter.probe.transcript_recorder import MAX_TRANSCRIPT_BYTES
from exporter.smtp.events import ProblemKind
from exporter.smtp.plan import Plan
from tests.support.daemons import free_port
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.require import missing
from tests.support.waiting import until

PLAN = Plan(b"probe.example")


async def talk(script: SmtpScript, seconds: float = 5.0, *, transcript: bool = False) -> tuple[SessionRecord, SmtpHost]:
    """A session with a host of its own; returns when the host has seen its end too."""
    host = SmtpHost(script)
    port = await host.start()
    try:
        record = await Session(PLAN, Endpoint("127.0.0.1", port), seconds, SessionOptions(transcript)).run()
        await host.sessions_ended(1)
    finally:
        await host.stop()
    return record, host


async def talk_to_nobody(seconds: float) -> SessionRecord:
    """A session with a port that swallows every SYN."""
    host = SilentHost()
    port = await host.start()
    try:
        return await Session(PLAN, Endpoint("127.0.0.1", port), seconds).run()
    finally:
        await host.stop()


async def _while_this_process_stands_still(seconds: float) -> tuple[SessionRecord, float]:
    """A session with a host that greets at once, though nobody looks for `seconds`; and what it took by our clock."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10.0)

        def greet() -> None:
            with listener.accept()[0] as client:
                client.sendall(b"220 mx.example\r\n")
                for answer in (b"250 mx.example\r\n", b"221 bye\r\n"):
                    client.recv(100)
                    client.sendall(answer)

        host = asyncio.get_running_loop().run_in_executor(None, greet)
        endpoint = Endpoint("127.0.0.1", listener.getsockname()[1])
        session = Session(PLAN, endpoint, 10.0, SessionOptions(transcript=True))
        began = time.perf_counter()
        under_way = asyncio.ensure_future(session.run())
        await asyncio.sleep(0)  # it connects
        time.sleep(seconds)  # noqa: ASYNC251 - as another probe's work would
        record = await under_way
        took = time.perf_counter() - began
        await host
    return record, took


class _EarlyPoller:
    """Tells of an error as soon as the connect has begun, as the kernel does a moment before there is one."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller

    def watch(self, descriptor: int, ready: Ready) -> None:
        self._poller.watch(descriptor, ready)
        asyncio.get_running_loop().call_soon(ready, READABLE | WRITABLE | ENDED, time.perf_counter())

    def forget(self, descriptor: int) -> None:
        self._poller.forget(descriptor)

    def want_to_write(self, descriptor: int) -> None:
        self._poller.want_to_write(descriptor)

    def dispatch(self) -> bool:
        return self._poller.dispatch()


@on_every_loop
def test_a_connect_without_an_answer_is_not_taken_for_done(
    loop_factory: LoopFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        missing("only Linux tells what became of a connect")
    monkeypatch.setattr("exporter.net.connection.poller_of", lambda loop: _EarlyPoller(poller_of(loop)))

    record = run_on(loop_factory, talk_to_nobody(0.5))
    assert record.phases == ()
    assert record.connect is not None
    assert record.connect.errno is None
    assert record.connect.elapsed >= 0.5
    assert run_on(loop_factory, talk(ordinary("mx.example")))[0].quit_clean


@on_every_loop
def test_what_is_measured_is_the_network_and_not_how_busy_this_process_is(loop_factory: LoopFactory) -> None:
    if sys.platform != "linux":
        missing("only Linux tells when what is read had come")
    record, took = run_on(loop_factory, _while_this_process_stands_still(0.5))
    assert took >= 0.5
    assert [stage for stage, _ in record.phases] == [Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.QUIT]
    assert dict(record.phases)[Stage.CONNECT] < 0.25
    assert dict(record.phases)[Stage.BANNER] < 0.25
    times = [line.at for line in record.transcript]
    assert times == sorted(times)
    assert times[0] < 0.25
    assert times[1] >= 0.5, "EHLO was said when it was said"


@on_every_loop
def test_the_ordinary_session_is_recorded_whole(loop_factory: LoopFactory) -> None:
    record, host = run_on(loop_factory, talk(ordinary("mx.example"), transcript=True))
    assert record.problem is None
    assert record.connect is None
    assert [stage for stage, _ in record.phases] == [Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.QUIT]
    assert all(0.0 <= seconds < 5.0 for _, seconds in record.phases)
    assert [(stage, reply.code) for stage, reply in record.replies] == [
        (Stage.BANNER, 220),
        (Stage.EHLO, 250),
        (Stage.QUIT, 221),
    ]
    assert record.quit_clean
    assert record.tcp_rtt is not None
    assert 0.0 <= record.tcp_rtt < 1.0
    session = host.sessions[0]
    assert session.commands == [b"EHLO probe.example", b"QUIT"]
    assert session.ended is Ended.QUIT
    sent = [line.data for line in record.transcript if line.sent]
    assert sent == [b"EHLO probe.example\r\n", b"QUIT\r\n"]
    assert record.transcript[0].data.startswith(b"220 mx.example")
    assert [line.at for line in record.transcript] == sorted(line.at for line in record.transcript)


@on_every_loop
def test_a_transcript_is_kept_only_when_asked_for(loop_factory: LoopFactory) -> None:
    record, _ = run_on(loop_factory, talk(ordinary("mx.example")))
    assert record.transcript == ()


@on_every_loop
def test_a_late_greeting_is_the_banner_phases_time_and_no_other(loop_factory: LoopFactory) -> None:
    record, _ = run_on(loop_factory, talk(ordinary("mx.example", greeting=(Wait(0.3), b"220 mx\r\n"))))
    phases = dict(record.phases)
    assert phases[Stage.BANNER] >= 0.29
    assert phases[Stage.CONNECT] < 0.29
    assert phases[Stage.EHLO] < 0.29


@on_every_loop
def test_a_reply_that_drips_in_is_timed_to_its_last_byte(loop_factory: LoopFactory) -> None:
    record, _ = run_on(loop_factory, talk(ordinary("mx.example", EHLO=Drip(b"250 mx\r\n", 0.03))))
    assert record.problem is None
    assert dict(record.phases)[Stage.EHLO] >= 0.2


@on_every_loop
def test_a_refused_connection_tells_its_errno(loop_factory: LoopFactory) -> None:
    async def main() -> SessionRecord:
        port = free_port()
        return await Session(PLAN, Endpoint("127.0.0.1", port), 5.0).run()

    record = run_on(loop_factory, main())
    assert record.connect is not None
    assert record.connect.errno == errno.ECONNREFUSED
    assert record.connect.icmp is None
    assert record.phases == ()


@on_every_loop
def test_a_silent_port_is_silence_until_the_deadline(loop_factory: LoopFactory) -> None:
    record = run_on(loop_factory, talk_to_nobody(0.5))
    assert record.connect is not None
    assert record.connect.errno is None
    assert record.connect.elapsed == pytest.approx(0.5, abs=0.2)


@on_every_loop
@pytest.mark.parametrize(
    ("script", "stage"),
    [
        (SmtpScript(greeting=None), Stage.BANNER),
        (SmtpScript(greeting=b"220 half a greeting"), Stage.BANNER),
        (ordinary("mx.example", EHLO=None), Stage.EHLO),
        (ordinary("mx.example", EHLO=b"250-more follows\r\n"), Stage.EHLO),
    ],
)
def test_after_a_timeout_nothing_more_is_said(loop_factory: LoopFactory, script: SmtpScript, stage: Stage) -> None:
    record, host = run_on(loop_factory, talk(script, seconds=0.5))
    assert record.problem is not None
    assert (record.problem.stage, record.problem.kind) == (stage, ProblemKind.TIMEOUT)
    assert stage not in dict(record.phases)
    assert record.unfinished is not None
    assert record.unfinished[0] is stage
    assert sum(dict(record.phases).values()) + record.unfinished[1] == pytest.approx(0.5, abs=0.2)
    assert b"QUIT" not in host.sessions[0].verbs
    assert host.sessions[0].ended in (Ended.EOF, Ended.RESET)


@on_every_loop
@pytest.mark.parametrize("end", [CLOSE, RESET])
@pytest.mark.parametrize(("replies", "stage"), [({"greeting": ()}, Stage.BANNER), ({"EHLO": ()}, Stage.EHLO)])
def test_a_closed_and_a_reset_connection_are_the_same(
    loop_factory: LoopFactory, replies: dict[str, Answer], stage: Stage, end: Answer
) -> None:
    record, _ = run_on(loop_factory, talk(ordinary("mx.example", **dict.fromkeys(replies, end))))
    assert record.problem is not None
    assert (record.problem.stage, record.problem.kind) == (stage, ProblemKind.CLOSED)


@on_every_loop
def test_what_was_said_before_a_reset_is_read(loop_factory: LoopFactory) -> None:
    record, _ = run_on(loop_factory, talk(ordinary("mx.example", greeting=(b"554 go away\r\n", CLOSE))))
    assert record.problem is not None
    assert record.problem.reply is not None
    assert record.problem.reply.code == 554


@on_every_loop
def test_a_server_that_hangs_after_quit_costs_a_moment_and_fails_nothing(loop_factory: LoopFactory) -> None:
    record, _ = run_on(loop_factory, talk(ordinary("mx.example", QUIT=None), seconds=0.5))
    assert record.problem is None
    assert not record.quit_clean


@on_every_loop
def test_a_transcript_of_a_flood_is_bounded(loop_factory: LoopFactory) -> None:
    flood = b"".join(b"250-%d\r\n" % number for number in range(5000))
    record, _ = run_on(loop_factory, talk(ordinary("mx.example", EHLO=flood), seconds=0.5, transcript=True))
    assert sum(len(line.data) for line in record.transcript) <= MAX_TRANSCRIPT_BYTES + 100


@on_every_loop
def test_giving_up_in_the_middle_says_quit(loop_factory: LoopFactory) -> None:
    async def main() -> SmtpHost:
        host = SmtpHost(ordinary("mx.example", EHLO=None))
        port = await host.start()
        try:
            record = asyncio.ensure_future(Session(PLAN, Endpoint("127.0.0.1", port), 30.0).run())
            await until(lambda: host.sessions and host.sessions[0].commands)
            record.cancel()
            await host.sessions_ended(1)
        finally:
            await host.stop()
        return host

    host = run_on(loop_factory, main())
    assert host.sessions[0].verbs == [b"EHLO", b"QUIT"]
    assert host.sessions[0].ended is Ended.QUIT


@on_every_loop
def test_giving_up_before_the_greeting_says_nothing(loop_factory: LoopFactory) -> None:
    async def main() -> SmtpHost:
        host = SmtpHost(ordinary("mx.example", greeting=None))
        port = await host.start()
        try:
            record = asyncio.ensure_future(Session(PLAN, Endpoint("127.0.0.1", port), 30.0).run())
            await until(lambda: host.sessions)
            record.cancel()
            await host.sessions_ended(1)
        finally:
            await host.stop()
        return host

    host = run_on(loop_factory, main())
    assert host.sessions[0].commands == []


@on_every_loop
def test_a_bug_of_ours_reaches_who_awaits_the_record(
    loop_factory: LoopFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Session, data: bytes, now: float) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Session, "data_received", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        run_on(loop_factory, talk(ordinary("mx.example")))


@on_every_loop
def test_a_source_address_that_is_not_ours_is_a_local_fault(loop_factory: LoopFactory) -> None:
    async def main() -> SessionRecord:
        return await Session(PLAN, Endpoint("127.0.0.1", 1, "203.0.113.77"), 5.0).run()

    record = run_on(loop_factory, main())
    assert record.connect is not None
    assert record.connect.errno == errno.EADDRNOTAVAIL


@on_every_loop
def test_the_source_address_is_used(loop_factory: LoopFactory) -> None:
    async def main() -> SmtpHost:
        host = SmtpHost(ordinary("mx.example"))
        port = await host.start()
        try:
            await Session(PLAN, Endpoint("127.0.0.1", port, "127.0.0.9"), 5.0).run()
            await host.sessions_ended(1)
        finally:
            await host.stop()
        return host

    assert run_on(loop_factory, main()).sessions[0].client == "127.0.0.9"


@on_every_loop
def test_silence_is_told_once_while_the_rest_of_the_time_runs(loop_factory: LoopFactory) -> None:
    async def main() -> tuple[list[float], SessionRecord, float]:
        loop = asyncio.get_running_loop()
        silent, told = SilentHost(), list[float]()
        port = await silent.start()
        began = loop.time()
        try:
            session = Session(
                PLAN, Endpoint("127.0.0.1", port), 0.4, on_no_answer=lambda: told.append(loop.time() - began)
            )
            record = await session.run()
        finally:
            await silent.stop()
        return told, record, loop.time() - began

    told, record, seconds = run_on(loop_factory, main())
    assert len(told) == 1
    assert 0.19 < told[0] < seconds  # a timer may be a millisecond early
    assert seconds > 0.39
    assert record.connect is not None


@on_every_loop
def test_a_host_that_answers_in_time_is_not_called_silent(loop_factory: LoopFactory) -> None:
    """Its greeting may take longer than a connect: nobody else is asked before half of the time is over."""

    async def main() -> list[str]:
        told: list[str] = []
        host = SmtpHost(ordinary("mx.example", greeting=(Wait(0.4), b"220 mx.example\r\n")))
        port = await host.start()
        try:
            session = Session(PLAN, Endpoint("127.0.0.1", port), 4.0, on_no_answer=lambda: told.append("silent"))
            record = await session.run()
        finally:
            await host.stop()
        assert record.problem is None
        return told

    assert run_on(loop_factory, main()) == []


@on_every_loop
def test_a_host_that_accepts_and_says_nothing_is_called_silent_before_the_time_is_over(
    loop_factory: LoopFactory,
) -> None:
    async def main() -> tuple[SessionRecord, list[str]]:
        told: list[str] = []
        host = SmtpHost(ordinary("mx.example", greeting=(Wait(30.0),)))
        port = await host.start()
        try:
            session = Session(PLAN, Endpoint("127.0.0.1", port), 0.6, on_no_answer=lambda: told.append("silent"))
            return await session.run(), told
        finally:
            await host.stop()

    record, told = run_on(loop_factory, main())
    assert told == ["silent"]
    assert record.problem is not None
    assert (record.problem.stage, record.problem.kind, record.spoke) == (Stage.BANNER, ProblemKind.TIMEOUT, False)


class LentTurn:
    """A turn that others have when the connect is answered, and that comes back when it is said."""

    def __init__(self) -> None:
        self.told: Callable[[], None] | None = None

    def lend_name(self) -> None:
        """Lend it to nobody."""

    def regain_name(self, told: Callable[[], None]) -> bool:
        self.told = told
        return False


@on_every_loop
def test_who_waits_for_the_turn_says_nothing_and_measures_the_greeting_as_it_came(loop_factory: LoopFactory) -> None:
    """The time of waiting is neither the server's nor part of the timeout."""

    async def main() -> tuple[SessionRecord, list[bytes], float]:
        host, turn = SmtpHost(ordinary("mx.example")), LentTurn()
        port = await host.start()
        try:
            session = Session(PLAN, Endpoint("127.0.0.1", port), 0.4, permit=turn)
            began = time.perf_counter()
            talking = asyncio.ensure_future(session.run())
            await until(lambda: turn.told is not None and host.sessions and host.sessions[0].sent)
            await until(lambda: time.perf_counter() - began > 0.8)
            before = list(host.sessions[0].commands)
            assert turn.told is not None
            turn.told()
            record = await talking
            await host.sessions_ended(1)
        finally:
            await host.stop()
        return record, before, time.perf_counter() - began

    record, before, took = run_on(loop_factory, main())
    assert before == []
    assert record.problem is None
    assert record.quit_clean
    assert record.took < 0.4 < took
    if sys.platform == "linux":
        assert dict(record.phases)[Stage.BANNER] < 0.3, "the kernel knows when the greeting came"


@on_every_loop
def test_given_up_while_it_waits_for_the_turn_it_leaves_without_a_word(loop_factory: LoopFactory) -> None:
    async def main() -> list[bytes]:
        host, turn = SmtpHost(ordinary("mx.example")), LentTurn()
        port = await host.start()
        try:
            session = Session(PLAN, Endpoint("127.0.0.1", port), 5.0, permit=turn)
            talking = asyncio.ensure_future(session.run())
            await until(lambda: turn.told is not None)
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            await host.sessions_ended(1)
        finally:
            await host.stop()
        return host.sessions[0].commands

    assert run_on(loop_factory, main()) == []
