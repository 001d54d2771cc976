"""Where to listen: addresses as Prometheus programs take them -> sockets that listen, or why there are none."""

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
# What binding an IPv6 address says where IPv6 is compiled out or switched off.
_NO_SUCH_FAMILY: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class ListenError(ValueError):
    """An address to listen on is wrong or taken; the message says which and why."""


def listen(addresses: Sequence[str]) -> list[socket.socket]:
    """Sockets that listen on `addresses`: ":10225" (IPv4 and IPv6), "127.0.0.1:0", "[::1]:9000", "localhost:9000".

    All or none. Raises ListenError.
    """
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(sock) for address in addresses for sock in _listen(address)]
        opened.pop_all()
    return sockets


def _listen(address: str) -> list[socket.socket]:
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > _MAX_PORT:
        raise ListenError(f'cannot listen on "{address}": expected HOST:PORT, [IPv6]:PORT or :PORT')
    host, port = found["ipv6"] or found["host"] or "", int(found["port"])
    try:
        if not host:
            return [_anywhere(port)]
        return _by_name(host, port)
    except UnicodeError:  # the IDNA codec's, for a name no resolver is asked for
        raise ListenError(f'cannot listen on "{address}": not a host name') from None
    except OSError as error:
        raise ListenError(f'cannot listen on "{address}": {_reason(error)}') from None


def _anywhere(port: int) -> socket.socket:
    """Both families on one socket where the host has both."""
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
    """Every address of the name. With port 0 they share the one that the first is given."""
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
                missing = error  # localhost is ::1 too by name, where IPv6 is switched off
                continue
            sockets.append(opened.enter_context(sock))
            port = port or int(sock.getsockname()[1])
        if missing is not None and not sockets:
            raise missing
        opened.pop_all()
    return sockets


def _reason(error: OSError) -> str:
    """In the system's words; `create_server` adds its own, and a resolver's numbers are not the system's."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)
