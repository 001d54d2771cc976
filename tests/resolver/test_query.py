"""One query and its attempts: late answers, servers and middleboxes without EDNS, several nameservers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from exporter.lab.dns_host import SERVFAIL, SILENT, DnsHost, Fault
from exporter.model.address import Family
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import FailureClass as C
from exporter.model.result import MxLookup
from exporter.resolver.client import Resolver
from exporter.resolver.nameservers import Nameservers
from tests.support.dns_messages import addresses

NAME = "a.example"
RECORDS = {
    (NAME, "MX"): ["10 mx.a.example."],
    ("mx.a.example", "A"): ["192.0.2.1"],
    ("many.example", "MX"): [f"{number} a-long-name-of-a-host-{number}.many.example." for number in range(150)],
}
SERVER = ("192.0.2.53", 53)


@contextlib.asynccontextmanager
async def _resolver(*hosts: DnsHost, seconds: float) -> AsyncIterator[Resolver]:
    addresses = tuple([await host.start() for host in hosts])
    resolver = Resolver(ResolverSettings(nameservers=addresses, timeout=seconds))
    try:
        yield resolver
    finally:
        resolver.close()
        for host in hosts:
            await host.stop()


async def _look(*hosts: DnsHost, seconds: float = 1.0, domain: str = NAME) -> MxLookup:
    async with _resolver(*hosts, seconds=seconds) as resolver:
        return await resolver.lookup_mx(domain, (Family.IPV4,))


def _class(lookup: MxLookup) -> C | None:
    return None if lookup.failure is None else lookup.failure.failure_class


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_an_answer_counts_up_to_the_end_of_the_timeout(share: float) -> None:
    lookup = await _look(DnsHost(RECORDS, {(NAME, "MX"): Fault(delay=share)}))
    assert _class(lookup) is None, lookup.failure


async def test_a_late_answer_of_the_first_nameserver_counts_while_the_second_is_asked() -> None:
    late, silent = DnsHost(RECORDS, {NAME: Fault(delay=0.7)}), DnsHost({}, {NAME: SILENT})
    async with _resolver(late, silent, seconds=1.0) as resolver:
        assert (await resolver.lookup_txt(NAME)).failure is None
    assert silent.queries[NAME, "TXT"] >= 1


async def test_an_answer_after_the_timeout_is_none() -> None:
    assert _class(await _look(DnsHost(RECORDS, {NAME: Fault(delay=0.6)}), seconds=0.3)) is C.DNS_TIMEOUT


async def test_an_answer_late_over_tcp_counts_too() -> None:
    slow = DnsHost(RECORDS, {"many.example": Fault(delay=0.4)})
    assert (await _look(slow, domain="many.example")).mx_records == 150


@pytest.mark.parametrize(
    "fault",
    [
        Fault(no_edns=dns.rcode.FORMERR),
        Fault(no_edns=dns.rcode.FORMERR, returns_edns=True),
        Fault(no_edns=dns.rcode.NOTIMP),
        Fault(no_edns=dns.rcode.BADVERS),
        Fault(no_edns=dns.rcode.SERVFAIL),
        Fault(no_edns=dns.rcode.SERVFAIL, returns_edns=True),
        Fault(no_edns=dns.rcode.REFUSED),
        Fault(drops_edns=True),
        Fault(no_edns=dns.rcode.FORMERR, no_edns_over=("tcp",)),
        Fault(no_edns=dns.rcode.BADVERS, no_edns_over=("tcp",)),
        Fault(no_edns=dns.rcode.FORMERR, truncated=True),
        Fault(drops_edns=True, truncated=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("domain", [NAME, "many.example"])
async def test_where_edns_is_not_taken_it_is_asked_without(fault: Fault, domain: str) -> None:
    faults: dict[str | tuple[str, str], Fault] = dict.fromkeys((NAME, "mx.a.example", "many.example"), fault)
    # Only silence takes a share of the time, whose length is no matter for the others.
    seconds = 1.0 if fault.drops_edns else 10.0
    lookup = await _look(DnsHost(RECORDS, faults), seconds=seconds, domain=domain)
    assert lookup.mx_records == len(RECORDS[domain, "MX"]), lookup.failure


async def test_a_box_that_drops_edns_holds_up_the_first_questions_and_no_more() -> None:
    host = DnsHost(RECORDS, dict.fromkeys((f"d{number}.example" for number in range(6)), Fault(drops_edns=True)))
    async with _resolver(host, seconds=0.8) as resolver:
        for number in range(6):
            began = time.perf_counter()
            failure = (await resolver.lookup_txt(f"d{number}.example")).failure
            took = time.perf_counter() - began
            assert failure is not None
            assert failure.failure_class is C.DNS_NXDOMAIN
    assert took < 0.2, "a quarter of the timeout"
    assert host.queries["d5.example", "TXT"] == 1


@pytest.mark.parametrize("fault", [Fault(rcode=dns.rcode.REFUSED), SERVFAIL, Fault(rcode=dns.rcode.NOTAUTH)], ids=str)
async def test_a_refusal_waits_for_what_the_other_nameservers_say(fault: Fault) -> None:
    refusing = DnsHost(RECORDS, {NAME: fault, "mx.a.example": fault})
    lookup = await _look(refusing, DnsHost(RECORDS, {NAME: Fault(delay=0.3)}))
    assert _class(lookup) is None, lookup.failure
    assert _class(await _look(refusing, DnsHost(RECORDS, {NAME: fault}))) is not None


async def test_of_two_refusals_the_one_that_says_more_counts() -> None:
    refused = DnsHost(RECORDS, {NAME: Fault(rcode=dns.rcode.REFUSED)})
    bogus = DnsHost(RECORDS, {NAME: Fault(rcode=dns.rcode.SERVFAIL, extended_error=6)})
    assert _class(await _look(refused, bogus)) is C.DNS_BOGUS
    assert _class(await _look(bogus, refused)) is C.DNS_BOGUS


async def test_that_tcp_is_refused_after_truncation_is_said() -> None:
    lookup = await _look(DnsHost(RECORDS, {NAME: Fault(truncated=True, tcp_closed=True)}))
    assert _class(lookup) is C.DNS_TIMEOUT
    assert lookup.failure is not None
    assert "too long for UDP" in " ".join((lookup.failure.detail, *lookup.failure.evidence))


async def test_nobody_but_the_nameserver_is_believed_and_no_answer_to_another_try_twice() -> None:
    """Ids of all tries differ, and what comes from another socket counts for nothing."""
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger,
    ):
        for sock in (server, forger):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        exchange = Nameservers(lambda: [server.getsockname()], 1.0)
        asking = asyncio.ensure_future(exchange.ask(NAME, dns.rdatatype.MX))
        seen = []
        for _ in range(3):
            data, client = await loop.sock_recvfrom(server, 4096)
            seen.append(data[:2])
            forged = dns.message.make_response(dns.message.from_wire(data))
            await loop.sock_sendto(forger, forged.to_wire(), client)
        assert len(set(seen)) == len(seen)
        assert not asking.done()
        # The first of them, answered last.
        answer = dns.message.make_response(dns.message.from_wire(data))
        answer.id = int.from_bytes(seen[0], "big")
        await loop.sock_sendto(server, answer.to_wire(), client)
        assert (await asking).data[:2] == seen[0]
        exchange.close()


async def test_a_datagram_much_longer_than_was_asked_for_is_not_taken_in_but_asked_for_over_tcp() -> None:
    host = DnsHost(RECORDS, {("mx.a.example", "A"): Fault(raw=addresses("mx.a.example", 1500)[2:])})
    lookup = await _look(host)
    assert host.queries["mx.a.example", "A"] == host.tcp_queries["mx.a.example", "A"] == 1
    assert len(lookup.hosts[0].addresses) + lookup.hosts[0].more == 1500
