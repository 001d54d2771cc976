"""Accepting connections, even while the process has no file descriptor left.

asyncio's own listener then tries again thousands of times at once and logs each attempt. Here the listener waits a
moment, disconnects the client that has waited longest, and logs one line a minute. Some descriptors are always left for
the exporter's own files.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Final

from exporter.web.server.log_limit import LogLimit

log = logging.getLogger(__name__)

# Connections accepted in one step of the event loop.
_AT_ONCE: Final = 32
_AGAIN_SECONDS: Final = 0.25
_NONE_WAITING: Final = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR})
# accept(2): pending network errors of the new connection are reported as errors of accept, and concern only it.
_OF_THE_CLIENT: Final = frozenset(
    {
        errno.ECONNABORTED, errno.EPERM, errno.EPROTO, errno.ENOPROTOOPT, errno.ENETDOWN, errno.EHOSTDOWN,
        errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EOPNOTSUPP, errno.ETIMEDOUT,
    }
)  # fmt: skip


class Listener:
    """Accepts on one socket until closed. Has the methods of asyncio.Server for its end."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        *,
        make_room: Callable[[], None],
        most_files: int,
        shortage: LogLimit,
    ) -> None:
        """Connections with a descriptor of `most_files` or more are closed: those are for the exporter's own files."""
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._protocol = protocol
        self._make_room = make_room
        self._most_files = most_files
        self._shortage = shortage
        self._beginning: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None
        sock.setblocking(False)
        self._loop.add_reader(sock, self._accept)

    def close(self) -> None:
        """Accept no more; accepted connections stay open."""
        if self._again is not None:
            self._again.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)

    async def wait_closed(self) -> None:
        """Return at once: closing needs no wait."""

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, _address = self._socket.accept()
            except OSError as error:
                if error.errno in _NONE_WAITING:
                    return
                if error.errno in _OF_THE_CLIENT:
                    continue
                self._short(error)
                return
            if accepted.fileno() >= self._most_files:
                accepted.close()
                self._short(OSError(errno.EMFILE, "the rest is for the exporter's own files"))
                return
            accepted.setblocking(False)
            task = self._loop.create_task(self._begin(accepted))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _begin(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, accepted)
        except OSError:  # closed already
            accepted.close()

    def _short(self, error: OSError) -> None:
        """Report that no descriptor is left, and accept again a moment later."""
        self._shortage.report(logging.WARNING, problem=error.strerror or str(error))
        self._make_room()
        self._loop.remove_reader(self._socket)
        self._again = self._loop.call_later(_AGAIN_SECONDS, self._resume)

    def _resume(self) -> None:
        self._again = None
        self._loop.add_reader(self._socket, self._accept)
