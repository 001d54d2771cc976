"""One question to one name server, without recursion: a scripted server, and messages of strangers."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from exporter.model.zone import DirectAnswer, DirectOutcome
from exporter.resolver.direct import DirectQueries, read_direct
from exporter.resolver.domain_names import HEADER_BYTES
from exporter.resolver.udp_socket import UdpSocket
from tests.support.daemons import free_port

NAME = "a.example"
RRSIG = "MX 13 2 300 20300101000000 20291201000000 1 a.example. AAAA"


class Server(asyncio.DatagramProtocol):
    """Answers every query as it is told to."""

    def __init__(self, answer: Callable[[dns.message.Message], bytes]) -> None:
        self._answer = answer
        self.queries: list[dns.message.Message] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.queries.append(query)
        self._transport.sendto(self._answer(query), addr)


def response(query: dns.message.Message, *, authority: bool = True, rcode: int = 0, ttl: int = 172800) -> bytes:
    message = dns.message.make_response(query)
    message.flags |= dns.flags.AA if authority else 0
    message.set_rcode(dns.rcode.Rcode(rcode))
    if not rcode:
        message.answer.append(dns.rrset.from_text(f"{NAME}.", ttl, "IN", "MX", "10 mx.a.example.", "20 b.example."))
        message.answer.append(dns.rrset.from_text(f"{NAME}.", ttl, "IN", "RRSIG", RRSIG))
    return message.to_wire()


async def asked(answer: Callable[[dns.message.Message], bytes]) -> tuple[DirectAnswer, Server]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: Server(answer), ("127.0.0.1", 0))
    try:
        return await DirectQueries(1.0).ask(transport.get_extra_info("sockname"), NAME), server
    finally:
        transport.close()


async def test_the_query_desires_no_recursion_and_wants_signatures() -> None:
    answer, server = await asked(response)
    (query,) = server.queries
    assert not query.flags & dns.flags.RD
    assert query.ednsflags & dns.flags.DO
    assert answer.outcome is DirectOutcome.ANSWERED
    assert answer.mx == {(10, "mx.a.example"), (20, "b.example")}
    assert answer.ttl == 172800  # as it is, though our own cache would keep it for a day
    assert answer.signature is not None
    assert (answer.signature.ends, answer.signature.is_authenticated) == (1893456000.0, False)


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"authority": False}, "it answers without authority"),
        ({"rcode": dns.rcode.REFUSED}, "it answers REFUSED"),
        ({"rcode": dns.rcode.SERVFAIL}, "it answers SERVFAIL"),
    ],
)
async def test_a_lame_server(values: dict[str, int], detail: str) -> None:
    answer, _ = await asked(lambda query: response(query, **values))  # type: ignore[arg-type]
    assert (answer.outcome, answer.detail) == (DirectOutcome.LAME, detail)


async def test_a_name_that_does_not_exist_is_an_answer() -> None:
    answer, _ = await asked(lambda query: response(query, rcode=dns.rcode.NXDOMAIN))
    assert (answer.outcome, answer.mx) == (DirectOutcome.ANSWERED, frozenset())
    assert "does not exist" in answer.detail


async def test_a_closed_port_and_a_silent_one() -> None:
    closed = await DirectQueries(0.5).ask(("127.0.0.1", free_port()), NAME)
    assert (closed.outcome, closed.detail) == (DirectOutcome.SILENT, "it does not answer (Connection refused)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        silent = await DirectQueries(0.3).ask(mute.getsockname(), NAME)
    assert (silent.outcome, silent.detail) == (DirectOutcome.SILENT, "it does not answer")


async def test_what_our_own_packet_filter_holds_back_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(UdpSocket, "send", refuse)
    answer = await DirectQueries(0.3).ask(("127.0.0.1", free_port()), NAME)
    assert answer.outcome is DirectOutcome.OURS
    assert "packet filter" in answer.detail


async def test_an_answer_that_does_not_fit_is_told_apart_from_silence() -> None:
    def truncated(query: dns.message.Message) -> bytes:
        message = dns.message.make_response(query)
        message.flags |= dns.flags.AA | dns.flags.TC
        return message.to_wire()

    answer, _ = await asked(truncated)  # nobody listens on the port of TCP
    assert (answer.outcome, answer.over_tcp) == (DirectOutcome.SILENT, True)
    assert "over TCP: Connection refused" in answer.detail


async def test_a_name_that_the_dns_cannot_have_is_no_fault_of_the_server() -> None:
    answer = await DirectQueries(0.5).ask(("127.0.0.1", 53), "a" * 64 + ".example")
    assert answer.outcome is DirectOutcome.OURS


def test_a_broken_message_is_lame() -> None:
    whole = response(dns.message.make_query(NAME, "MX"))
    for length in range(HEADER_BYTES, len(whole)):
        read_direct(NAME, whole[:length])  # raises nothing
    answer = read_direct(NAME, whole[:-40])
    assert answer.outcome is DirectOutcome.LAME
    assert "cannot be read" in answer.detail
