"""A session up to now, as another receiver of its connection began it: all that an ordinary one needs to go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from exporter.net.connection import TcpConnection
from exporter.net.helo_name import address_literal

_UNKNOWN_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - of a connection that is gone already


class Begun(NamedTuple):
    """Times are those of time.perf_counter()."""

    connection: TcpConnection
    at: float  # Unix time
    started: float
    connected: float | None
    heard: Iterable[tuple[bytes, float]]  # the pieces as they came, each with its time
    said: Iterable[tuple[bytes, float]]
    literal: bytes = b""  # our address as it was said: a connection that is closed has none


def own_literal(connection: TcpConnection) -> bytes:
    """The literal of this end's address (RFC 5321 4.1.3), for EHLO."""
    return address_literal(connection.own_address or _UNKNOWN_ADDRESS).encode("ascii")
