"""The resolver against name servers that misbehave, on both event loops."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import dns.flags
import dns.rcode
import pytest

from exporter.lab.dns_host import BOGUS, SERVFAIL, SILENT, DnsHost, Fault
from exporter.model.address import Family
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import FailureClass as C
from exporter.model.result import MxLookup
from exporter.resolver.client import Resolver
from exporter.resolver.wire import UDP_PAYLOAD
from tests.support.loops import LoopFactory, on_every_loop, run_on

V4 = (Family.IPV4,)
BOTH = (Family.IPV4, Family.IPV6)
RECORDS = {
    ("a.example", "MX"): ["10 mx.a.example."],
    ("mx.a.example", "A"): ["192.0.2.1"],
    ("mx.a.example", "AAAA"): ["2001:db8::1"],
    ("many.example", "MX"): [f"{number} a-long-name-of-a-host-{number}.many.example." for number in range(150)],
    ("loop.example", "CNAME"): ["pool.example."],
    ("pool.example", "CNAME"): ["loop.example."],
}
# Not dnspython's own parser's idea of a message: a pointer that points at itself (RFC 1035 4.1.4).
SELF_POINTER = b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01a\x07example\x00\x00\x0f\x00\x01\xc0\x1b\x00\x0f\x00\x01"

Look = Callable[[Resolver, DnsHost], Awaitable[MxLookup]]


async def _ask(host: DnsHost, look: Look, seconds: float = 1.0, others: tuple[tuple[str, int], ...] = ()) -> MxLookup:
    address = await host.start()
    resolver = Resolver(ResolverSettings(nameservers=(*others, address), timeout=seconds))
    try:
        return await look(resolver, host)
    finally:
        resolver.close()
        await host.stop()


async def _a_example(resolver: Resolver, _: DnsHost) -> MxLookup:
    return await resolver.lookup_mx("a.example", BOTH)


def _class(lookup: MxLookup) -> C | None:
    return None if lookup.failure is None else lookup.failure.failure_class


@on_every_loop
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(), None),
        (SERVFAIL, C.DNS_SERVFAIL),
        (Fault(rcode=dns.rcode.SERVFAIL, extended_error=22), C.DNS_SERVFAIL),
        (BOGUS, C.DNS_BOGUS),
        (Fault(rcode=dns.rcode.SERVFAIL, extended_error=9), C.DNS_BOGUS),
        (Fault(rcode=dns.rcode.NXDOMAIN), C.DNS_NXDOMAIN),
        (Fault(rcode=dns.rcode.REFUSED), C.DNS_REFUSED),
        (Fault(rcode=dns.rcode.YXDOMAIN), C.DNS_MALFORMED),
        (Fault(raw=SELF_POINTER), C.DNS_MALFORMED),
        (Fault(wrong_id=True), C.DNS_TIMEOUT),
        (Fault(wrong_question=True), C.DNS_TIMEOUT),
        (Fault(raw=b""), C.DNS_TIMEOUT),
        (SILENT, C.DNS_TIMEOUT),
        (Fault(truncated=True), None),
        (Fault(truncated=True, tcp_closed=True), C.DNS_TIMEOUT),
        (Fault(no_edns=dns.rcode.FORMERR), None),
        (Fault(no_edns=dns.rcode.NOTIMP), None),
    ],
    ids=str,
)
def test_every_way_to_answer_has_its_class(fault: Fault, expected: C | None, loop_factory: LoopFactory) -> None:
    host = DnsHost(RECORDS, {"a.example": fault})
    lookup = run_on(loop_factory, _ask(host, _a_example))
    assert _class(lookup) is expected, lookup.failure
    if expected is None:
        assert lookup.hosts[0].addresses == ("192.0.2.1", "2001:db8::1")


async def test_it_asks_with_edns_do_and_ad() -> None:
    host = DnsHost(RECORDS)
    await _ask(host, _a_example)
    for query in host.seen:
        assert (query.edns, query.payload) == (0, UDP_PAYLOAD)
        assert query.ednsflags & dns.flags.DO
        assert query.flags & dns.flags.AD


async def test_the_ad_bit_of_the_mx_answer_is_kept() -> None:
    lookup = await _ask(DnsHost(RECORDS, {("a.example", "MX"): Fault(authenticated=True)}), _a_example)
    assert lookup.authenticated


async def test_one_family_that_hangs_does_not_hide_the_other() -> None:
    lookup = await _ask(DnsHost(RECORDS, {("mx.a.example", "AAAA"): SILENT}), _a_example)
    assert lookup.failure is None
    assert lookup.hosts[0].addresses == ("192.0.2.1",)


async def test_a_nameserver_that_does_not_answer_is_passed_over_for_the_next() -> None:
    silent = DnsHost({}, {"a.example": SILENT, "mx.a.example": SILENT})
    address = await silent.start()
    lookup = await _ask(DnsHost(RECORDS), _a_example, seconds=2.0, others=(address,))
    await silent.stop()
    assert lookup.failure is None


async def test_a_nameserver_that_cannot_be_asked_from_here_is_passed_over_for_the_next() -> None:
    on_an_absent_interface = ("fe80::53%absent0", 53)
    lookup = await _ask(DnsHost(RECORDS), _a_example, others=(on_an_absent_interface,))
    assert lookup.failure is None


async def test_a_loop_of_aliases_is_malformed() -> None:
    lookup = await _ask(DnsHost(RECORDS), lambda resolver, _: resolver.lookup_mx("loop.example", V4))
    assert _class(lookup) is C.DNS_MALFORMED


@pytest.mark.parametrize(("links", "expected"), [(1, None), (15, None), (16, None), (17, C.DNS_MALFORMED)])
async def test_a_chain_of_aliases_may_have_16_links(links: int, expected: C | None) -> None:
    records = {(f"c{number}.example", "CNAME"): [f"c{number + 1}.example."] for number in range(links)}
    records |= {(f"c{links}.example", "MX"): ["10 mx.a.example."]}
    lookup = await _ask(DnsHost(RECORDS | records), lambda resolver, _: resolver.lookup_mx("c0.example", V4))
    assert _class(lookup) is expected


async def test_answers_live_as_long_as_their_ttl_negative_ones_too() -> None:
    async def look(resolver: Resolver, host: DnsHost) -> MxLookup:
        for _ in range(3):
            await resolver.lookup_mx("a.example", V4)
            await resolver.lookup_mx("absent.example", V4)
        return await resolver.lookup_mx("a.example", V4)

    host = DnsHost(RECORDS)
    await _ask(host, look)
    assert set(host.queries.values()) == {1}


async def test_a_ttl_of_0_is_asked_again_each_time() -> None:
    async def look(resolver: Resolver, host: DnsHost) -> MxLookup:
        await resolver.lookup_mx("a.example", V4)
        return await resolver.lookup_mx("a.example", V4)

    host = DnsHost(RECORDS, ttl=0)
    await _ask(host, look)
    assert host.queries["a.example", "MX"] == 2


async def test_a_question_in_flight_is_shared_by_all_who_ask() -> None:
    async def look(resolver: Resolver, host: DnsHost) -> MxLookup:
        return (await asyncio.gather(*(resolver.lookup_mx("a.example", BOTH) for _ in range(50))))[0]

    host = DnsHost(RECORDS, {"a.example": Fault(delay=0.1)}, ttl=0)
    assert (await _ask(host, look)).failure is None
    assert host.queries["a.example", "MX"] == 1


# Answers every question at once with a kilobyte that says nothing, and at the end of its input prints how many came.
_COUNTING_SERVER = """\
import select, socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
count = 0
while sys.stdin not in (ready := select.select([server, sys.stdin], [], [])[0]):
    question, client = server.recvfrom(512)
    count += 1
    server.sendto(question[:2] + bytes([0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]) + question[12:] + bytes(1000), client)
print(count)
"""


async def test_no_answer_is_lost_where_many_questions_are_asked_at_once() -> None:
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", _COUNTING_SERVER, stdin=pipe, stdout=pipe)
    assert server.stdin is not None
    assert server.stdout is not None
    port = int(await server.stdout.readline())
    resolver = Resolver(ResolverSettings(nameservers=(("127.0.0.1", port),), timeout=20.0))
    answers = await asyncio.gather(*(resolver.lookup_txt(f"d{number}.example") for number in range(2000)))
    resolver.close()
    questions, _ = await server.communicate(b"")  # the end of its input
    assert all(answer.failure is None for answer in answers)
    assert int(questions) == 2000, "some were asked again"


async def test_a_long_answer_comes_over_tcp() -> None:
    host = DnsHost(RECORDS)
    lookup = await _ask(host, lambda resolver, _: resolver.lookup_mx("many.example", V4))
    assert lookup.mx_records == 150
    assert host.tcp_queries["many.example", "MX"] == 1


@on_every_loop
def test_a_lookup_is_kept_no_longer_than_the_first_of_its_answers(loop_factory: LoopFactory) -> None:
    """The MX record holds for a day, the address of its host for a second."""

    async def look(resolver: Resolver, host: DnsHost) -> MxLookup:
        host.ttl = 1
        await resolver.lookup_host("mx.a.example", V4)
        host.ttl = 86400
        await resolver.lookup_mx("a.example", V4)
        kept = await resolver.lookup_mx("a.example", V4)
        assert await resolver.lookup_mx("a.example", V4) is kept
        host.records = {**RECORDS, ("mx.a.example", "A"): ["192.0.2.99"]}
        found = kept
        for _ in range(2000):  # 20 s at least
            found = await resolver.lookup_mx("a.example", V4)
            if found is not kept:
                break
            await asyncio.sleep(0.01)
        assert host.queries["a.example", "MX"] == 1
        return found

    found = run_on(loop_factory, _ask(DnsHost(RECORDS), look))
    assert [host.addresses for host in found.hosts] == [("192.0.2.99",)]


async def test_a_lookup_tells_when_it_was_asked_for_of_whom_and_that_the_next_one_was_not() -> None:
    server = ""
    lookups: list[MxLookup] = []

    async def look(resolver: Resolver, host: DnsHost) -> MxLookup:
        nonlocal server
        server = host.server
        lookups.extend([await resolver.lookup_mx("a.example", BOTH) for _ in range(2)])
        lookups.append(await resolver.lookup_mx("dead.example", BOTH))
        return lookups[0]

    began = time.time()
    records = RECORDS | {("dead.example", "MX"): ["10 mx.dead.example."]}
    await _ask(DnsHost(records, {"mx.dead.example": SERVFAIL}), look)
    asked, remembered, dead = lookups
    for part in (asked, asked.hosts[0], dead, dead.hosts[0]):
        assert part.asked_at is not None
        assert began <= part.asked_at <= time.time()
        assert part.nameserver == server
    assert (remembered.asked_at, remembered.hosts[0].asked_at) == (None, None)
    assert (remembered.nameserver, remembered.duration) == (server, asked.duration)
    assert (asked.cause, dead.cause, dead.hosts[0].cause) == (None, None, C.DNS_SERVFAIL)


async def test_where_nobody_answers_all_who_were_asked_are_named() -> None:
    silent = DnsHost({}, {"a.example": SILENT})
    address = await silent.start()
    lookup = await _ask(DnsHost({}, {"a.example": SILENT}), _a_example, seconds=0.3, others=(address,))
    await silent.stop()
    assert (_class(lookup), lookup.cause) == (C.DNS_TIMEOUT, C.DNS_TIMEOUT)
    assert lookup.nameserver.split(", ")[0] == f"127.0.0.1:{address[1]}"
    assert len(lookup.nameserver.split(", ")) == 2


async def test_a_lookup_is_known_within_its_ttl_and_is_one_object_then() -> None:
    async def look(resolver: Resolver, host: DnsHost) -> MxLookup:
        assert resolver.known_mx("a.example", BOTH) is None
        asked = await resolver.lookup_mx("a.example", BOTH)
        known = resolver.known_mx("a.example", BOTH)
        assert known is not None
        assert (known.asked_at, known.hosts[0].addresses) == (None, asked.hosts[0].addresses)
        assert resolver.known_mx("a.example", BOTH) is known
        assert resolver.known_mx("a.example", V4) is None
        host.ttl = 0
        await resolver.lookup_mx("many.example", V4)
        assert resolver.known_mx("many.example", V4) is None
        return known

    await _ask(DnsHost(RECORDS), look)


async def test_the_mx_hosts_of_one_provider_are_one_object_for_all_its_domains() -> None:
    records = RECORDS | {("b.example", "MX"): RECORDS[("a.example", "MX")]}

    async def look(resolver: Resolver, host: DnsHost) -> MxLookup:
        found = []
        for domain in ("a.example", "b.example"):
            await resolver.lookup_mx(domain, BOTH)
            known = resolver.known_mx(domain, BOTH)
            assert known is not None
            found.append(known)
        assert [lookup.domain for lookup in found] == ["a.example", "b.example"]
        assert found[0].hosts is found[1].hosts
        return found[0]

    await _ask(DnsHost(records), look)


async def test_a_host_is_known_within_its_ttl_and_is_one_object_then() -> None:
    records = RECORDS | {("mx.dead.example", "A"): ["192.0.2.7"]}

    async def look(resolver: Resolver, host: DnsHost) -> MxLookup:
        assert resolver.known_host("mx.a.example", BOTH) is None
        asked = await resolver.lookup_host("mx.a.example", BOTH)
        known = resolver.known_host("mx.a.example", BOTH)
        assert asked.asked_at is not None
        assert known is not None
        assert (known.asked_at, known.addresses) == (None, asked.addresses)
        assert await resolver.lookup_host("mx.a.example", BOTH) is known
        assert (await resolver.lookup_host("192.0.2.9", V4)).addresses == ("192.0.2.9",)
        assert resolver.known_host("192.0.2.9", V4) is not None
        with resolver.for_unconfigured_target():
            await resolver.lookup_host("mx.dead.example", V4)
        assert resolver.known_host("mx.dead.example", V4) is None
        assert (await resolver.lookup_host("gone.example", V4)).failure is not None
        assert resolver.known_host("gone.example", V4) is not None
        resolver.forget_failures()
        assert resolver.known_host("gone.example", V4) is None
        assert resolver.known_host("mx.a.example", BOTH) is known
        return await resolver.lookup_mx("a.example", BOTH)

    await _ask(DnsHost(records), look)
