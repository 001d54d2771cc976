"""The scripted SMTP server, seen with plain streams and sockets, on every event loop."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from exporter.lab.certificates import Authority
from exporter.lab.host import listening_in_thread
from exporter.lab.smtp_host import MAX_COMMANDS, Ended, ServerSession, SmtpHost
from exporter.lab.smtp_script import (
    CLOSE,
    HALF_CLOSE,
    RESET,
    Answer,
    Drip,
    Flood,
    SmtpScript,
    SwitchToTls,
    Wait,
    ordinary,
    reply,
)
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.waiting import until

NAME = "mx.demo.example"


@asynccontextmanager
async def listening(script: SmtpScript) -> AsyncIterator[tuple[SmtpHost, int]]:
    host = SmtpHost(script)
    port = await host.start()
    try:
        yield host, port
    finally:
        await host.stop()


async def converse(script: SmtpScript, said: bytes) -> tuple[bytes, ServerSession]:
    """Say everything at once, read until the end, close."""
    async with listening(script) as (host, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        heard = b""
        try:
            while data := await reader.read(65536):
                heard += data
        except ConnectionResetError:
            heard += b"<reset>"
        writer.transport.abort()
        await host.sessions_ended(1)
        return heard, host.sessions[0]


def _heard(loop_factory: LoopFactory, script: SmtpScript, said: bytes = b"") -> tuple[bytes, ServerSession]:
    return run_on(loop_factory, converse(script, said))


@on_every_loop
def test_an_ordinary_host_holds_a_whole_conversation(loop_factory: LoopFactory) -> None:
    said = (
        b"EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nVRFY a\r\nHELP\r\nquit\r\n"
    )
    heard, session = _heard(loop_factory, ordinary(NAME), said)
    codes = [int(line[:3]) for line in heard.splitlines() if line[3:4] == b" "]
    assert codes == [220, 250, 250, 250, 354, 250, 252, 502, 221]
    assert heard.startswith(b"220 mx.demo.example ESMTP\r\n250-mx.demo.example\r\n")
    assert session.verbs == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"VRFY", b"HELP", b"QUIT"]
    assert session.commands[1] == b"MAIL FROM:<>"
    assert session.message == b"Subject: x\r\n\r\n..\r\n"
    assert session.ended is Ended.QUIT
    assert session.sent == len(heard)
    assert session.closed is not None
    assert session.closed >= session.opened


def test_a_real_client_is_content_with_it() -> None:
    async def main() -> None:
        async with listening(ordinary(NAME)) as (host, port):

            def deliver() -> None:
                with smtplib.SMTP("127.0.0.1", port, local_hostname="me", timeout=10) as client:
                    client.sendmail("a@example.org", ["b@example.org"], "Subject: hello\r\n\r\ntext\r\n")
                    assert client.esmtp_features["size"] == "10485760"

            await asyncio.to_thread(deliver)
            await host.sessions_ended(1)
            assert host.sessions[0].message == b"Subject: hello\r\n\r\ntext\r\n"

    asyncio.run(main())


@on_every_loop
def test_answers_are_replaced_by_verb(loop_factory: LoopFactory) -> None:
    script = ordinary(NAME, greeting=reply(220, "a", "b"), RCPT=reply(451, "4.7.1 later"), EHLO=reply(502, "no"))
    heard, _ = _heard(loop_factory, script, b"EHLO x\r\nHELO x\r\nRCPT TO:<a@b>\r\nQUIT\r\n")
    assert heard == (b"220-a\r\n220 b\r\n502 no\r\n250 mx.demo.example\r\n451 4.7.1 later\r\n221 2.0.0 Bye\r\n")


@on_every_loop
@pytest.mark.parametrize(
    ("script", "said", "heard", "ended"),
    [
        (ordinary(NAME, greeting=CLOSE), b"", b"", Ended.SCRIPT),
        (ordinary(NAME, greeting=RESET), b"", b"<reset>", Ended.SCRIPT),
        (ordinary(NAME, greeting=HALF_CLOSE), b"", b"", Ended.EOF),
        (ordinary(NAME, greeting=(b"22", CLOSE, b"0 never\r\n")), b"", b"22", Ended.SCRIPT),
        (ordinary(NAME, greeting=(b"220 x\r\n", HALF_CLOSE)), b"QUIT\r\n", b"220 x\r\n", Ended.QUIT),
        (ordinary(NAME, greeting=None), b"QUIT\r\n", b"221 2.0.0 Bye\r\n", Ended.QUIT),
        (ordinary(NAME, greeting=(Wait(0.01), b"220 x\r\n", Wait(0.01), CLOSE)), b"", b"220 x\r\n", Ended.SCRIPT),
        (ordinary(NAME, greeting=Drip(b"220 x\r\n")), b"QUIT\r\n", b"220 x\r\n221 2.0.0 Bye\r\n", Ended.QUIT),
        (ordinary(NAME, greeting=b"", EHLO=CLOSE), b"EHLO x\r\n", b"", Ended.SCRIPT),
        (
            ordinary(NAME, greeting=b"", QUIT=(b"221 a\r\n250 b\r\n", CLOSE)),
            b"QUIT\r\n",
            b"221 a\r\n250 b\r\n",
            Ended.QUIT,
        ),
        (SmtpScript(None, otherwise=(b"HTTP/1.1 400\r\n", CLOSE)), b"GET /\r\n", b"HTTP/1.1 400\r\n", Ended.SCRIPT),
    ],
)
def test_a_script_ends_as_written(
    loop_factory: LoopFactory, script: SmtpScript, said: bytes, heard: bytes, ended: Ended
) -> None:
    got, session = _heard(loop_factory, script, said)
    assert got == heard
    assert session.ended is ended


@on_every_loop
def test_a_reset_after_a_verb_is_a_reset(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        async with listening(ordinary(NAME, EHLO=RESET)) as (host, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.readline() == b"220 mx.demo.example ESMTP\r\n"
            writer.write(b"EHLO x\r\n")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.transport.abort()
            await host.sessions_ended(1)
            assert host.sessions[0].verbs == [b"EHLO"]

    run_on(loop_factory, main())


@on_every_loop
def test_a_dripped_answer_comes_in_many_segments(loop_factory: LoopFactory) -> None:
    async def main() -> int:
        async with listening(ordinary(NAME, greeting=Drip(b"220 x\r\n", 0.005))) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            heard, segments = b"", 0
            while not heard.endswith(b"\n"):
                heard += await reader.read(65536)
                segments += 1
            writer.transport.abort()
            assert heard == b"220 x\r\n"
            return segments

    assert run_on(loop_factory, main()) > 1


@on_every_loop
@pytest.mark.parametrize("flood", [Flood(b"220-x\r\n"), Flood(b"x" * 65536), Flood(b"220-x\r\n", 0.001)])
def test_a_flood_lasts_until_the_client_has_gone(loop_factory: LoopFactory, flood: Flood) -> None:
    async def main() -> None:
        async with listening(ordinary(NAME, greeting=flood)) as (host, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert len(await reader.readexactly(70)) == 70
            writer.transport.abort()
            await host.sessions_ended(1)
            assert host.sessions[0].ended in (Ended.EOF, Ended.RESET)

    run_on(loop_factory, main())


@on_every_loop
def test_a_flood_that_nobody_reads_fills_no_memory(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        async with listening(ordinary(NAME, greeting=Flood(b"x" * 65536))) as (host, port):
            with socket.create_connection(("127.0.0.1", port)):
                await until(lambda: host.sessions)
                session, before = host.sessions[0], -1
                while session.sent != before:  # until the kernel takes no more
                    before = session.sent
                    await asyncio.sleep(0.05)
                assert session.sent < 64 * 2**20
            await host.sessions_ended(1)

    run_on(loop_factory, main())


@on_every_loop
def test_ten_megabytes_arrive_at_once_and_whole(loop_factory: LoopFactory) -> None:
    data = b"220 " + b"x" * 10_000_000 + b"\r\n"
    heard, session = _heard(loop_factory, ordinary(NAME, greeting=(data, CLOSE)))
    assert heard == data
    assert session.sent == len(data)


@on_every_loop
@pytest.mark.parametrize("answer", [Wait(3600), (b"220-x\r\n", Wait(3600)), Drip(b"220 x\r\n", 3600), None])
def test_a_client_that_leaves_ends_the_waiting(loop_factory: LoopFactory, answer: Answer) -> None:
    async def main() -> None:
        async with listening(ordinary(NAME, greeting=answer)) as (host, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await until(lambda: host.connections == 1)
            writer.close()
            await writer.wait_closed()
            await host.sessions_ended(1)
            assert host.sessions[0].ended in (Ended.EOF, Ended.RESET)

    run_on(loop_factory, main())


@on_every_loop
def test_a_client_that_resets_is_recorded_so(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        async with listening(ordinary(NAME)) as (host, port):
            sock = socket.create_connection(("127.0.0.1", port))
            await until(lambda: host.sessions and host.sessions[0].sent)
            sock.close()  # with the greeting unread: the kernel answers with RST
            await host.sessions_ended(1)
            assert host.sessions[0].ended is Ended.RESET

    run_on(loop_factory, main())


@on_every_loop
def test_sessions_are_counted_and_their_concurrency_too(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        async with listening(ordinary(NAME)) as (host, port):
            writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(5)]
            await until(lambda: host.concurrent == 5)
            for writer in writers:
                writer.write(b"QUIT\r\n")
            await host.sessions_ended(5)
            _, last = await asyncio.open_connection("127.0.0.1", port)
            last.write(b"QUIT\r\n")
            await host.sessions_ended(6)
            assert (host.connections, host.concurrent, host.concurrent_max) == (6, 0, 5)
            for writer in (*writers, last):
                writer.transport.abort()

    run_on(loop_factory, main())


@on_every_loop
def test_a_new_script_holds_for_new_sessions(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        async with listening(ordinary("old.example")) as (host, port):
            old_reader, old = await asyncio.open_connection("127.0.0.1", port)
            assert await old_reader.readline() == b"220 old.example ESMTP\r\n"
            host.script = ordinary("new.example")
            new_reader, new = await asyncio.open_connection("127.0.0.1", port)
            assert await new_reader.readline() == b"220 new.example ESMTP\r\n"
            old.write(b"HELO x\r\n")
            assert await old_reader.readline() == b"250 old.example\r\n"
            old.transport.abort()
            new.transport.abort()

    run_on(loop_factory, main())


@on_every_loop
def test_stopping_drops_sessions_and_refuses_new_ones(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        host = SmtpHost(ordinary(NAME, EHLO=Wait(3600)))
        port = await host.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"EHLO x\r\n")
        await until(lambda: host.sessions and host.sessions[0].commands)
        await host.stop()
        try:
            assert (await reader.read()).startswith(b"220 ")
        except ConnectionResetError:
            pass  # dropped, one way or the other
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert host.sessions[0].ended is Ended.STOPPED
        writer.transport.abort()
        again = SmtpHost(ordinary(NAME))
        assert await again.start("127.0.0.1", port) == port
        await again.stop()

    run_on(loop_factory, main())


@on_every_loop
def test_a_client_cannot_make_the_record_grow_without_end(loop_factory: LoopFactory) -> None:
    heard, session = _heard(loop_factory, ordinary(NAME), b"NOOP\r\n" * (MAX_COMMANDS + 50))
    assert len(session.commands) == MAX_COMMANDS
    assert session.ended is Ended.SCRIPT
    _, endless = _heard(loop_factory, ordinary(NAME), b"x" * 100_000)
    assert endless.commands == []
    assert heard.count(b"250 ") <= MAX_COMMANDS


async def _tls_session(script: SmtpScript, talk: Callable[[int], None]) -> ServerSession:
    async with listening(script) as (host, port):
        await asyncio.to_thread(talk, port)
        await host.sessions_ended(1)
        return host.sessions[0]


@on_every_loop
def test_starttls_secures_the_conversation_and_changes_the_script(loop_factory: LoopFactory) -> None:
    authority = Authority()
    step = SwitchToTls(authority.server_context(NAME), ordinary("inside.example"))
    script = ordinary(NAME, ("STARTTLS",), STARTTLS=(reply(220, "go"), step))

    def talk(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="me", timeout=10) as client:
            client.ehlo()
            assert client.has_extn("starttls")
            client._host = NAME  # type: ignore[attr-defined] # the name that the certificate is checked against
            client.starttls(context=ssl.create_default_context(cadata=authority.pem))
            client.ehlo()
            assert not client.has_extn("starttls")
            assert client.ehlo_resp is not None
            assert client.ehlo_resp.startswith(b"inside.example")

    session = run_on(loop_factory, _tls_session(script, talk))
    assert session.tls.startswith("TLSv1.")
    assert session.verbs == [b"EHLO", b"STARTTLS", b"EHLO", b"QUIT"]
    assert session.ended is Ended.QUIT


@on_every_loop
@pytest.mark.parametrize("said", [b"QUIT\r\n" * 10, b""], ids=["garbage", "nothing"])
def test_a_failed_handshake_ends_the_session(loop_factory: LoopFactory, said: bytes) -> None:
    script = ordinary(NAME, STARTTLS=(reply(220, "go"), SwitchToTls(Authority().server_context(NAME))))

    def talk(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock, sock.makefile("rb") as lines:
            lines.readline()
            sock.sendall(b"STARTTLS\r\n")
            assert lines.readline() == b"220 go\r\n"
            sock.sendall(said)

    session = run_on(loop_factory, _tls_session(script, talk))
    assert session.tls == ""
    assert session.ended in (Ended.EOF, Ended.RESET)


async def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(OSError, match="in use"):
        await SmtpHost(ordinary(NAME)).start("127.0.0.1", listener.getsockname()[1])


def test_each_message_is_given_away_as_it_was_before_the_answer() -> None:
    got: list[bytes] = []
    host = SmtpHost(ordinary(NAME), on_message=got.append)
    with listening_in_thread(host) as port, smtplib.SMTP("127.0.0.1", port, timeout=10.0) as client:
        for text in ("Subject: one\r\n\r\n.\r\n..two\r\n", "Subject: three\r\n\r\n"):
            client.sendmail("a@me.example", ["b@mail.example"], text)
            assert got[-1] == text.encode()
    assert len(got) == 2
