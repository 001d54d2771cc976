"""One TCP connection on loopback, by its events."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import ClassVar

import pytest

from exporter.model.evidence import ConnectEvidence
from exporter.net.connection import TcpConnection, is_own_address
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.waiting import until


class Events:
    """A receiver that keeps what it gets; `broken`: it raises at the first data."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.names: list[str] = []
        self.data = b""
        self.evidence: ConnectEvidence | None = None
        self.error: Exception | None = None

    def connected(self, now: float) -> None:
        self.names.append("connected")

    def connect_failed(self, evidence: ConnectEvidence) -> None:
        self.names.append("failed")
        self.evidence = evidence

    def data_received(self, data: bytes, now: float) -> None:
        if self.broken:
            raise RuntimeError("a bug")
        self.data += data

    def eof_received(self, now: float) -> None:
        self.names.append("eof")

    def internal_error(self, error: Exception) -> None:
        self.error = error


async def _connected(events: Events, server: socket.socket) -> tuple[TcpConnection, socket.socket]:
    connection = TcpConnection(asyncio.get_running_loop(), events)
    connection.open("127.0.0.1", server.getsockname()[1])
    await until(lambda: events.names)
    peer, _ = server.accept()
    peer.setblocking(False)
    return connection, peer


@on_every_loop
def test_what_both_ends_say_arrives_and_the_end_is_the_last_event(loop_factory: LoopFactory) -> None:
    async def main() -> Events:
        events = Events()
        with socket.create_server(("127.0.0.1", 0)) as server:
            connection, peer = await _connected(events, server)
            with peer:
                ends = connection.ends()
                assert ends is not None
                assert ends == (peer.getpeername(), peer.getsockname())
                connection.send(b"EHLO me.example\r\n")
                said = await asyncio.get_running_loop().sock_recv(peer, 100)
                assert said == b"EHLO me.example\r\n"
                peer.sendall(b"250 mx.example\r\n")
            await until(lambda: "eof" in events.names)
            connection.close()
            connection.send(b"nobody reads this")
        return events

    events = run_on(loop_factory, main())
    assert (events.names, events.data) == (["connected", "eof"], b"250 mx.example\r\n")


@on_every_loop
def test_more_than_the_peer_takes_at_once_is_sent_as_it_reads(loop_factory: LoopFactory) -> None:
    async def main() -> int:
        sent = b"x" * 8_000_000
        with socket.create_server(("127.0.0.1", 0)) as server:
            connection, peer = await _connected(Events(), server)
            with peer:
                connection.send(sent)
                got = 0
                while got < len(sent):
                    got += len(await asyncio.get_running_loop().sock_recv(peer, 1 << 20))
            connection.close()
        return len(sent) - got

    assert run_on(loop_factory, main()) == 0


class _Sockets(socket.SocketType):
    """Sockets that tell whether small segments wait for the acknowledgement of those before (RFC 896)."""

    made: ClassVar[list[_Sockets]] = []

    def __init__(self, *options: int) -> None:
        super().__init__(*options)
        self.made.append(self)

    @property
    def waits(self) -> bool:
        return not self.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        # Each: what the peer says first (empty: nothing), and what we say. A command that answers a reply may wait.
        ([(b"220 mx.example", b"EHLO"), (b"250 mx.example", b"QUIT")], True),
        ([(b"", b"PROXY TCP4"), (b"220 mx.example", b"EHLO")], False),
        ([(b"220 mx.example", b"EHLO"), (b"", b"QUIT")], False),
        ([(b"354 go ahead", b"x" * 537)], False),
    ],
)
async def test_no_word_of_ours_waits_for_an_acknowledgement(
    said: list[tuple[bytes, bytes]], waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.net.connection._new_socket", _Sockets)
    events = Events()
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection, peer = await _connected(events, server)
        with peer:
            heard = b""
            for reply, command in said:
                heard += reply
                peer.sendall(reply)
                await until(lambda: events.data == heard)  # noqa: B023 - awaited at once
                connection.send(command)
            assert _Sockets.made[-1].waits is waits
        connection.close()
    _Sockets.made.clear()


@on_every_loop
def test_data_waits_while_reading_is_paused(loop_factory: LoopFactory) -> None:
    async def main() -> Events:
        events = Events()
        with socket.create_server(("127.0.0.1", 0)) as server:
            connection, peer = await _connected(events, server)
            with peer:
                connection.pause()
                peer.sendall(b"220 mx.example\r\n")
                await asyncio.get_running_loop().run_in_executor(None, int)  # a turn of the loop and more
                assert events.data == b""
                connection.resume()
                await until(lambda: events.data)
            connection.close()
        return events

    assert run_on(loop_factory, main()).data == b"220 mx.example\r\n"


@on_every_loop
def test_a_refused_connect_is_evidence(loop_factory: LoopFactory) -> None:
    async def main() -> Events:
        events = Events()
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        connection = TcpConnection(asyncio.get_running_loop(), events)
        connection.open("127.0.0.1", port)
        await until(lambda: events.names)
        return events

    events = run_on(loop_factory, main())
    assert events.names == ["failed"]
    assert events.evidence is not None
    assert events.evidence.errno == errno.ECONNREFUSED


@on_every_loop
def test_a_bug_of_the_receiver_closes_the_connection_and_is_reported_to_it(loop_factory: LoopFactory) -> None:
    async def main() -> tuple[Events, bytes]:
        events = Events(broken=True)
        with socket.create_server(("127.0.0.1", 0)) as server:
            _, peer = await _connected(events, server)
            with peer:
                peer.sendall(b"220 mx.example\r\n")
                await until(lambda: events.error)
                return events, await asyncio.get_running_loop().sock_recv(peer, 100)

    events, said = run_on(loop_factory, main())
    assert str(events.error) == "a bug"
    assert said == b""


@pytest.mark.parametrize(("address", "own"), [("127.0.0.1", True), ("192.0.2.1", False), ("2001:db8::1", False)])
def test_own_addresses_are_those_a_socket_can_be_bound_to(address: str, own: bool) -> None:
    assert is_own_address(address) is own
