"""Mail hosts behind one MX name, on one port of several loopback addresses, and a prober for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.concurrency.slots import ProbeSlots
from exporter.lab.smtp_host import SmtpHost
from exporter.model.address import Family
from exporter.model.configuration import Limits
from exporter.model.result import MxHost, MxLookup
from exporter.probe.prober import Prober

NAME = "mx.example"


class Names:
    """A DNS in which everybody has the addresses given."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        return MxLookup(domain, (MxHost(NAME, 10, self.addresses),), mx_records=1, duration=0.0)

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        return MxHost(name, 0, self.addresses)


@asynccontextmanager
async def running(*hosts: SmtpHost) -> AsyncIterator[int]:
    """The hosts on one port, each on an address of its own, from 127.0.0.2 on."""
    port = 0
    try:
        for number, host in enumerate(hosts):
            port = await host.start(f"127.0.0.{number + 2}", port)
        yield port
    finally:
        for host in hosts:
            await host.stop()


def prober(*addresses: str, limits: Limits | None = None) -> Prober:
    return Prober(Names(*addresses), limits or Limits(), "probe.example", ProbeSlots(100))
