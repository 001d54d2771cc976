"""The nameservers of a resolver: asked in their order, as many as a query takes, over sockets that are shared."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import dns.rdatatype
import pytest

from exporter.lab.dns_host import DnsHost
from exporter.resolver import wire
from exporter.resolver.nameservers import Nameservers
from exporter.resolver.query_attempt import NoReply

RECORDS = {("a.example", "MX"): ["10 mx.a.example."]}
MX = dns.rdatatype.MX
CLOSED = ("127.0.0.1", 1)  # nobody is there


New = Callable[[Callable[[], Sequence[tuple[str, int]]], float], Nameservers]


class Ignored:
    """A query whose answer nobody waits for."""

    section = wire.question_section("a.example", MX)

    def on_answer(self, data: bytes) -> None:
        pass

    def on_error(self, error: OSError) -> None:
        pass


@pytest.fixture
async def new() -> AsyncIterator[New]:
    """Nameservers that are closed at the end."""
    made: list[Nameservers] = []

    def make(nameservers: Callable[[], Sequence[tuple[str, int]]], timeout: float) -> Nameservers:
        made.append(Nameservers(nameservers, timeout))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
async def host() -> AsyncIterator[tuple[DnsHost, tuple[str, int]]]:
    running = DnsHost(RECORDS)
    address = await running.start()
    yield running, address
    await running.stop()


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """A nameserver that hears and does not answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        yield listening.getsockname()


async def test_an_answer_is_given_with_the_time_at_which_the_server_answered(
    new: New,
    host: tuple[DnsHost, tuple[str, int]],
) -> None:
    running, address = host
    nameservers = new(lambda: [address], 2.0)
    before = asyncio.get_running_loop().time()
    reply = await nameservers.ask("a.example", MX)
    assert reply is not None
    assert running.queries["a.example", "MX"] == 1
    assert nameservers.answered[address] >= before


async def test_without_a_nameserver_there_is_no_reply(new: New) -> None:
    nameservers = new(tuple, 2.0)
    with pytest.raises(NoReply, match="no nameserver is configured"):
        await nameservers.ask("a.example", MX)


async def test_each_query_goes_to_the_nameservers_of_that_moment(
    new: New,
    host: tuple[DnsHost, tuple[str, int]],
) -> None:
    running, address = host
    current: list[tuple[str, int]] = []
    nameservers = new(lambda: current, 2.0)
    with pytest.raises(NoReply):
        await nameservers.ask("a.example", MX)
    current.append(address)
    await nameservers.ask("a.example", MX)
    assert running.queries["a.example", "MX"] == 1


@pytest.mark.parametrize(("before", "asked"), [(7, True), (8, False)])
async def test_a_query_goes_to_eight_nameservers_at_most(
    new: New, host: tuple[DnsHost, tuple[str, int]], before: int, asked: bool
) -> None:
    running, address = host
    nameservers = new(lambda: [CLOSED] * before + [address], 0.5)
    if asked:
        await nameservers.ask("a.example", MX)
    else:
        with pytest.raises((NoReply, OSError)):
            await nameservers.ask("a.example", MX)
    assert bool(running.queries["a.example", "MX"]) is asked


async def test_a_name_that_cannot_be_asked_for_is_refused(new: New, silent: tuple[str, int]) -> None:
    nameservers = new(lambda: [silent], 0.2)
    with pytest.raises((dns.exception.DNSException, UnicodeError)):
        await nameservers.ask("x" * 64 + ".example", MX)


async def test_queries_share_a_socket_until_it_is_worn_out(new: New, silent: tuple[str, int]) -> None:
    nameservers = new(lambda: [silent], 0.2)
    first = nameservers.port(silent)
    assert nameservers.port(silent) is first
    sent = 0
    while nameservers.port(silent) is first:
        first.forget(first.send(wire.query(Ignored.section), Ignored()))
        sent += 1
        assert sent < 10_000, "a forger has all the time to guess the port"
    assert sent > 100


async def test_each_server_has_a_socket_of_its_own_and_none_is_left_after_the_close(
    new: New, silent: tuple[str, int]
) -> None:
    nameservers = new(lambda: [silent], 0.2)
    first, other = nameservers.port(silent), nameservers.port(CLOSED)
    assert first is not other
    nameservers.close()
    fresh = nameservers.port(silent)
    assert fresh is not first
