"""Listening sockets, made from addresses in the form of Prometheus programs."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
from collections.abc import Sequence
from typing import Final

_ADDRESS: Final = re.compile(r"(?:\[(?P<ipv6>[^\[\]]*:[^\[\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})")
_MAX_PORT: Final = 65535
_BACKLOG: Final = 512
# The errors of binding an IPv6 address where IPv6 is compiled out or switched off.
_NO_SUCH_FAMILY: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class ListenError(ValueError):
    """An address to listen on is invalid or in use; the message names the address and the reason.

    `heals`: another try may succeed, for the address, the name or the port may be there then.
    """

    def __init__(self, address: str, why: str, *, heals: bool = False) -> None:
        super().__init__(f'cannot listen on "{address}": {why}')
        self.heals = heals


def listen(addresses: Sequence[str]) -> list[socket.socket]:
    """Listening sockets for `addresses`: ":10225" (IPv4 and IPv6), "127.0.0.1:0", "[::1]:9000", "localhost:9000".

    Raises ListenError if one of them cannot be used; then none stays open.
    """
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(sock) for address in addresses for sock in _listen(address)]
        opened.pop_all()
    return sockets


def _listen(address: str) -> list[socket.socket]:
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > _MAX_PORT:
        raise ListenError(address, "expected HOST:PORT, [IPv6]:PORT or :PORT")
    host, port = found["ipv6"] or found["host"] or "", int(found["port"])
    try:
        if not host:
            return [_anywhere(port)]
        return _by_name(host, port)
    except UnicodeError:  # from the IDNA codec, before any resolver is used
        raise ListenError(address, "not a host name") from None
    except OSError as error:
        # To listen on a low port is a permission that somebody has to give.
        raise ListenError(address, _reason(error), heals=not isinstance(error, PermissionError)) from None


def _anywhere(port: int) -> socket.socket:
    """A socket for all addresses of this host, for both families where the host has both."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG, reuse_port=False
            )
        except OSError as error:
            if error.errno not in _NO_SUCH_FAMILY:
                raise
    return socket.create_server(("", port), backlog=_BACKLOG)


def _by_name(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the name. With port 0 all use the port that the first one gets."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    missing: OSError | None = None
    with contextlib.ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                sock = socket.create_server((str(address[0]), port), family=family, backlog=_BACKLOG)
            except OSError as error:
                if error.errno not in _NO_SUCH_FAMILY:
                    raise
                missing = error  # localhost resolves to ::1 even where IPv6 is switched off
                continue
            sockets.append(opened.enter_context(sock))
            port = port or int(sock.getsockname()[1])
        if missing is not None and not sockets:
            raise missing
        opened.pop_all()
    return sockets


def _reason(error: OSError) -> str:
    """The system's text for an error: `create_server` adds its own words, and a resolver has its own numbers."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)
