"""Both pollers tell the same of a socket: connected, data, the end; and nothing once it is forgotten."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable

import pytest

from exporter.net import poller
from exporter.net.poller import ENDED, READABLE, WRITABLE, LoopPoller, Poller, poller_of
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.require import missing
from tests.support.waiting import until

Make = Callable[[asyncio.AbstractEventLoop], Poller]


def _epoll(loop: asyncio.AbstractEventLoop) -> Poller:
    if sys.platform != "linux":
        missing("epoll is Linux's")
    return poller.EpollPoller(loop)


on_every_poller = pytest.mark.parametrize("make", [_epoll, lambda loop: LoopPoller()], ids=["epoll", "loop"])


class Peer:
    """A listener, and a socket that connects to it; what the poller told of it."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.told: list[int] = []

    def connect(self) -> None:
        self.sock.connect_ex(self.listener.getsockname())

    def ready(self, said: int, now: float) -> None:
        self.told.append(said)

    def close(self) -> None:
        self.sock.close()
        self.listener.close()


@on_every_poller
@on_every_loop
def test_a_socket_is_told_that_it_is_connected_and_of_what_comes(loop_factory: LoopFactory, make: Make) -> None:
    async def main() -> None:
        watching, peer = make(asyncio.get_running_loop()), Peer()
        peer.connect()
        watching.watch(peer.sock.fileno(), peer.ready)
        await until(lambda: peer.told)
        assert peer.told[0] & WRITABLE
        peer.told.clear()
        accepted, _ = peer.listener.accept()
        for word in (b"one", b"two"):
            accepted.sendall(word)
            await until(lambda: any(said & READABLE for said in peer.told))
            assert peer.sock.recv(100) == word
            await asyncio.sleep(0)
            peer.told.clear()
        accepted.close()
        await until(lambda: any(said & READABLE for said in peer.told))
        assert peer.sock.recv(100) == b""
        watching.forget(peer.sock.fileno())
        peer.close()

    run_on(loop_factory, main())


@on_every_poller
@on_every_loop
def test_what_is_forgotten_is_told_nothing_even_if_its_number_is_given_anew(
    loop_factory: LoopFactory, make: Make
) -> None:
    """In one batch of events the first closes the second's socket and opens another, which gets the same number."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        watching, first, second, third = make(loop), Peer(), Peer(), Peer()
        third.sock.close()

        def instead(closed: Peer) -> Callable[[int, float], None]:
            def ready(said: int, now: float) -> None:
                if third.sock.fileno() >= 0:
                    return
                number = closed.sock.fileno()
                watching.forget(number)
                closed.sock.close()
                third.sock = socket.socket()
                third.sock.setblocking(False)
                assert third.sock.fileno() == number
                third.connect()
                watching.watch(number, third.ready)

            return ready

        for peer, other in ((first, second), (second, first)):
            peer.connect()
            watching.watch(peer.sock.fileno(), instead(other))
        await until(lambda: third.told)
        accepted, _ = third.listener.accept()
        accepted.sendall(b"x")
        await until(lambda: any(said & READABLE for said in third.told))
        assert third.sock.recv(10) == b"x"
        accepted.close()
        for peer in (first, second, third):
            if peer.sock.fileno() >= 0:
                watching.forget(peer.sock.fileno())
            peer.close()

    run_on(loop_factory, main())


@on_every_loop
def test_an_end_that_comes_with_data_is_told_with_it(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        watching, peer = _epoll(asyncio.get_running_loop()), Peer()
        peer.connect()
        accepted, _ = peer.listener.accept()
        accepted.sendall(b"220 mx\r\n")
        accepted.close()
        watching.watch(peer.sock.fileno(), peer.ready)
        await until(lambda: any(said & ENDED for said in peer.told))
        watching.forget(peer.sock.fileno())
        peer.close()

    run_on(loop_factory, main())


@on_every_loop
def test_a_forgotten_socket_that_stays_open_harms_nobody(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        bugs: list[object] = []
        loop.set_exception_handler(lambda loop, context: bugs.append(context))
        watching, forgotten, other = _epoll(loop), Peer(), Peer()
        for peer in (forgotten, other):
            peer.connect()
            watching.watch(peer.sock.fileno(), peer.ready)
            await until(lambda told=peer.told: told)  # type: ignore[misc]
        watching.forget(forgotten.sock.fileno())
        forgotten.told.clear()
        for peer in (forgotten, other):
            peer.listener.accept()[0].close()
        await until(lambda: any(said & ENDED for said in other.told))
        assert (forgotten.told, bugs) == ([], [])
        watching.forget(other.sock.fileno())
        for peer in (forgotten, other):
            peer.close()

    run_on(loop_factory, main())


def test_each_event_loop_has_one_poller() -> None:
    async def main() -> Poller:
        loop = asyncio.get_running_loop()
        assert poller_of(loop) is poller_of(loop)
        return poller_of(loop)

    assert asyncio.run(main()) is not asyncio.run(main())
