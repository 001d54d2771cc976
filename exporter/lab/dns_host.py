"""A name server out of a table, over UDP and TCP on one port, that misbehaves on command.

It answers like a resolver that knows these names and no others: aliases followed, absent names and absent types told
apart, each with the SOA that bounds how long that may be remembered (RFC 2308).
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from exporter.lab.host import LOOPBACK, require_loopback

Records = Mapping[tuple[str, str], Sequence[str]]
# The message that answers a question about a name and a type, whose id does not matter; None: the table answers.
Messages = Callable[[str, str], bytes | None]

_MAX_LINKS: Final = 20  # of a chain of aliases; longer than a resolver should follow
_MAX_SEEN: Final = 1000  # queries kept for tests
_PLAIN_PAYLOAD: Final = 512  # RFC 1035 4.2.1
_TCP_PAYLOAD: Final = 65535
_TCP_IDLE_SECONDS: Final = 10.0
_PORT_ATTEMPTS: Final = 20  # a port free for UDP may be taken for TCP


@dataclass(frozen=True, slots=True)
class Fault:
    """The faults of the answers about a name; there may be several."""

    rcode: dns.rcode.Rcode | None = None
    extended_error: int | None = None  # RFC 8914; without `rcode` beside the ordinary answer
    extended_text: str | None = None
    silent: bool = False
    delay: float = 0.0  # seconds
    no_edns: dns.rcode.Rcode | None = None  # the answer to a query with EDNS
    no_edns_over: tuple[str, ...] = ("udp", "tcp")
    drops_edns: bool = False  # no answer to a query with EDNS
    returns_edns: bool = False  # with `no_edns`: the OPT record comes back all the same
    truncated: bool = False  # over UDP always
    tcp_closed: bool = False
    raw: bytes | None = None  # in place of everything after the id
    wrong_id: bool = False
    wrong_question: bool = False
    authenticated: bool = False


NO_FAULT: Final = Fault()
SILENT: Final = Fault(silent=True)
SERVFAIL: Final = Fault(rcode=dns.rcode.SERVFAIL)
BOGUS: Final = Fault(rcode=dns.rcode.SERVFAIL, extended_error=6)  # RFC 8914 4.7: DNSSEC Bogus


class DnsHost:
    """`records` maps (name without final dot, type) to data in presentation format. All of it may be replaced any time.

    `faults` are by name, or by (name, type) where only that is at fault; `ttl` is in seconds. `messages` go before the
    records and are sent as they stand, however broken; one too long for a datagram is cut over UDP, whole over TCP.
    """

    def __init__(
        self,
        records: Records,
        faults: Mapping[str | tuple[str, str], Fault] | None = None,
        *,
        ttl: int = 60,
        messages: Messages | None = None,
    ) -> None:
        self.records = records
        self.faults = faults or {}
        self.messages = messages
        self.ttl = ttl
        self.negative_ttl = ttl
        self.queries: Counter[tuple[str, str]] = Counter()  # over UDP
        self.tcp_queries: Counter[tuple[str, str]] = Counter()
        self.seen: deque[dns.message.Message] = deque(maxlen=_MAX_SEEN)
        self._udp: asyncio.DatagramTransport | None = None
        self._udp_closed = asyncio.Event()
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, address: str = LOOPBACK, port: int = 0) -> tuple[str, int]:
        """Answer; returns the address and the port."""
        require_loopback(address)
        loop = asyncio.get_running_loop()
        for attempt in range(_PORT_ATTEMPTS):
            self._udp_closed = asyncio.Event()
            protocol = partial(_Datagrams, self._receive, self._udp_closed)
            self._udp, _ = await loop.create_datagram_endpoint(protocol, local_addr=(address, port))
            bound: int = self._udp.get_extra_info("sockname")[1]
            try:
                self._tcp = await asyncio.start_server(self._accept, address, bound)
            except OSError:
                self._udp.close()
                if port or attempt == _PORT_ATTEMPTS - 1:
                    raise
            else:
                return address, bound
        raise AssertionError("unreachable")

    @property
    def server(self) -> str:
        """Address and port, as text."""
        if self._udp is None:
            return ""
        address, port = self._udp.get_extra_info("sockname")[:2]
        return f"{address}:{port}"

    async def stop(self) -> None:
        """Answer no more."""
        if self._udp is not None:
            self._udp.close()
            await self._udp_closed.wait()
        if self._tcp is not None:
            self._tcp.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _receive(self, data: bytes, address: tuple[str, int]) -> None:
        self._spawn(self._answer_datagram(data, address))

    # Not a coroutine: asyncio would make the task itself, and stumbles over its cancellation before Python 3.12.
    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._spawn(self._serve(reader, writer))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_datagram(self, data: bytes, address: tuple[str, int]) -> None:
        answer = await self._answer(data, tcp=False)
        if answer and self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(answer, address)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """RFC 7766: messages behind their lengths."""
        with contextlib.suppress(OSError, EOFError, TimeoutError), contextlib.closing(writer):
            while True:
                async with asyncio.timeout(_TCP_IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    data = await reader.readexactly(length)
                answer = await self._answer(data, tcp=True)
                if answer is None:
                    return
                if answer:
                    writer.write(struct.pack("!H", len(answer)) + answer)
                    await writer.drain()

    async def _answer(self, data: bytes, *, tcp: bool) -> bytes | None:
        """The answer: empty where there is to be none, None where the connection is to be closed besides."""
        try:
            query = dns.message.from_wire(data)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return None
        if query.flags & dns.flags.QR:  # answering answers would let two hosts talk for ever
            return None
        name, kind = _plain(question.name.to_text()), dns.rdatatype.to_text(question.rdtype)
        self.seen.append(query)
        (self.tcp_queries if tcp else self.queries)[name, kind] += 1
        fault = self.faults.get((name, kind)) or self.faults.get(name) or NO_FAULT
        if tcp and fault.tcp_closed:
            return None
        if fault.silent or (fault.drops_edns and query.edns >= 0):
            return b""
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.raw is not None:
            return data[:2] + fault.raw
        message = self.messages(name, kind) if self.messages is not None else None
        if message is not None and len(message) <= _payload(query, tcp=tcp):
            return data[:2] + message[2:]
        if message is not None:
            return _cut(dns.message.make_response(query, recursion_available=True), query)
        if ("tcp" if tcp else "udp") not in fault.no_edns_over:
            fault = replace(fault, no_edns=None)
        return _broken(self._response(query, name, kind, fault), query, fault, tcp)

    def _response(self, query: dns.message.Message, name: str, kind: str, fault: Fault) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        if fault.authenticated:
            response.flags |= dns.flags.AD
        if fault.no_edns is not None and query.edns >= 0:
            # RFC 6891 6.1.3: BADVERS stands half in the OPT record.
            response.use_edns(0 if fault.returns_edns or fault.no_edns == dns.rcode.BADVERS else False)
            response.set_rcode(fault.no_edns)
            return response
        if fault.rcode is not None:
            response.set_rcode(fault.rcode)
        else:
            self._fill(response, name, kind)
        if fault.extended_error is not None and query.edns >= 0:
            error = dns.edns.EDEOption(dns.edns.EDECode(fault.extended_error), fault.extended_text)
            response.use_edns(0, query.ednsflags, _TCP_PAYLOAD, options=[error])
        return response

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        """The records, at the end of a chain of aliases where there is one."""
        for _ in range(_MAX_LINKS):
            data = self.records.get((name, kind))
            if data:
                response.answer.append(dns.rrset.from_text_list(f"{name}.", self.ttl, "IN", kind, data))
                return
            alias = self.records.get((name, "CNAME"))
            if not alias:
                break
            response.answer.append(dns.rrset.from_text_list(f"{name}.", self.ttl, "IN", "CNAME", alias))
            name = _plain(alias[0])
        else:
            return
        if name and not any(known == name or known.endswith(f".{name}") for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        zone = name.rpartition(".")[2]
        soa = f"ns.invalid. admin.invalid. 1 3600 600 86400 {self.negative_ttl}"
        response.authority.append(dns.rrset.from_text(f"{zone}.", self.negative_ttl, "IN", "SOA", soa))


def _broken(response: dns.message.Message, query: dns.message.Message, fault: Fault, tcp: bool) -> bytes:
    if fault.wrong_id:
        response.id ^= 1
    if fault.wrong_question:
        response.question[0].name = dns.name.from_text("elsewhere.example")
    if not (fault.truncated and not tcp):
        try:
            return response.to_wire(max_size=_payload(query, tcp=tcp))
        except dns.exception.TooBig:
            pass
    return _cut(response, query)


def _cut(response: dns.message.Message, query: dns.message.Message) -> bytes:
    """RFC 2181 9: a record set that does not fit is left out whole."""
    response.answer.clear()
    response.flags |= dns.flags.TC
    return response.to_wire(max_size=_payload(query, tcp=False))


def _payload(query: dns.message.Message, *, tcp: bool) -> int:
    """The most bytes that the client takes."""
    if tcp:
        return _TCP_PAYLOAD
    return query.payload if query.edns >= 0 else _PLAIN_PAYLOAD


def _plain(name: str) -> str:
    """As in the keys of the tables; the root is empty."""
    return name.removesuffix(".").lower()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, tuple[str, int]], None], closed: asyncio.Event) -> None:
        self._receive = receive
        self._closed = closed

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()
