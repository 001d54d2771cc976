"""One TCP connection, read and written beside the socket event.

The socket is driven by the poller's events and not by a transport: that is cheapest, and it leaves the socket's error
queue, its times of arrival and TCP_INFO within reach. Times are the kernel's where it has them: those of the network,
however busy this process is. Events go to a :class:`Receiver`; OSErrors end here.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
import time
from dataclasses import replace
from typing import ClassVar, Final, Protocol

from exporter.model.evidence import ConnectEvidence, IcmpError
from exporter.net import error_queue, tcp_info, timestamps
from exporter.net.poller import ENDED, READABLE, WRITABLE, Poller, poller_of

# Larger than any honest reply, small enough that a hostile flood is cut after a few reads.
READ_BYTES: Final = 16384
# The socket module's own class adds names of constants and a warning when it is left open: 5 µs a socket.
_new_socket: Final = socket.SocketType
_NONBLOCKING: Final = getattr(socket, "SOCK_NONBLOCK", 0)  # Linux: without a system call of its own
# Of bind: the host lacks the address, or it is of the link and no link is named. Of connect: no address, or no port.
_OF_SOURCE: Final = frozenset({errno.EADDRNOTAVAIL, errno.EINVAL})
_ANY_PORT: Final = 25
# More may be two segments (RFC 9293 3.7.1), of which the second would wait for the acknowledgement of the first.
_SEGMENT_BYTES: Final = 536
_PENDING: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})


class Receiver(Protocol):
    """The receiver of the events. `now` is the time of the event, on the clock of time.perf_counter()."""

    def connected(self, now: float) -> None:
        """The handshake is complete."""

    def connect_failed(self, evidence: ConnectEvidence) -> None:
        """The handshake failed. The connection is closed."""

    def data_received(self, data: bytes, now: float) -> None:
        """The peer sent `data`."""

    def eof_received(self, now: float) -> None:
        """The peer closed or reset the connection."""

    def internal_error(self, error: Exception) -> None:
        """The receiver itself raised `error`. The connection is closed."""


class TcpConnection:
    """From connect to close; every method after close does nothing."""

    # A socket whose number is not below it is given back: the rest is for others (open_files.py).
    most_files: ClassVar[int] = sys.maxsize

    __slots__ = (
        "_address",
        "_connecting",
        "_is_heard",
        "_loop",
        "_poller",
        "_receiver",
        "_socket",
        "_source",
        "_started",
        "_unsent",
        "tcp_rtt",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, receiver: Receiver, poller: Poller | None = None) -> None:
        """`poller`: that of the loop, where it has been found before."""
        self._loop = loop
        self._poller = poller_of(loop) if poller is None else poller
        self._receiver: Receiver | None = receiver
        self._socket: socket.SocketType | None = None
        self._connecting = True
        self._address = ""
        self._source = ""
        self._started = 0.0
        self._unsent = b""
        # The peer has spoken since we did, and acknowledged with it all that we sent. Not at first: where we begin (by
        # the header of the PROXY protocol, with a handshake), its first words may have been on the way already.
        self._is_heard = False
        self.tcp_rtt: float | None = None  # seconds, of the handshake, by the kernel's own clock

    def open(self, address: str, port: int, source: str = "") -> float:
        """Begin to connect; returns time.perf_counter() right before the SYN. A failure is reported, not raised."""
        self._address, self._source = address, source
        self._started = time.perf_counter()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            sock = _new_socket(family, socket.SOCK_STREAM | _NONBLOCKING)
        except OSError as error:
            self._loop.call_soon(self._fail, error.errno)
            return self._started
        if sock.fileno() >= self.most_files:
            sock.close()
            self._loop.call_soon(self._fail, errno.EMFILE)
            return self._started
        self._socket = sock
        try:
            if not _NONBLOCKING:
                sock.setblocking(False)
            error_queue.enable(sock)
            timestamps.enable(sock)
            if source:
                sock.bind((source, 0))
            self._started = time.perf_counter()
            number = sock.connect_ex((address, port))
        except OSError as error:
            number = error.errno or errno.EIO
        if number in _PENDING:
            self._poller.watch(sock.fileno(), self._on_ready)
        else:
            self._loop.call_soon(self._fail, number)
        return self._started

    def hand_over(self, receiver: Receiver) -> None:
        """Report all further events to another receiver."""
        self._receiver = receiver

    @property
    def own_address(self) -> str:
        """This end's address; empty once closed."""
        if self._socket is None:
            return ""
        try:
            address: str = self._socket.getsockname()[0]
        except OSError:
            return ""
        return address

    def send(self, data: bytes) -> None:
        """Write `data`, now or as the peer takes it."""
        sock = self._socket
        if sock is None:
            return
        if self._unsent:
            self._unsent += data
            return
        try:
            if not self._is_heard or len(data) > _SEGMENT_BYTES:
                # Or it would wait for the acknowledgement of what is under way (RFC 896). A command that answers a
                # reply finds nothing under way: most connections need no system call for this.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._is_heard = False
            sent = sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return  # a reset: the reader sees it next, with whatever the peer said before it
        if sent < len(data):
            self._unsent = data[sent:]
            self._poller.want_to_write(sock.fileno())

    def pause(self) -> None:
        """Read nothing for a while: data waits in the kernel, with the time at which it came."""
        if self._socket is not None:
            self._poller.forget(self._socket.fileno())

    def resume(self) -> None:
        """Read again."""
        if self._socket is not None:
            self._poller.watch(self._socket.fileno(), self._on_ready)

    def ends(self) -> tuple[tuple[str, int], tuple[str, int]] | None:
        """(address, port) of this end and of the other, once connected."""
        if self._socket is None:
            return None
        try:
            own, other = self._socket.getsockname(), self._socket.getpeername()
        except OSError:
            return None
        return (own[0], own[1]), (other[0], other[1])

    def close(self) -> None:
        """Drop the connection."""
        sock, self._socket = self._socket, None
        self._receiver = None  # it refers to this connection: without the circle nothing is left to collect
        if sock is not None:
            self._poller.forget(sock.fileno())
            sock.close()

    def timed_out(self) -> ConnectEvidence:
        """End a connect that drew nothing until its deadline, and return the evidence."""
        unsent = self._socket is not None and tcp_info.unsent(self._socket)
        # A host that has only an address of the link sends from it, and the first router drops that (RFC 4291 2.5.6).
        of_link = self.own_address.startswith("fe80:") and not self._address.startswith("fe80:")
        evidence = replace(self._evidence(None), unsent=unsent, no_source=of_link)
        self.close()
        return evidence

    def _on_ready(self, ready: int, now: float) -> None:
        try:
            if self._connecting:
                if not self._connected(ready, now):
                    return
                ready &= ~WRITABLE
            if ready & WRITABLE and self._unsent:
                unsent, self._unsent = self._unsent, b""
                self.send(unsent)
            if ready & READABLE:
                self._read(ready, now)
        except Exception as error:
            self._fail_internally(error)

    def _connected(self, ready: int, now: float) -> bool:
        """Finish the connect; True: it is established."""
        sock, receiver = self._socket, self._receiver
        if sock is None or receiver is None:
            return False
        handshake = tcp_info.handshake(sock)
        # An error is an event of its own: without it, an established connection needs no second question.
        if ready & ENDED or not handshake.established:
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                self._fail(number)
                return False
        if handshake.under_way:
            # The kernel reports an ICMP error as it queues it, and ends the connect a moment later.
            seen = error_queue.read(sock)
            if seen is not None:
                self._fail(seen.errno, seen)
            return False
        self._connecting = False
        self.tcp_rtt = handshake.rtt
        if handshake.rtt is not None and handshake.whole:
            now = min(now, self._started + handshake.rtt)
        receiver.connected(now)
        return True

    def _read(self, ready: int, now: float) -> None:
        sock, receiver = self._socket, self._receiver
        if sock is None or receiver is None:
            return
        try:
            data, now = timestamps.receive(sock, READ_BYTES, now)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._poller.forget(sock.fileno())
            receiver.eof_received(now)
            return
        self._is_heard = True
        receiver.data_received(data, now)
        if (ready & ENDED or len(data) == READ_BYTES) and self._socket is not None:
            # There is more, and it is not reported again. Other sockets come first.
            self._loop.call_soon(self._read_on, ready & ~WRITABLE)

    def _read_on(self, ready: int) -> None:
        self._on_ready(ready, time.perf_counter())

    def _fail(self, number: int | None, seen: IcmpError | None = None) -> None:
        evidence = self._evidence(number, seen)
        receiver = self._receiver
        self.close()
        if receiver is None:
            return
        try:
            receiver.connect_failed(evidence)
        except Exception as error:
            receiver.internal_error(error)

    def _fail_internally(self, error: Exception) -> None:
        receiver = self._receiver
        self.close()
        if receiver is not None:
            receiver.internal_error(error)

    def _evidence(self, number: int | None, seen: IcmpError | None = None) -> ConnectEvidence:
        elapsed = time.perf_counter() - self._started
        if seen is None and self._socket is not None:
            seen = error_queue.read(self._socket)
        own = seen is not None and bool(seen.sender) and seen.sender != self._address and is_own_address(seen.sender)
        evidence = ConnectEvidence(self._address, number, seen, own, elapsed)
        if seen is None and number in _OF_SOURCE:
            return _with_source(evidence, self._source)
        return evidence


def _with_source(evidence: ConnectEvidence, source: str) -> ConnectEvidence:
    """`evidence` with the fault of the address to connect from; EADDRNOTAVAIL may be about ports, too."""
    if source and not is_own_address(source):
        return replace(evidence, lost_source=source)
    return replace(evidence, no_source=evidence.errno == errno.EADDRNOTAVAIL and not _has_source_for(evidence.address))


def _has_source_for(address: str) -> bool:
    """This host has an address to send to `address` from. A UDP socket that is connected sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, _ANY_PORT))
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL
    return True


def is_own_address(address: str) -> bool:
    """This host has `address`: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    except OSError:
        return False
    return True
