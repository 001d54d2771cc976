"""A UDP socket to one nameserver, shared by the questions in flight: each answer to the try that it belongs to.

One connected socket carries many questions, where dnspython opens one for each (a third of a query's CPU). A datagram
counts as the answer once it comes from the nameserver and its id and question match, whatever follows: one that cannot
be parsed is evidence of its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final, Protocol

from exporter.resolver import wire

# The source port changes after so many questions, so that a blind forger has more to guess than the id (RFC 5452 9.2).
_QUESTIONS_PER_PORT: Final = 500
# Three times what was asked for, and what servers send who mind it not. Of a longer one the rest is not taken in, as if
# it had been cut on the way: dozens may come at once, each as long to look through as 64 KiB are.
MAX_DATAGRAM: Final = 4096
_DATAGRAMS_PER_WAKE: Final = 64  # then the loop looks after the probes again
# Where many probes begin at once, answers to the first questions come while the last are asked: they are taken out in
# between, for the kernel drops what finds no room. By default it keeps about 200 KB, which 90 datagrams can fill.
_QUESTIONS_PER_READ: Final = 32
_RECEIVE_BYTES: Final = 1 << 20  # asked for; the kernel gives what the administrator allows


class Try(Protocol):
    """One datagram that asks. It is told at most once."""

    @property
    def section(self) -> bytes:
        """The question in it."""

    def heard(self, data: bytes) -> None:
        """The answer has come."""

    def failed(self, error: OSError) -> None:
        """There will be none."""


class UdpSocket:
    """The socket, with the tries in flight on it by their ids. Raises OSError where there is none to be had."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: tuple[str, int]) -> None:
        family, _, _, _, address = socket.getaddrinfo(
            *server, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )[0]
        self._loop = loop
        self._in_flight: dict[int, Try] = {}
        self._left = _QUESTIONS_PER_PORT
        self._since_read = 0  # questions
        self._reading = False
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
        loop.add_reader(self._socket, self.read)

    @property
    def worn_out(self) -> bool:
        """Whether the next question should leave from another port."""
        return self._left <= 0 or self._unreachable is not None

    def send(self, query: bytes, asking: Try) -> int:
        """Ask `query`; returns the number for :meth:`forget`. Raises OSError."""
        if self._unreachable is not None:
            raise self._unreachable
        number = int.from_bytes(os.urandom(2), "big")
        while number in self._in_flight:
            number = int.from_bytes(os.urandom(2), "big")
        self._left -= 1
        self._since_read += 1
        if self._since_read >= _QUESTIONS_PER_READ:
            self.read()
        self._in_flight[number] = asking
        try:
            self._socket.send(number.to_bytes(2, "big") + query[2:])
        except BlockingIOError:
            pass  # the send buffer is full: as if lost on the way, and tried again like that
        except OSError:
            self.forget(number)
            raise
        return number

    def forget(self, number: int) -> None:
        """No answer is awaited any more; a second time does nothing."""
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

    def read(self) -> bool:
        """Take answers in; whether there may be more."""
        if self._reading:  # who is told of an answer may ask again, and asking reads
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
            # An ICMP error for one question tells that nobody listens for any of them.
            tries, self._in_flight = self._in_flight, {}
            for asking in tries.values():
                asking.failed(error)
            if self._closing and not self._in_flight:
                self.close()
            return False
        number = int.from_bytes(data[:2], "big")
        asked = self._in_flight.get(number)
        if asked is not None and wire.answers(data, asked.section):
            self.forget(number)
            asked.heard(data if len(data) <= MAX_DATAGRAM else wire.cut(data))
        return True
