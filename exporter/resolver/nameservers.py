"""Questions to the nameservers: what they share, the sockets and what is known of each nameserver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import dns.rdatatype

from exporter.resolver import wire
from exporter.resolver.edns import Address, EdnsSupport
from exporter.resolver.question import DnsQuery, DnsReply, NoReply
from exporter.resolver.udp_socket import UdpSocket

# Nameservers asked about one question; the C library takes three of them.
_MAX_SERVERS: Final = 8


class Nameservers:
    """Asks the nameservers that `nameservers()` names, each question within `timeout` seconds."""

    def __init__(self, nameservers: Callable[[], Sequence[Address]], timeout: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.timeout = timeout
        self.edns = EdnsSupport()
        self.answered: dict[Address, float] = {}  # when each nameserver answered last, by the event loop's clock
        self._nameservers = nameservers
        self._ports: dict[Address, UdpSocket] = {}

    async def ask(self, name: str, kind: dns.rdatatype.RdataType) -> DnsReply:
        """The answer.

        Raises NoReply, MalformedReply, OSError for want of a socket, and DNSException or UnicodeError for no name.
        """
        section = wire.question_section(name, kind)
        servers = tuple(self._nameservers())[:_MAX_SERVERS]
        if not servers:
            raise NoReply("no nameserver is configured")
        return await DnsQuery(self, section, servers).answer()

    def port(self, server: Address) -> UdpSocket:
        """The socket from which the next question to `server` leaves. Raises OSError."""
        port = self._ports.get(server)
        if port is None or port.worn_out:
            if port is not None:
                port.close_when_idle()
            port = self._ports[server] = UdpSocket(self.loop, server)
        return port

    def close(self) -> None:
        """Give the sockets back; what is asked meanwhile gets no answer."""
        for port in self._ports.values():
            port.close()
        self._ports.clear()
