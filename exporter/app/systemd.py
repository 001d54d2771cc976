"""What systemd is told about us: datagrams to $NOTIFY_SOCKET (sd_notify(3)). Without systemd nothing is said."""

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
    """Tell `states`. That nobody hears it is no reason to fail: the supervisor notices by itself."""
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
    """A reload begins; READY ends it."""
    # sd_notify(3): the time is what tells this READY from an earlier one.
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog_seconds() -> float | None:
    """Within how many seconds systemd wants to hear from us (sd_watchdog_enabled(3)); None: it does not."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # meant for the process that started us
    try:
        microseconds = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if 0 < microseconds < _ALWAYS * 1e6 else None


async def feed_watchdog(trouble: Callable[[], str] = lambda: "") -> None:
    """Say that this event loop turns, twice in the time that systemd waits for it; without end.

    Not while there is `trouble`, a sentence: then systemd starts the process anew.
    """
    seconds = watchdog_seconds()
    while seconds is not None:
        if not trouble():
            notify(_WATCHDOG)
        await asyncio.sleep(seconds / 2)
