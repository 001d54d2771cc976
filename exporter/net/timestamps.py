"""The time at which data arrived: the kernel's, not that of our reading (socket(7), SO_TIMESTAMPNS).

A busy event loop reads late. By its own clock it would measure itself: at 2,000 probes a second a greeting that came
after a millisecond would seem to have taken 35.

Linux 5.1 and later; elsewhere data counts as arrived when its event was found.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from contextlib import suppress
from functools import cache
from typing import Final

if sys.platform == "linux":
    # asm-generic/socket.h: SO_TIMESTAMPNS_NEW, 64-bit seconds and nanoseconds of CLOCK_REALTIME on every machine. The
    # socket module names neither it nor the control message of the same number.
    _SO_TIMESTAMPNS: Final = 64
    _STAMP: Final = struct.Struct("=qq")
    _CONTROL_BYTES: Final = socket.CMSG_SPACE(_STAMP.size)

    def enable(sock: socket.SocketType) -> None:
        """Have the kernel keep the time of arrival for :func:`receive`."""
        _keep_on()
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        except OSError:  # an old kernel, or one of its imitations
            return

    @cache
    def _keep_on() -> None:
        """Keep one descriptor open that wants times, as long as the process lives.

        The kernel takes times while any socket wants them, and patches itself at each change between one and none.
        """
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sock.detach()

    def receive(sock: socket.SocketType, size: int, found: float) -> tuple[bytes, float]:
        """At most `size` bytes, and the time at which the last of them came, on the clock of time.perf_counter().

        `found`: the time of their event, which counts where the kernel has none. Raises OSError as recv does.
        """
        data, control, _, _ = sock.recvmsg(size, _CONTROL_BYTES)
        if not control:
            return data, found
        seconds, nanoseconds = _STAMP.unpack(control[0][2])
        age = time.time() - seconds - nanoseconds / 1e9
        # Less than nothing: the clock was set back meanwhile.
        return data, time.perf_counter() - age if age > 0 else found

else:

    def enable(sock: socket.SocketType) -> None:
        """Do nothing: only Linux has such times."""

    def receive(sock: socket.SocketType, size: int, found: float) -> tuple[bytes, float]:
        """At most `size` bytes, and the time at which their event was found. Raises OSError as recv does."""
        return sock.recv(size), found
