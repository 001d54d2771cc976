"""The facts that the kernel has of a TCP connection (tcp(7), TCP_INFO). Linux only; elsewhere none are known."""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import Final, NamedTuple

# struct tcp_info (linux/tcp.h): u32 fields whose offsets are part of the kernel's stable interface.
_RETRANS_OFFSET: Final = 36  # segments sent again that left this host and are not acknowledged
_RTT_OFFSET: Final = 68  # microseconds
_TOTAL_RETRANS_OFFSET: Final = 100  # segments sent again, whether they left this host or not
_HANDSHAKE: Final = struct.Struct(f"=B{_RTT_OFFSET - 1}xI{_TOTAL_RETRANS_OFFSET - _RTT_OFFSET - 4}xI")
_OPTION: Final[int | None] = getattr(socket, "TCP_INFO", None) if os.name == "posix" else None
_ESTABLISHED: Final = 1  # linux/tcp_states.h
_UNDER_WAY: Final = frozenset({2, 3})  # TCP_SYN_SENT, TCP_SYN_RECV


class TcpHandshake(NamedTuple):
    """The state of a connect that had an event, before anything is sent over it."""

    under_way: bool = False
    rtt: float | None = None  # seconds between a SYN and its answer as the kernel saw them; None: not known
    whole: bool = False  # they are the whole handshake's: the first SYN was answered
    established: bool = False  # known to be complete, and neither side has closed


def handshake(sock: socket.SocketType) -> TcpHandshake:
    """The state of a connect. Where the system does not report it, the connect is taken for done."""
    info = _info(sock, _HANDSHAKE.size)
    if info is None:
        return TcpHandshake()
    state, microseconds, again = _HANDSHAKE.unpack(info)
    if state in _UNDER_WAY:
        return TcpHandshake(under_way=True)
    return TcpHandshake(False, microseconds / 1e6, microseconds > 0 and again == 0, state == _ESTABLISHED)


def unsent(sock: socket.SocketType) -> bool:
    """This host itself drops the SYNs.

    The kernel counts a SYN as sent again before it tries, and as outstanding only when its own output let it go
    (tcp_retransmit_skb). A filter in OUTPUT, a cgroup's or a queue's is the difference between the two. Nothing is
    known before the first SYN is sent again, one second after the connect.
    """
    return bool(_field(sock, _TOTAL_RETRANS_OFFSET)) and _field(sock, _RETRANS_OFFSET) == 0


def _field(sock: socket.SocketType, offset: int) -> int | None:
    """One u32; None where the system does not report it."""
    info = _info(sock, offset + 4)
    return None if info is None else int.from_bytes(info[offset:], sys.byteorder)


def _info(sock: socket.SocketType, size: int) -> bytes | None:
    if _OPTION is None:
        return None
    info = sock.getsockopt(socket.IPPROTO_TCP, _OPTION, size)
    return info if len(info) == size else None
