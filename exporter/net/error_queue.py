"""The socket's error queue: the ICMP error that ended a connect, and its sender (ip(7), IP_RECVERR; ipv6(7)).

Linux only; elsewhere :func:`enable` does nothing and :func:`read` finds nothing.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import Final

from exporter.model.evidence import ErrorOrigin, IcmpError

# linux/in.h, linux/in6.h, linux/errqueue.h; the socket module does not name them.
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_MSG_ERRQUEUE: Final = 0x2000
_EXTENDED_ERR: Final = struct.Struct("=IBBBBII")  # ee_errno, origin, type, code, pad, info, data
_CONTROL_BYTES: Final = 512  # one extended error with its sockaddr takes under 100

_LINUX: Final = sys.platform == "linux"


def enable(sock: socket.SocketType) -> None:
    """Have the kernel keep ICMP errors for :func:`read`. With it, they also end a TCP connect at once."""
    if _LINUX:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def read(sock: socket.SocketType) -> IcmpError | None:
    """The oldest error of the queue, taken out of it; None where there is none."""
    if not _LINUX:
        return None
    try:
        _, control, _, _ = sock.recvmsg(0, _CONTROL_BYTES, _MSG_ERRQUEUE)
    except OSError:
        return None
    for level, kind, data in control:
        if (level, kind) in ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
            return parse(data)
    return None


def parse(data: bytes) -> IcmpError | None:
    """struct sock_extended_err and the offender's sockaddr behind it; None for anything shorter."""
    if len(data) < _EXTENDED_ERR.size:
        return None
    number, origin, type_, code, _, _, _ = _EXTENDED_ERR.unpack_from(data)
    try:
        known = ErrorOrigin(origin)
    except ValueError:
        known = ErrorOrigin.NONE
    return IcmpError(known, type_, code, number, _address(data[_EXTENDED_ERR.size :]))


def _address(sockaddr: bytes) -> str:
    """struct sockaddr_in or sockaddr_in6; "" for AF_UNSPEC or anything else."""
    if len(sockaddr) < 2:
        return ""
    family = struct.unpack_from("=H", sockaddr)[0]
    if family == socket.AF_INET and len(sockaddr) >= 8:
        return socket.inet_ntop(socket.AF_INET, sockaddr[4:8])
    if family == socket.AF_INET6 and len(sockaddr) >= 24:
        return socket.inet_ntop(socket.AF_INET6, sockaddr[8:24])
    return ""
