"""Reports to systemd: datagrams to $NOTIFY_SOCKET (sd_notify(3)). Without systemd nothing is sent."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
_WATCHDOG: Final = "WATCHDOG=1"
_ALWAYS: Final = 1e9  # seconds


def notify(*states: str) -> None:
    """Send `states`. A supervisor that does not receive them is no reason to fail: it notices by itself."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):  # unset; or vsock, of a virtual machine's init
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.connect(f"\0{address[1:]}" if address[0] == "@" else address)
            sock.send("\n".join(states).encode())
    except OSError:
        pass


def notify_reloading() -> None:
    """Report that a reload begins; READY ends it."""
    # sd_notify(3): the time tells this READY from an earlier one.
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog_seconds() -> float | None:
    """Seconds within which systemd expects a sign of life (sd_watchdog_enabled(3)); None: it expects none."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # meant for the process that started us
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if 0 < microseconds < _ALWAYS * 1e6 else None


async def feed_watchdog(trouble: Callable[[], str] = lambda: "") -> None:
    """Report that this event loop runs, twice in the time that systemd waits for it; without end.

    Nothing is sent while there is `trouble`, a sentence: then systemd starts the process anew.
    """
    seconds = watchdog_seconds()
    while seconds is not None:
        if not trouble():
            notify(_WATCHDOG)
        await asyncio.sleep(seconds / 2)
