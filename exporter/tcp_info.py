"""What the kernel knows of a TCP connection (tcp(7), TCP_INFO). Linux only; elsewhere nothing is known."""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

# struct tcp_info (linux/tcp.h): u32 fields whose offsets are part of the kernel's stable interface.
_RETRANS_OFFSET: Final = 36  # segments sent again that left this host and are not acknowledged
_RTT_OFFSET: Final = 68  # microseconds
_TOTAL_RETRANS_OFFSET: Final = 100  # segments sent again, whether they left this host or not


def handshake_rtt(sock: socket.SocketType) -> float | None:
    """Seconds between the SYN and its answer as the kernel saw them; None where it does not tell."""
    microseconds = _field(sock, _RTT_OFFSET)
    return None if microseconds is None else microseconds / 1e6


def unsent(sock: socket.SocketType) -> bool:
    """Whether this host itself drops the SYNs.

    The kernel counts a SYN as sent again before it tries, and as outstanding only when its own output let it go
    (tcp_retransmit_skb). A filter in OUTPUT, a cgroup's or a queue's is the difference between the two. Nothing is
    known before the first SYN is sent again, one second after the connect.
    """
    return bool(_field(sock, _TOTAL_RETRANS_OFFSET)) and _field(sock, _RETRANS_OFFSET) == 0


def _field(sock: socket.SocketType, offset: int) -> int | None:
    """One u32; None where the system does not tell."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None or os.name != "posix":
        return None
    info = sock.getsockopt(socket.IPPROTO_TCP, option, offset + 4)
    if len(info) < offset + 4:
        return None
    number: int = struct.unpack_from("=I", info, offset)[0]
    return number
