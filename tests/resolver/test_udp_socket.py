"""A socket with queries in flight: the answer goes to the query with its id and question."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import dns.rdatatype
import pytest

from exporter.resolver import wire
from exporter.resolver.udp_socket import UdpSocket

SECTION = wire.question_section("a.example", dns.rdatatype.MX)


class Pending:
    """One query in flight, with its answers and errors."""

    section = SECTION

    def __init__(self) -> None:
        self.results: list[bytes | OSError] = []
        self.done = asyncio.Event()

    def on_answer(self, data: bytes) -> None:
        self.results.append(data)
        self.done.set()

    def on_error(self, error: OSError) -> None:
        self.results.append(error)
        self.done.set()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setblocking(False)
        yield listening


async def test_an_answer_goes_to_the_query_with_its_id_and_question(server: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    port = UdpSocket(loop, server.getsockname())
    first, second = Pending(), Pending()
    for pending in (first, second):
        port.send(wire.query(SECTION), pending)
    query, client = await loop.sock_recvfrom(server, 512)
    other, _ = await loop.sock_recvfrom(server, 512)
    wrong = (int.from_bytes(query[:2], "big") ^ 0x8000).to_bytes(2, "big")
    answer = bytes([query[2] | 0x80]) + query[3:]
    if wrong != other[:2]:
        await loop.sock_sendto(server, wrong + answer, client)
    await loop.sock_sendto(server, query[:2] + answer.replace(b"example", b"exampel"), client)
    await loop.sock_sendto(server, query[:2] + answer, client)
    await first.done.wait()
    assert first.results == [query[:2] + answer]
    assert second.results == []
    port.close()


async def test_a_closed_port_is_an_error_of_all_queries_in_flight(server: socket.socket) -> None:
    address = server.getsockname()
    server.close()
    port = UdpSocket(asyncio.get_running_loop(), address)
    pending = Pending()
    port.send(wire.query(SECTION), pending)
    await pending.done.wait()
    assert [type(each) for each in pending.results] == [ConnectionRefusedError]
    port.close()


async def test_a_forgotten_query_gets_nothing_and_an_idle_socket_closes(server: socket.socket) -> None:
    port = UdpSocket(asyncio.get_running_loop(), server.getsockname())
    pending = Pending()
    number = port.send(wire.query(SECTION), pending)
    port.close_when_idle()
    assert port._socket.fileno() >= 0
    port.forget(number)
    assert port._socket.fileno() < 0
    assert pending.results == []
