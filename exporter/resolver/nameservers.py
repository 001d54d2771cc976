"""The configured nameservers, with the sockets to them and the knowledge about them that all queries share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import dns.rdatatype

from exporter.resolver import wire
from exporter.resolver.edns import Address, EdnsSupport
from exporter.resolver.query import DnsQuery
from exporter.resolver.query_attempt import DnsReply, NoReply
from exporter.resolver.udp_socket import UdpSocket

# Nameservers of one query; the C library takes three of them.
_MAX_SERVERS: Final = 8


class Nameservers:
    """Sends queries to the nameservers that `nameservers()` gives, each with a timeout of `timeout` seconds."""

    def __init__(self, nameservers: Callable[[], Sequence[Address]], timeout: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.timeout = timeout
        self.recursion = True
        self.edns = EdnsSupport()
        self.answered: dict[
            Address, float
        ] = {}  # time of the last answer of each nameserver, by the event loop's clock
        self._nameservers = nameservers
        self._ports: dict[Address, UdpSocket] = {}

    async def ask(self, name: str, kind: dns.rdatatype.RdataType) -> DnsReply:
        """The answer to a query.

        Raises NoReply, MalformedReply, OSError without a socket, and DNSException or UnicodeError for an invalid name.
        """
        section = wire.question_section(name, kind)
        servers = tuple(self._nameservers())[:_MAX_SERVERS]
        if not servers:
            raise NoReply("no nameserver is configured")
        return await DnsQuery(self, section, servers).answer()

    def port(self, server: Address) -> UdpSocket:
        """The socket for the next query to `server`. Raises OSError."""
        port = self._ports.get(server)
        if port is None or port.worn_out:
            if port is not None:
                port.close_when_idle()
            port = self._ports[server] = UdpSocket(self.loop, server)
        return port

    def close(self) -> None:
        """Close the sockets; queries in flight get no answer."""
        for port in self._ports.values():
            port.close()
        self._ports.clear()
