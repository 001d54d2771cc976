"""A UDP socket to one nameserver, shared by the queries in flight: each answer goes to its own attempt.

One connected socket carries many queries, where dnspython opens one for each (a third of a query's CPU). A datagram is
the answer if it comes from the nameserver and its id and question match; the rest need not be valid, for an answer that
cannot be parsed is evidence of its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final, Protocol

from exporter.resolver import wire

# The source port changes after so many queries, so that a blind forger must guess more than the id (RFC 5452 9.2).
_QUERIES_PER_PORT: Final = 500
# Three times the size that queries allow, as some servers send. The rest of a longer one is not read, as if the network
# had cut it: dozens may come at once, and each of 64 KiB takes long to parse.
MAX_DATAGRAM: Final = 4096
_DATAGRAMS_PER_WAKE: Final = 64  # then the event loop goes on with the probes
# Where many probes begin at once, answers to the first queries come while the last are sent: they are read in between,
# for the kernel drops datagrams when its buffer is full. The default of 200 KB is full after 90 datagrams.
_QUERIES_PER_READ: Final = 32
_RECEIVE_BYTES: Final = 1 << 20  # asked for; the kernel gives what the administrator allows


class PendingQuery(Protocol):
    """One datagram without an answer so far. At most one of its callbacks is called, once."""

    @property
    def section(self) -> bytes:
        """The question section."""

    def on_answer(self, data: bytes) -> None:
        """Take the answer."""

    def on_error(self, error: OSError) -> None:
        """Take the error of the socket, after which no answer comes."""


class UdpSocket:
    """The socket, with its queries in flight by their ids. Raises OSError where no socket is available."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: tuple[str, int]) -> None:
        family, _, _, _, address = socket.getaddrinfo(
            *server, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )[0]
        self._loop = loop
        self._in_flight: dict[int, PendingQuery] = {}
        self._left = _QUERIES_PER_PORT
        self._since_read = 0  # queries
        self._reading = False
        self._closing = False
        self._unreachable: OSError | None = None
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        try:
            self._socket.connect(address)
        except OSError as error:
            # No route to the nameserver: an error of each query, for the route may come back.
            self._unreachable = error
        loop.add_reader(self._socket, self.read)

    @property
    def worn_out(self) -> bool:
        """True where the next query should use another port."""
        return self._left <= 0 or self._unreachable is not None

    def send(self, query: bytes, pending: PendingQuery) -> int:
        """Send `query`; return the number for :meth:`forget`. Raises OSError."""
        if self._unreachable is not None:
            raise self._unreachable
        number = int.from_bytes(os.urandom(2), "big")
        while number in self._in_flight:
            number = int.from_bytes(os.urandom(2), "big")
        self._left -= 1
        self._since_read += 1
        if self._since_read >= _QUERIES_PER_READ:
            self.read()
        self._in_flight[number] = pending
        try:
            self._socket.send(number.to_bytes(2, "big") + query[2:])
        except BlockingIOError:
            pass  # the send buffer is full: as if the datagram were lost, and with the same retry
        except OSError:
            self.forget(number)
            raise
        return number

    def forget(self, number: int) -> None:
        """Stop waiting for an answer; a second call does nothing."""
        self._in_flight.pop(number, None)
        if self._closing and not self._in_flight:
            self.close()

    def close_when_idle(self) -> None:
        """Close after the last answer."""
        self._closing = True
        if not self._in_flight:
            self.close()

    def close(self) -> None:
        """Close now; a second call does nothing."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def read(self) -> bool:
        """Read answers; True where there may be more."""
        if self._reading:  # a callback may send a query, and to send reads
            return False
        self._reading, self._since_read = True, 0
        try:
            for _ in range(_DATAGRAMS_PER_WAKE):
                if self._socket.fileno() < 0 or not self._read_one():
                    return False
        finally:
            self._reading = False
        return True

    def _read_one(self) -> bool:
        try:
            data = self._socket.recv(MAX_DATAGRAM + 1)
        except BlockingIOError:
            return False
        except OSError as error:
            # An ICMP error for one query holds for all: the port of the nameserver is closed.
            failed, self._in_flight = self._in_flight, {}
            for pending in failed.values():
                pending.on_error(error)
            if self._closing and not self._in_flight:
                self.close()
            return False
        number = int.from_bytes(data[:2], "big")
        waiting = self._in_flight.get(number)
        if waiting is not None and wire.answers(data, waiting.section):
            self.forget(number)
            waiting.on_answer(data if len(data) <= MAX_DATAGRAM else wire.cut(data))
        return True
