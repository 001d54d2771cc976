"""Questions to nameservers and their answers, as bytes: UDP, and TCP where an answer does not fit.

The messages are dnspython's; the UDP transport is ours, for two reasons. One connected socket carries many questions in
flight, where dnspython opens one for each (a third of a query's CPU). And dnspython takes an answer that cannot be
parsed for none at all, where it is evidence of its own: here a datagram counts as the answer once its id and question
match, whatever follows.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from typing import Final

import dns.rcode
import dns.rdatatype

from exporter.resolver import wire
from exporter.resolver.wire import MalformedReply

# A question is asked this often, each of the nameservers in turn, within the timeout.
TRIES: Final = 4
# The source port changes after so many questions, so that a blind forger has more to guess than the id (RFC 5452 9.2).
_QUESTIONS_PER_PORT: Final = 500
_DATAGRAM_BYTES: Final = 65535
_DATAGRAMS_PER_WAKE: Final = 64  # then the loop looks after the probes again
# Where many probes begin at once, answers to the first questions come while the last are asked: they are taken out in
# between, for the kernel drops what finds no room. By default it keeps about 200 KB, which 90 datagrams can fill.
_QUESTIONS_PER_READ: Final = 32
_RECEIVE_BYTES: Final = 1 << 20  # asked for; the kernel gives what the administrator allows

# Resources of ours, not an absent nameserver.
OUR_LIMITS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Address = tuple[str, int]
_Rcode = dns.rcode.Rcode
# What another nameserver may answer better.
_UNHELPFUL: Final = frozenset({_Rcode.SERVFAIL, _Rcode.REFUSED, _Rcode.FORMERR, _Rcode.NOTIMP, _Rcode.NOTAUTH})


class NoReply(Exception):  # noqa: N818 - no error of the program
    """No nameserver gave an answer in time."""


class Exchange:
    """Asks the nameservers that `nameservers()` names, each question within `timeout` seconds."""

    def __init__(self, nameservers: Callable[[], Sequence[Address]], timeout: float) -> None:
        self._nameservers = nameservers
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._ports: dict[Address, _Port] = {}
        self.answered: dict[Address, float] = {}  # when each nameserver answered last, by the event loop's clock

    async def ask(self, name: str, kind: dns.rdatatype.RdataType) -> bytes:
        """The answer, whatever its code.

        Raises NoReply, MalformedReply, OSError for want of a socket, and DNSException or UnicodeError for no name.
        """
        section = wire.question_section(name, kind)
        end = self._loop.time() + self._timeout
        servers = list(self._nameservers())
        unhelpful: bytes | None = None
        reasons: dict[str, None] = {}  # each once, in order
        for attempt in range(max(TRIES, len(servers))):
            if not servers:
                break
            left = end - self._loop.time()
            if left <= 0:
                break
            server = servers[attempt % len(servers)]
            try:
                reply = await self._ask_one(server, section, min(left, self._timeout / TRIES), end)
            except NoReply as problem:
                reasons[str(problem)] = None
                continue
            if wire.rcode_of(reply) not in _UNHELPFUL:
                return reply
            unhelpful = reply
            servers.remove(server)
        if unhelpful is not None:
            return unhelpful
        raise NoReply(", ".join(reasons) or "no nameserver is configured")

    def close(self) -> None:
        """Give the sockets back; what is asked meanwhile gets no answer."""
        for port in self._ports.values():
            port.close()
        self._ports.clear()

    async def _ask_one(self, server: Address, section: bytes, wait: float, end: float) -> bytes:
        reply = await self._udp(server, section, wait)
        if wire.rcode_of(reply) in (_Rcode.FORMERR, _Rcode.NOTIMP):
            # RFC 6891 7: it may know no EDNS. Asked without, once, it tells at least the rest.
            reply = await self._udp(server, section, wait, edns=False)
        self.answered[server] = self._loop.time()
        if wire.is_truncated(reply):
            reply = await _tcp(server, section, max(0.0, end - self._loop.time()))
        return reply

    async def _udp(self, server: Address, section: bytes, wait: float, *, edns: bool = True) -> bytes:
        port = self._ports.get(server)
        if port is None or port.worn_out:
            if port is not None:
                port.close_when_idle()
            try:
                port = self._ports[server] = _Port(self._loop, server)
            except OSError as error:
                if error.errno in OUR_LIMITS:
                    raise
                # This host has not its family, or not its interface: the next nameserver may be better off.
                raise NoReply(f"{_text(server)}: {error.strerror}") from None
        answered: asyncio.Future[bytes | None] = self._loop.create_future()
        timer = self._loop.call_later(wait, port.give_up, answered)
        number = port.send(section, wire.query(section, edns=edns), answered)
        try:
            data = await answered
        except OSError as error:
            raise NoReply(f"{_text(server)}: {error.strerror}") from None
        finally:
            timer.cancel()
            port.forget(number)
        if data is None:
            raise NoReply(f"{_text(server)}: no answer")
        return data


class _Port:
    """A UDP socket connected to a nameserver, with the questions in flight on it by their ids."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Address) -> None:
        family, _, _, _, address = socket.getaddrinfo(
            *server, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )[0]
        self._loop = loop
        self._in_flight: dict[int, tuple[bytes, asyncio.Future[bytes | None]]] = {}
        self._left = _QUESTIONS_PER_PORT
        self._since_read = 0  # questions
        self._closing = False
        self._unreachable: OSError | None = None
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        try:
            self._socket.connect(address)
        except OSError as error:
            # No route to the nameserver: told to each question, for the route may come back.
            self._unreachable = error
        loop.add_reader(self._socket, self._on_readable)

    @property
    def worn_out(self) -> bool:
        """Whether the next question should leave from another port."""
        return self._left <= 0 or self._unreachable is not None

    def send(self, section: bytes, query: bytes, answered: asyncio.Future[bytes | None]) -> int:
        """Ask `query` with its question `section`; `answered` gets the datagram, or an OSError.

        Returns the number for :meth:`forget`.
        """
        number = int.from_bytes(os.urandom(2), "big")
        while number in self._in_flight:
            number = int.from_bytes(os.urandom(2), "big")
        self._left -= 1
        self._since_read += 1
        if self._since_read >= _QUESTIONS_PER_READ:
            self._on_readable()
        self._in_flight[number] = (section, answered)
        try:
            if self._unreachable is not None:
                raise self._unreachable
            self._socket.send(number.to_bytes(2, "big") + query[2:])
        except BlockingIOError:
            pass  # the send buffer is full: as if lost on the way, and tried again like that
        except OSError as error:
            answered.set_exception(error)
        return number

    def give_up(self, answered: asyncio.Future[bytes | None]) -> None:
        """The time for an answer is over, unless it lies there unread: a busy loop sees to its timers first."""
        while not answered.done() and self._on_readable():
            pass
        if not answered.done():
            answered.set_result(None)

    def forget(self, number: int) -> None:
        """The question is answered or given up."""
        self._in_flight.pop(number, None)
        if self._closing and not self._in_flight:
            self.close()

    def close_when_idle(self) -> None:
        """Close after the last answer."""
        self._closing = True
        if not self._in_flight:
            self.close()

    def close(self) -> None:
        """Close now; a second time does nothing."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _on_readable(self) -> bool:
        """Take answers in; whether there may be more."""
        self._since_read = 0
        for _ in range(_DATAGRAMS_PER_WAKE):
            try:
                data = self._socket.recv(_DATAGRAM_BYTES)
            except BlockingIOError:
                return False
            except OSError as error:
                # An ICMP error for one question tells that nobody listens for any of them.
                for _, answered in self._in_flight.values():
                    if not answered.done():
                        answered.set_exception(error)
                return False
            asked = self._in_flight.get(int.from_bytes(data[:2], "big"))
            if asked is not None and not asked[1].done() and wire.answers(data, asked[0]):
                asked[1].set_result(data)
        return True


async def _tcp(server: Address, section: bytes, wait: float) -> bytes:
    """RFC 7766: the answer that does not fit into a datagram."""
    query = os.urandom(2) + wire.query(section)[2:]
    try:
        async with asyncio.timeout(wait):
            reader, writer = await asyncio.open_connection(*server)
            try:
                writer.write(len(query).to_bytes(2, "big") + query)
                data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            finally:
                writer.transport.abort()
    except (OSError, EOFError) as error:  # that the time is over is an OSError too
        reason = getattr(error, "strerror", None) or "no answer"
        raise NoReply(f"{_text(server)}: the answer is too long for UDP, and over TCP: {reason}") from None
    if data[:2] != query[:2] or not wire.answers(data, section):
        raise MalformedReply("over TCP came the answer to another question")
    return data


def _text(server: Address) -> str:
    address, port = server
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
