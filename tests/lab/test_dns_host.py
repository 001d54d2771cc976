"""The scripted name server: what it answers when well, and each way in which it can be broken."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from exporter.lab.dns_host import BOGUS, SERVFAIL, SILENT, DnsHost, Fault, Records

Faults = Mapping[str | tuple[str, str], Fault]

PATIENCE = 10.0  # seconds for what must come
SILENCE = 0.2  # seconds after which nothing counts as nothing

RECORDS: Records = {
    ("healthy.example", "MX"): ["10 mx1.healthy.example.", "20 mx2.healthy.example."],
    ("healthy.example", "TXT"): ['"v=spf1 -all"'],
    ("mx1.healthy.example", "A"): ["127.53.1.1"],
    ("mx1.healthy.example", "AAAA"): ["::1"],
    ("_25._tcp.mx1.healthy.example", "TLSA"): ["3 1 1 " + 64 * "0"],
    ("alias.healthy.example", "CNAME"): ["second.healthy.example."],
    ("second.healthy.example", "CNAME"): ["mx1.healthy.example."],
    ("dangling.example", "CNAME"): ["nowhere.example."],
    ("loop.example", "CNAME"): ["pool.example."],
    ("pool.example", "CNAME"): ["loop.example."],
    ("rootward.example", "CNAME"): ["."],
    ("large.example", "MX"): [f"10 mx{number:03}.{40 * 'x'}.example." for number in range(100)],
}


class Client:
    """Asks one host."""

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port

    async def udp(
        self, name: str, kind: str, seconds: float = PATIENCE, payload: int | None = 1232
    ) -> dns.message.Message:
        """With EDNS and DO, unless without a payload."""
        return await self.send(_question(name, kind, payload), seconds)

    async def send(self, query: dns.message.Message, seconds: float = PATIENCE) -> dns.message.Message:
        return await dns.asyncquery.udp(query, self.address, seconds, self.port)

    async def tcp(self, name: str, kind: str, seconds: float = PATIENCE) -> dns.message.Message:
        return await dns.asyncquery.tcp(_question(name, kind, 1232), self.address, seconds, self.port)

    async def raw(self, data: bytes, seconds: float = PATIENCE) -> bytes:
        """The answer to a datagram, whatever it is."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((self.address, self.port))
            await loop.sock_sendall(sock, data)
            return await asyncio.wait_for(loop.sock_recv(sock, 65535), seconds)


def _question(name: str, kind: str, payload: int | None) -> dns.message.Message:
    query = dns.message.make_query(name, kind)
    if payload is not None:
        query.use_edns(0, dns.flags.DO, payload)
    return query


@asynccontextmanager
async def _running(faults: Faults | None = None, address: str = "127.0.0.1") -> AsyncIterator[tuple[DnsHost, Client]]:
    host = DnsHost(RECORDS, faults, ttl=60)
    client = Client(*await host.start(address, 0))
    try:
        yield host, client
    finally:
        await host.stop()


def _texts(answer: dns.message.Message) -> list[str]:
    return [line for rrset in answer.answer for line in rrset.to_text().splitlines()]


# Ordinary answers


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_udp_and_tcp_on_one_port_give_the_same_records(address: str) -> None:
    async with _running(address=address) as (_, client):
        for answer in (await client.udp("healthy.example", "MX"), await client.tcp("healthy.example", "MX")):
            assert answer.rcode() == dns.rcode.NOERROR
            assert sorted(_texts(answer)) == [
                "healthy.example. 60 IN MX 10 mx1.healthy.example.",
                "healthy.example. 60 IN MX 20 mx2.healthy.example.",
            ]
            assert answer.flags & dns.flags.RA
            assert not answer.flags & (dns.flags.AD | dns.flags.TC)


@pytest.mark.parametrize(
    ("name", "kind", "data"),
    [
        ("healthy.example", "TXT", '"v=spf1 -all"'),
        ("mx1.healthy.example", "AAAA", "::1"),
        ("_25._tcp.mx1.healthy.example", "TLSA", "3 1 1 " + 64 * "0"),
        ("alias.healthy.example", "CNAME", "second.healthy.example."),
    ],
)
async def test_any_type_is_served(name: str, kind: str, data: str) -> None:
    async with _running() as (_, client):
        assert _texts(await client.udp(name, kind)) == [f"{name}. 60 IN {kind} {data}"]


async def test_names_are_the_same_in_capitals() -> None:
    async with _running() as (host, client):
        assert _texts(await client.udp("MX1.Healthy.EXAMPLE", "A"))[0].endswith(" A 127.53.1.1")
        assert host.queries["mx1.healthy.example", "A"] == 1


async def test_a_chain_of_aliases_is_followed_and_shown() -> None:
    async with _running() as (_, client):
        assert _texts(await client.udp("alias.healthy.example", "A")) == [
            "alias.healthy.example. 60 IN CNAME second.healthy.example.",
            "second.healthy.example. 60 IN CNAME mx1.healthy.example.",
            "mx1.healthy.example. 60 IN A 127.53.1.1",
        ]


async def test_a_loop_of_aliases_ends() -> None:
    async with _running() as (_, client):
        kinds = {rrset.rdtype for rrset in (await client.tcp("loop.example", "A")).answer}
        assert kinds == {dns.rdatatype.CNAME}


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("nobody.example", "MX", dns.rcode.NXDOMAIN),
        ("dangling.example", "A", dns.rcode.NXDOMAIN),
        ("xhealthy.example", "A", dns.rcode.NXDOMAIN),
        ("mx1.healthy.example", "MX", dns.rcode.NOERROR),
        ("_tcp.mx1.healthy.example", "A", dns.rcode.NOERROR),  # RFC 8020: a name exists that has names below it
        ("rootward.example", "A", dns.rcode.NOERROR),
        (".", "NS", dns.rcode.NOERROR),
    ],
)
async def test_an_absent_name_is_nxdomain_and_an_absent_type_is_not(
    name: str, kind: str, rcode: dns.rcode.Rcode
) -> None:
    async with _running() as (host, client):
        host.negative_ttl = 7
        answer = await client.udp(name, kind)
        assert answer.rcode() == rcode
        assert not [rrset for rrset in answer.answer if rrset.rdtype != dns.rdatatype.CNAME]
        (soa,) = answer.authority
        assert soa.rdtype == dns.rdatatype.SOA
        assert (soa.ttl, soa[0].minimum) == (7, 7)


async def test_edns_is_answered_to_whoever_asks_with_it() -> None:
    async with _running() as (_, client):
        assert (await client.udp("healthy.example", "MX")).edns == 0
        assert (await client.udp("healthy.example", "MX", payload=None)).edns == -1


@pytest.mark.parametrize("payload", [None, 512, 1232])
async def test_an_answer_over_the_payload_is_cut_and_whole_over_tcp(payload: int | None) -> None:
    async with _running() as (_, client):
        cut = await client.udp("large.example", "MX", payload=payload)
        assert cut.flags & dns.flags.TC
        assert cut.answer == []
        whole = await client.tcp("large.example", "MX")
        assert not whole.flags & dns.flags.TC
        assert len(_texts(whole)) == 100


async def test_a_payload_that_holds_the_answer_is_used() -> None:
    async with _running() as (_, client):
        assert len(_texts(await client.udp("large.example", "MX", payload=65535))) == 100


async def test_one_tcp_connection_may_ask_several_questions() -> None:
    async with _running() as (_, client):
        reader, writer = await asyncio.open_connection(client.address, client.port)
        for name in ("healthy.example", "large.example"):
            query = _question(name, "MX", None).to_wire()
            writer.write(struct.pack("!H", len(query)) + query)
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            answer = dns.message.from_wire(await reader.readexactly(length))
            assert answer.answer[0].name.to_text(omit_final_dot=True) == name
        writer.close()
        await writer.wait_closed()


async def test_tables_may_be_replaced_between_questions() -> None:
    async with _running() as (host, client):
        host.records = {("mx1.healthy.example", "A"): ["127.53.9.9"]}
        host.ttl = 5
        assert _texts(await client.udp("mx1.healthy.example", "A")) == ["mx1.healthy.example. 5 IN A 127.53.9.9"]
        host.faults = {"mx1.healthy.example": SERVFAIL}
        assert (await client.udp("mx1.healthy.example", "A")).rcode() == dns.rcode.SERVFAIL
        host.faults = {}
        assert (await client.udp("mx1.healthy.example", "A")).rcode() == dns.rcode.NOERROR


# What was asked


async def test_questions_are_counted_by_transport() -> None:
    async with _running() as (host, client):
        await client.udp("healthy.example", "MX")
        await client.udp("healthy.example", "MX")
        await client.tcp("healthy.example", "MX")
        await client.udp("mx1.healthy.example", "A")
        assert host.queries == {("healthy.example", "MX"): 2, ("mx1.healthy.example", "A"): 1}
        assert host.tcp_queries == {("healthy.example", "MX"): 1}


async def test_messages_of_ones_own_go_before_the_records_byte_for_byte() -> None:
    own = b"\0\0\x80\0" + bytes(7) + b"\xffnonsense"

    def messages(name: str, kind: str) -> bytes | None:
        return own if (name, kind) == ("odd.example", "MX") else None

    async with _running() as (host, client):
        host.messages = messages
        question = _question("odd.example", "MX", None).to_wire()
        assert await client.raw(question) == question[:2] + own[2:]
        assert (await client.udp("healthy.example", "MX")).answer
        assert host.queries["odd.example", "MX"] == 1


async def test_a_message_too_long_for_a_datagram_is_cut_and_whole_over_tcp() -> None:
    long = dns.message.make_response(_question("large.example", "TXT", 1232))
    long.answer.append(
        dns.rrset.from_text_list("large.example.", 60, "IN", "TXT", [f'"{number:0250}"' for number in range(20)])
    )
    async with _running() as (host, client):
        host.messages = lambda name, kind: long.to_wire(max_size=65535)
        cut = await client.udp("large.example", "TXT")
        assert cut.flags & dns.flags.TC
        assert cut.answer == []
        whole = await client.tcp("large.example", "TXT")
        assert whole.answer == long.answer


async def test_flags_and_payload_of_a_question_can_be_looked_up() -> None:
    async with _running() as (host, client):
        await client.udp("healthy.example", "MX", payload=1232)
        await client.udp("healthy.example", "MX", payload=None)
        with_edns, without = host.seen
        assert (with_edns.edns, with_edns.payload) == (0, 1232)
        assert with_edns.ednsflags & dns.flags.DO
        assert without.edns == -1


# Garbage


@pytest.mark.parametrize("garbage", [b"", b"\0", b"\xff" * 40, b"GET / HTTP/1.0\r\n\r\n", b"\0\1\1\0" + bytes(8)])
async def test_garbage_is_dropped_and_harms_nobody(garbage: bytes) -> None:
    async with _running() as (host, client):
        with pytest.raises(TimeoutError):
            await client.raw(garbage, SILENCE)
        assert (await client.udp("healthy.example", "MX")).rcode() == dns.rcode.NOERROR
        assert sum(host.queries.values()) == 1


async def test_answers_are_not_answered(caplog: pytest.LogCaptureFixture) -> None:
    async with _running() as (_, client):
        answer = dns.message.make_response(_question("healthy.example", "MX", None))
        with pytest.raises(TimeoutError):
            await client.raw(answer.to_wire(), SILENCE)
    assert caplog.text == ""


async def test_garbage_over_tcp_closes_the_connection() -> None:
    async with _running() as (_, client):
        reader, writer = await asyncio.open_connection(client.address, client.port)
        writer.write(b"\0\4junk")
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        writer.close()
        await writer.wait_closed()


# Faults


@pytest.mark.parametrize(
    "rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NXDOMAIN, dns.rcode.NOTIMP, dns.rcode.FORMERR]
)
async def test_an_rcode_in_place_of_the_records(rcode: dns.rcode.Rcode) -> None:
    async with _running({"healthy.example": Fault(rcode=rcode)}) as (_, client):
        for answer in (await client.udp("healthy.example", "MX"), await client.tcp("healthy.example", "MX")):
            assert answer.rcode() == rcode
            assert answer.answer == []


async def test_an_extended_error_is_told_to_whoever_asks_with_edns() -> None:
    async with _running({"healthy.example": BOGUS}) as (_, client):
        answer = await client.udp("healthy.example", "MX")
        assert answer.rcode() == dns.rcode.SERVFAIL
        (error,) = answer.extended_errors()
        assert error.code == dns.edns.EDECode.DNSSEC_BOGUS
        plain = await client.udp("healthy.example", "MX", payload=None)
        assert plain.rcode() == dns.rcode.SERVFAIL
        assert plain.edns == -1


async def test_one_type_may_hang_while_another_is_answered() -> None:
    async with _running({("mx1.healthy.example", "AAAA"): SILENT}) as (host, client):
        with pytest.raises(dns.exception.Timeout):
            await client.udp("mx1.healthy.example", "AAAA", SILENCE)
        assert (await client.udp("mx1.healthy.example", "A")).rcode() == dns.rcode.NOERROR
        assert host.queries["mx1.healthy.example", "AAAA"] == 1


async def test_the_fault_of_a_type_goes_before_that_of_its_name() -> None:
    faults: Faults = {"healthy.example": SERVFAIL, ("healthy.example", "TXT"): Fault(rcode=dns.rcode.REFUSED)}
    async with _running(faults) as (_, client):
        assert (await client.udp("healthy.example", "MX")).rcode() == dns.rcode.SERVFAIL
        assert (await client.udp("healthy.example", "TXT")).rcode() == dns.rcode.REFUSED
        assert (await client.udp("mx1.healthy.example", "A")).rcode() == dns.rcode.NOERROR


async def test_silence_over_tcp_keeps_the_connection() -> None:
    async with _running({"healthy.example": SILENT}) as (_, client):
        with pytest.raises(dns.exception.Timeout):  # not EOFError
            await client.tcp("healthy.example", "MX", SILENCE)


async def test_a_late_answer_is_the_ordinary_one_and_holds_up_no_other() -> None:
    async with _running({"healthy.example": Fault(delay=0.3)}) as (_, client):
        loop = asyncio.get_running_loop()
        start = loop.time()
        late = asyncio.create_task(client.udp("healthy.example", "MX"))
        await client.udp("mx1.healthy.example", "A")
        assert not late.done()
        assert len(_texts(await late)) == 2
        assert loop.time() - start >= 0.3


async def test_edns_may_be_refused_to_whoever_asks_with_it() -> None:
    async with _running({"healthy.example": Fault(no_edns=dns.rcode.FORMERR)}) as (_, client):
        refused = await client.udp("healthy.example", "MX")
        assert (refused.rcode(), refused.edns, refused.answer) == (dns.rcode.FORMERR, -1, [])
        assert len(_texts(await client.udp("healthy.example", "MX", payload=None))) == 2


async def test_an_answer_may_be_cut_that_would_fit() -> None:
    async with _running({"healthy.example": Fault(truncated=True)}) as (_, client):
        cut = await client.udp("healthy.example", "MX")
        assert cut.flags & dns.flags.TC
        assert cut.answer == []
        assert len(_texts(await client.tcp("healthy.example", "MX"))) == 2


async def test_tcp_may_be_closed_without_an_answer() -> None:
    async with _running({"healthy.example": Fault(truncated=True, tcp_closed=True)}) as (host, client):
        assert (await client.udp("healthy.example", "MX")).flags & dns.flags.TC
        with pytest.raises((EOFError, ConnectionError)):
            await client.tcp("healthy.example", "MX")
        assert host.tcp_queries["healthy.example", "MX"] == 1


async def test_raw_bytes_follow_the_id_of_the_question() -> None:
    async with _running({"healthy.example": Fault(raw=b"\x81\x80junk")}) as (_, client):
        query = _question("healthy.example", "MX", None)
        assert await client.raw(query.to_wire()) == struct.pack("!H", query.id) + b"\x81\x80junk"
        with pytest.raises(dns.exception.DNSException):
            await client.udp("healthy.example", "MX")


async def test_the_id_may_be_wrong() -> None:
    async with _running({"healthy.example": Fault(wrong_id=True)}) as (_, client):
        query = _question("healthy.example", "MX", None)
        answer = dns.message.from_wire(await client.raw(query.to_wire()))
        assert answer.id != query.id
        assert answer.question == query.question


async def test_the_question_may_be_another() -> None:
    async with _running({"healthy.example": Fault(wrong_question=True)}) as (_, client):
        query = _question("healthy.example", "MX", None)
        answer = dns.message.from_wire(await client.raw(query.to_wire()))
        assert answer.id == query.id
        assert answer.question != query.question
        assert not query.is_response(answer)


async def test_an_answer_may_claim_to_be_authenticated() -> None:
    async with _running({"healthy.example": Fault(authenticated=True)}) as (_, client):
        answer = await client.udp("healthy.example", "MX")
        assert answer.flags & dns.flags.AD
        assert len(_texts(answer)) == 2


# Starting and stopping


async def test_it_stops_at_once_and_leaves_its_port_free(caplog: pytest.LogCaptureFixture) -> None:
    host = DnsHost(RECORDS, {"healthy.example": Fault(delay=600.0)})
    address, port = await host.start()
    client = Client(address, port)
    late = asyncio.create_task(client.udp("healthy.example", "MX", SILENCE))
    reader, writer = await asyncio.open_connection(address, port)
    with pytest.raises(dns.exception.Timeout):
        await late
    await asyncio.wait_for(host.stop(), PATIENCE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((address, port))
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()
    await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(address, port)
    await host.stop()
    assert caplog.text == ""


async def test_it_can_be_started_again_on_its_port() -> None:
    host = DnsHost(RECORDS)
    address, port = await host.start()
    await host.stop()
    assert await host.start(address, port) == (address, port)
    assert (await Client(address, port).udp("healthy.example", "MX")).rcode() == dns.rcode.NOERROR
    await host.stop()


async def test_a_port_whose_tcp_is_taken_is_an_error_and_nothing_is_left_running() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        host = DnsHost(RECORDS)
        with pytest.raises(OSError, match="in use"):
            await host.start("127.0.0.1", port)
        await host.stop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))
