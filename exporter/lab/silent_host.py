"""A host whose port swallows every SYN, without root and without a packet filter.

A listening socket whose queue of accepted-to-be connections is full drops further SYNs silently (Linux: the sysctl
tcp_abort_on_overflow is 0). So it listens with the smallest queue, fills it with connections of its own, never accepts.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from exporter.lab.host import LOOPBACK, require_loopback

# Linux lets one connection more than the backlog wait. A backlog of 0 would make the kernel suspect a SYN flood.
_BACKLOG: Final = 1
# Generous: the queue is full after two. More would mean that this system does not drop SYNs.
_MAX_FILLERS: Final = 16
# On loopback a handshake that succeeds does so before connect returns; this only bounds the one that is swallowed.
_HANDSHAKE: Final = 0.1  # seconds


class SilentHost:
    """Accepts no SYN and refuses none.

    `beyond_loopback` lets it listen on any address: for a network namespace of one's own, from which nothing leaves.
    """

    def __init__(self, *, beyond_loopback: bool = False) -> None:
        self._beyond_loopback = beyond_loopback
        self._sockets: list[socket.socket] = []

    async def start(self, address: str = LOOPBACK, port: int = 0) -> int:
        """Swallow SYNs, on one port more with each call; returns it. OSError where the system can't do it."""
        if not self._beyond_loopback:
            require_loopback(address)
        try:
            return await self._start(address, port)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Refuse again."""
        while self._sockets:
            self._sockets.pop().close()

    async def _start(self, address: str, port: int) -> int:
        listener = self._socket(address)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        bound: int = listener.getsockname()[1]
        for _ in range(_MAX_FILLERS):
            filler = self._socket(address)
            try:
                async with asyncio.timeout(_HANDSHAKE):
                    await asyncio.get_running_loop().sock_connect(filler, (address, bound))
            except TimeoutError:
                return bound
        raise OSError(f"{address}:{bound} still accepts connections that no process takes: a silent host needs Linux")

    def _socket(self, address: str) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        self._sockets.append(sock)
        return sock
