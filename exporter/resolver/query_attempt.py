"""One attempt of a DNS query: a message to one nameserver over UDP or TCP, and its answer as bytes."""

from __future__ import annotations

import asyncio
import os
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from exporter.resolver import wire
from exporter.resolver.domain_names import MalformedReply
from exporter.resolver.edns import Address, EdnsSupport
from exporter.resolver.udp_socket import UdpSocket

_USUAL_PORT: Final = 53


class NoReply(Exception):  # noqa: N818 - no error of the program
    """No nameserver gave an answer in time. `nameservers`: those that were queried, as text.

    `over_tcp`: one has answered that its answer does not fit into a datagram, and did not give it over TCP.
    """

    def __init__(self, reason: str, nameservers: str = "", *, over_tcp: bool = False) -> None:
        super().__init__(reason)
        self.nameservers = nameservers
        self.over_tcp = over_tcp


class DnsReply(NamedTuple):
    """An answer of any response code, and the nameserver that gave it."""

    data: bytes
    server: Address
    over_tcp: bool = False


class QueryTransport(Protocol):
    """The parts that all queries share."""

    loop: asyncio.AbstractEventLoop
    timeout: float  # seconds, of a query
    edns: EdnsSupport
    answered: dict[Address, float]
    recursion: bool  # desired of the servers: they are resolvers

    def port(self, server: Address) -> UdpSocket:
        """The socket for the next query to `server`. Raises OSError."""


class AttemptListener(Protocol):
    """The query that an attempt belongs to."""

    section: bytes

    def on_answer(self, attempt: QueryAttempt, data: bytes) -> None:
        """Take the answer to an attempt."""

    def on_failure(self, attempt: QueryAttempt, reason: str) -> None:
        """Take the failure of an attempt."""


class QueryAttempt:
    """One message to one nameserver. While `open` there is neither an answer nor an error."""

    __slots__ = ("_query", "edns", "number", "open", "over_tcp", "port", "server")

    def __init__(self, query: AttemptListener, server: Address, *, edns: bool, over_tcp: bool = False) -> None:
        self._query = query
        self.server = server
        self.edns = edns
        self.over_tcp = over_tcp
        self.open = True
        self.port: UdpSocket | None = None
        self.number = 0  # of the message on its socket

    @property
    def section(self) -> bytes:
        """The question section."""
        return self._query.section

    def is_like(self, server: Address, *, edns: bool, over_tcp: bool) -> bool:
        """True for an attempt at this nameserver by these means."""
        return (self.server, self.edns, self.over_tcp) == (server, edns, over_tcp)

    def on_answer(self, data: bytes) -> None:
        """Close the attempt with its answer."""
        self.open = False
        self._query.on_answer(self, data)

    def on_error(self, error: OSError) -> None:
        """Close the attempt with the error of its socket."""
        self.open = False
        self._query.on_failure(self, error.strerror or "no answer")


async def ask_over_tcp(server: Address, section: bytes, *, edns: bool, recursion: bool = True) -> bytes:
    """The answer over TCP, where it does not fit into a datagram (RFC 7766)."""
    query = os.urandom(2) + wire.query(section, edns=edns, recursion=recursion)[2:]
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.transport.abort()
    if data[:2] != query[:2] or not wire.answers(data, section):
        raise MalformedReply("over TCP came the answer to another question")
    return data


@lru_cache(maxsize=100)
def server_text(server: Address) -> str:
    """The address, with the port where it is not the usual one; one text for all its answers."""
    address, port = server
    if port == _USUAL_PORT:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
