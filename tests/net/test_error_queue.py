"""The error queue: its bytes as the kernel writes them, and the queue itself on loopback."""

from __future__ import annotations

import errno
import select
import socket
import struct
import sys

import pytest

from exporter.model.evidence import ErrorOrigin, IcmpError
from exporter.net import error_queue

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the error queue is a feature of Linux")

LOOPBACKS = pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("127.0.0.1", IcmpError(ErrorOrigin.ICMP, 3, 3, errno.ECONNREFUSED, "127.0.0.1"), id="ipv4"),
        pytest.param("::1", IcmpError(ErrorOrigin.ICMP6, 1, 4, errno.ECONNREFUSED, "::1"), id="ipv6"),
    ],
)


def extended_error(number: int, origin: int, kind: int, code: int) -> bytes:
    """struct sock_extended_err of linux/errqueue.h."""
    return struct.pack("=IBBBBII", number, origin, kind, code, 0, 0, 0)


def sockaddr_in(address: str) -> bytes:
    return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))


def sockaddr_in6(address: str) -> bytes:
    return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, address), 0)


PROHIBITED = extended_error(errno.EHOSTUNREACH, 2, 3, 13)
PROHIBITED6 = extended_error(errno.EACCES, 3, 1, 1)


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def test_an_ipv4_offender_is_the_sender() -> None:
    found = error_queue.parse(PROHIBITED + sockaddr_in("46.30.1.1"))
    assert found == IcmpError(ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, "46.30.1.1")


def test_an_ipv6_offender_is_the_sender() -> None:
    found = error_queue.parse(PROHIBITED6 + sockaddr_in6("2a0a:1e00::1"))
    assert found == IcmpError(ErrorOrigin.ICMP6, 1, 1, errno.EACCES, "2a0a:1e00::1")


@pytest.mark.parametrize("length", range(16))
def test_less_than_the_error_itself_is_nothing(length: int) -> None:
    assert error_queue.parse(PROHIBITED[:length]) is None


@pytest.mark.parametrize("length", range(8))
def test_a_cut_ipv4_offender_is_unknown(length: int) -> None:
    found = error_queue.parse(PROHIBITED + sockaddr_in("46.30.1.1")[:length])
    assert found == IcmpError(ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, "")


@pytest.mark.parametrize("length", range(24))
def test_a_cut_ipv6_offender_is_unknown(length: int) -> None:
    found = error_queue.parse(PROHIBITED6 + sockaddr_in6("2a0a:1e00::1")[:length])
    assert found == IcmpError(ErrorOrigin.ICMP6, 1, 1, errno.EACCES, "")


@pytest.mark.parametrize("offender", [bytes(16), bytes(28), b"\xff" * 28], ids=["unspecified", "longer", "unknown"])
def test_an_offender_of_no_internet_family_is_unknown(offender: bytes) -> None:
    found = error_queue.parse(PROHIBITED + offender)
    assert found is not None
    assert found.sender == ""


@pytest.mark.parametrize(
    ("number", "origin"),
    [
        (0, ErrorOrigin.NONE),
        (1, ErrorOrigin.LOCAL),
        (2, ErrorOrigin.ICMP),
        (3, ErrorOrigin.ICMP6),
        (4, ErrorOrigin.NONE),
        (255, ErrorOrigin.NONE),
    ],
)
def test_an_unknown_origin_is_none(number: int, origin: ErrorOrigin) -> None:
    found = error_queue.parse(extended_error(errno.EIO, number, 0, 0))
    assert found == IcmpError(origin, 0, 0, errno.EIO, "")


@linux_only
@LOOPBACKS
def test_an_icmp_error_is_read_once(address: str, expected: IcmpError) -> None:
    with socket.socket(family(address), socket.SOCK_DGRAM) as sock:
        _provoke_port_unreachable(sock, address)
        assert error_queue.read(sock) == expected
        assert error_queue.read(sock) is None


@linux_only
@LOOPBACKS
def test_a_reset_leaves_the_queue_empty(address: str, expected: IcmpError) -> None:
    """So that a RST is told from a "port unreachable" with the same errno."""
    with socket.socket(family(address)) as holder, socket.socket(family(address)) as sock:
        holder.bind((address, 0))  # and does not listen
        error_queue.enable(sock)
        assert sock.connect_ex((address, holder.getsockname()[1])) == expected.errno
        assert error_queue.read(sock) is None


def test_a_fresh_socket_has_an_empty_queue() -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        error_queue.enable(sock)
        assert error_queue.read(sock) is None


def _provoke_port_unreachable(sock: socket.socket, address: str) -> None:
    """Send a datagram to a port whose owner is gone, and wait for the kernel's answer."""
    with socket.socket(sock.family, socket.SOCK_DGRAM) as gone:
        gone.bind((address, 0))
        port = gone.getsockname()[1]
    error_queue.enable(sock)
    sock.connect((address, port))
    sock.send(b"?")
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    assert poll.poll(10_000), "the kernel sent no ICMP error"
