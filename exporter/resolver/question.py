"""One question to nameservers and its answer, as bytes: UDP, and TCP where an answer does not fit.

It is asked several times within its timeout: of one nameserver after the other, then without EDNS too, for a box on the
way may drop what it does not know. All these tries stay open until the question ends, so an answer counts whenever it
comes: a resolver that must first find out itself may need as long as the timeout says. The first answer of use ends the
question; a refusal waits for what the others say.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
from collections import deque
from typing import Final, NamedTuple, Protocol

import dns.rcode

from exporter.resolver import wire
from exporter.resolver.edns import Address, EdnsSupport
from exporter.resolver.udp_socket import UdpSocket
from exporter.resolver.wire_names import MalformedReply

# A question is asked this often at least, each of the nameservers in turn, within the timeout. With what is asked
# without EDNS besides there are about twice as many ids a forger may hit, of one question (RFC 5452 5).
TRIES: Final = 4
# And with a longer timeout so often: unbound throws an answer away that it has 1.9 s after the question at the earliest
# (discard-timeout), so only who has asked again since is told.
_INTERVAL_SECONDS: Final = 1.5
_MAX_TRIES: Final = 16
# Resources of ours, not an absent nameserver.
OUR_LIMITS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_Rcode = dns.rcode.Rcode
# What says that EDNS is not known (RFC 6891 6.1.3, 7).
_NO_EDNS: Final = frozenset({_Rcode.FORMERR, _Rcode.NOTIMP, _Rcode.BADVERS})
# What another nameserver may answer better; of several such answers the first of these tells most.
_UNHELPFUL: Final = (
    _Rcode.SERVFAIL,
    _Rcode.REFUSED,
    _Rcode.NOTAUTH,
    _Rcode.NOTIMP,
    _Rcode.FORMERR,
    _Rcode.BADVERS,
)


# A loop's timer may ring a hair before its time.
_TIMER_SLACK: Final = 0.001
_USUAL_PORT: Final = 53
_TOO_LONG: Final = "the answer is too long for UDP, and over TCP: "


class NoReply(Exception):  # noqa: N818 - no error of the program
    """No nameserver gave an answer in time. `nameservers`: those that were asked, as text."""

    def __init__(self, reason: str, nameservers: str = "") -> None:
        super().__init__(reason)
        self.nameservers = nameservers


class DnsReply(NamedTuple):
    """An answer, whatever its code, and who gave it."""

    data: bytes
    server: Address


class Transport(Protocol):
    """What questions share."""

    loop: asyncio.AbstractEventLoop
    timeout: float  # seconds, of a question
    edns: EdnsSupport
    answered: dict[Address, float]

    def port(self, server: Address) -> UdpSocket:
        """The socket from which the next question to `server` leaves. Raises OSError."""


class _Try:
    """One message that asks, over UDP or TCP."""

    __slots__ = ("edns", "number", "open", "port", "question", "server", "stream")

    def __init__(self, question: DnsQuery, server: Address, *, edns: bool, stream: bool = False) -> None:
        self.question = question
        self.server = server
        self.edns = edns
        self.stream = stream  # over TCP
        self.open = True  # no answer, and no error so far
        self.port: UdpSocket | None = None
        self.number = 0

    @property
    def section(self) -> bytes:
        return self.question.section

    def heard(self, data: bytes) -> None:
        self.open = False
        self.question.heard(self, data)

    def failed(self, error: OSError) -> None:
        self.open = False
        self.question.failed(self, error.strerror or "no answer")


class DnsQuery:
    """One question from its first try to its end."""

    __slots__ = (
        "_best",
        "_end",
        "_exchange",
        "_interval",
        "_malformed",
        "_place",
        "_places",
        "_queue",
        "_reasons",
        "_result",
        "_servers",
        "_streams",
        "_timer",
        "_tries",
        "section",
    )

    def __init__(self, exchange: Transport, section: bytes, servers: tuple[Address, ...]) -> None:
        self.section = section
        self._exchange = exchange
        self._end = exchange.loop.time() + exchange.timeout
        self._queue = deque(servers)  # of whom an answer of use may still come, the next to ask first
        self._servers = servers
        tries = min(_MAX_TRIES, math.ceil(exchange.timeout / _INTERVAL_SECONDS))
        self._places = max(TRIES, len(servers) + 1, tries)
        self._interval = exchange.timeout / self._places
        self._place = 0
        self._tries: list[_Try] = []
        self._streams: list[asyncio.Task[None]] = []
        self._best: tuple[int, DnsReply] | None = None  # of the answers of no use
        self._reasons: dict[str, None] = {}  # why there is no answer, each once, in order
        self._malformed: MalformedReply | None = None
        self._result: asyncio.Future[DnsReply] = exchange.loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    async def answer(self) -> DnsReply:
        """Ask, and wait for the end."""
        try:
            self._go_on()
            return await self._result
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for asked in self._tries:
                if asked.open and asked.port is not None:
                    asked.port.forget(asked.number)
            for stream in self._streams:
                stream.cancel()
            # A question and its tries know each other: untied, they go at once and leave nothing to the collector.
            self._tries, self._timer = [], None

    # What the tries tell

    def heard(self, asked: _Try, data: bytes) -> None:
        """The answer to one try."""
        if self._result.done():
            return
        exchange, server = self._exchange, asked.server
        exchange.answered[server] = exchange.loop.time()
        code = wire.code_of(data)
        if code in _UNHELPFUL:
            self._heard_no(asked, data, code)
            return
        if asked.edns:
            exchange.edns.answered(server, with_opt=exchange.edns.does_edns(server) or wire.opt_of(data) is not None)
        else:
            self._learn_from_plain(server)
        if asked.stream or not wire.is_truncated(data):
            self._result.set_result(DnsReply(data, server))
        elif not self._count(server, edns=asked.edns, stream=True):
            self._stream(server, edns=asked.edns)
        else:
            self._heard_nothing_new()

    def failed(self, asked: _Try, reason: str) -> None:
        """One try has come to nothing."""
        if self._result.done():
            return
        if asked.stream:
            reason = _TOO_LONG + reason
            if asked.edns and not self._count(asked.server, edns=False, stream=True):
                self._stream(asked.server, edns=False)
            elif not any(other.open and other.edns for other in self._tries if other.server == asked.server):
                self._pass_over(asked.server)
        self._reasons[f"{server_text(asked.server)}: {reason}"] = None
        self._heard_nothing_new()

    # What follows from it

    def _heard_no(self, asked: _Try, data: bytes, code: int) -> None:
        """An answer of no use: without EDNS there may be a better one, or another nameserver has it."""
        server, edns = asked.server, self._exchange.edns
        opt = wire.opt_of(data)
        rank = 2 * _UNHELPFUL.index(_Rcode(code)) + (opt is None)
        if self._best is None or rank < self._best[0]:
            self._best = rank, DnsReply(data, server)
        # A server that knows EDNS says so in its answer; a box that does not may still send the question's OPT back.
        doubtful = opt is None or not (opt.options or edns.does_edns(server))
        if asked.edns and (code in _NO_EDNS or doubtful) and self._may_ask_plain(server, stream=asked.stream):
            if asked.stream:
                self._stream(server, edns=False)
            else:
                self._send(server, edns=False)
        else:
            self._pass_over(server)
        if not self._queue or all(other.server not in self._queue for other in self._tries):
            self._go_on()

    def _may_ask_plain(self, server: Address, *, stream: bool) -> bool:
        """Whether the question without EDNS has not been answered so far, nor asked too often."""
        plain = [other for other in self._tries if other.server == server and not other.edns and other.stream == stream]
        return all(other.open for other in plain) and len(plain) < (1 if stream else TRIES)

    def _pass_over(self, server: Address) -> None:
        """Nothing of use is to come from there."""
        if server in self._queue:
            self._queue.remove(server)

    def _heard_nothing_new(self) -> None:
        """Ask on at once where nobody is left to wait for."""
        if not self._result.done() and not any(other.open for other in self._tries if other.server in self._queue):
            self._go_on()

    def _learn_from_plain(self, server: Address) -> None:
        """What it means for EDNS that the answer of use came to a try without."""
        edns, now = self._exchange.edns, self._exchange.loop.time()
        with_edns = [asked for asked in self._tries if asked.server == server and asked.edns]
        if not with_edns:
            return  # known already
        if self._best is not None and self._best[1].server == server and wire.code_of(self._best[1].data) in _NO_EDNS:
            edns.rejected(server, now)
        else:
            edns.suspected(server, now)

    def _go_on(self) -> None:
        """The next nameserver in turn; where the half of them are behind us, all who were silent without EDNS."""
        while not self._result.done():
            if self._place >= self._places or not self._queue:
                self._finish()
                return
            server = self._queue[0]
            self._queue.rotate(-1)
            late = self._place >= self._places // 2
            self._place += 1
            preferred = self._exchange.edns.prefers_edns(server, self._exchange.loop.time())
            self._send(server, edns=preferred)
            if late:
                self._ask_the_other_way()
            if any(asked.open for asked in self._tries):
                self._wait()
                return

    def _ask_the_other_way(self) -> None:
        """With EDNS whoever was asked without so far, and the other way round."""
        for server in tuple(self._queue):
            with_edns, plain = (self._count(server, edns=edns) for edns in (True, False))
            if bool(with_edns) is not bool(plain):
                self._send(server, edns=not with_edns)

    def _wait(self) -> None:
        loop = self._exchange.loop
        if self._timer is not None:
            self._timer.cancel()
        next_time = loop.time() + self._interval if self._place < self._places else self._end
        self._timer = loop.call_at(min(self._end, next_time), self._ring)

    def _ring(self) -> None:
        """Time for the next try, or the end; unless the answer lies there unread: a busy loop has its timers first."""
        for port in {asked.port for asked in self._tries if asked.open and asked.port is not None}:
            while not self._result.done() and port.read():
                pass
        if self._result.done():
            return
        if self._exchange.loop.time() >= self._end - _TIMER_SLACK:
            for asked in self._tries:
                if asked.open:
                    told = f"{_TOO_LONG}no answer" if asked.stream else "no answer"
                    self._reasons[f"{server_text(asked.server)}: {told}"] = None
            self._finish()
        elif self._place < self._places and self._queue:
            self._go_on()
        else:
            self._place = self._places
            self._wait()

    def _finish(self) -> None:
        """The end: the best of what came."""
        if self._result.done():
            return
        if self._best is not None:
            self._result.set_result(self._best[1])
        elif self._malformed is not None:
            self._result.set_exception(self._malformed)
        else:
            names = ", ".join(map(server_text, self._servers))
            self._result.set_exception(NoReply(", ".join(self._reasons) or "no answer", names))

    # Asking

    def _send(self, server: Address, *, edns: bool) -> None:
        asked = _Try(self, server, edns=edns)
        try:
            asked.port = self._exchange.port(server)
            asked.number = asked.port.send(wire.query(self.section, edns=edns), asked)
        except OSError as error:
            asked.open = False
            if error.errno in OUR_LIMITS:
                self._result.set_exception(error)
            # This host has not its family, or not its interface, or nobody listens: the next may be better off.
            self._reasons[f"{server_text(server)}: {error.strerror}"] = None
        self._tries.append(asked)

    def _count(self, server: Address, *, edns: bool, stream: bool = False) -> int:
        return sum((asked.server, asked.edns, asked.stream) == (server, edns, stream) for asked in self._tries)

    def _stream(self, server: Address, *, edns: bool) -> None:
        """Ask over TCP, once; where nothing comes of it in half of the time that is left, without EDNS too."""
        if self._count(server, edns=edns, stream=True) or self._result.done():
            return
        asked = _Try(self, server, edns=edns, stream=True)
        self._tries.append(asked)
        self._streams.append(self._exchange.loop.create_task(self._converse(asked)))

    async def _converse(self, asked: _Try) -> None:
        loop = self._exchange.loop
        left = max(0.0, self._end - loop.time())
        other = None
        if asked.edns:
            other = loop.call_later(left / 2, lambda: self._stream(asked.server, edns=False))
        try:
            data = await _over_tcp(asked.server, self.section, edns=asked.edns)
        except MalformedReply as problem:
            asked.open, self._malformed = False, problem
            self.failed(asked, str(problem))
        except (OSError, EOFError) as error:
            asked.open = False
            self.failed(asked, getattr(error, "strerror", None) or "the connection was closed")
        else:
            asked.heard(data)
        finally:
            if other is not None:
                other.cancel()


async def _over_tcp(server: Address, section: bytes, *, edns: bool) -> bytes:
    """RFC 7766: the answer that does not fit into a datagram."""
    query = os.urandom(2) + wire.query(section, edns=edns)[2:]
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.transport.abort()
    if data[:2] != query[:2] or not wire.answers(data, section):
        raise MalformedReply("over TCP came the answer to another question")
    return data


def server_text(server: Address) -> str:
    """The address, with the port where it is not the usual one."""
    address, port = server
    if port == _USUAL_PORT:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
