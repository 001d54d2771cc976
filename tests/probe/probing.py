"""Hosts on loopback, and a DNS that is only data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import SmtpScript
from exporter.model.address import Family
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import MxHost, MxLookup
from exporter.model.target import Module, Settings, Target, TargetKind

PLAIN = Module()
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass
class Names:
    """A DNS of maps: domains to lookups, host names to addresses."""

    domains: dict[str, MxLookup] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failures: Mapping[str, FailureClass] = field(default_factory=dict)
    never: frozenset[str] = frozenset()  # names about which nobody answers
    asked: list[str] = field(default_factory=list)  # host names, in order

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        if domain in self.never:
            await asyncio.Event().wait()
        return self.domains[domain]

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        self.asked.append(name)
        if name in self.never:
            await asyncio.Event().wait()
        if name in self.failures:
            return MxHost(name, 0, failure=Failure(Stage.DNS, self.failures[name]))
        return MxHost(name, 0, self.hosts.get(name, ("127.0.0.1",)))


@asynccontextmanager
async def smtp_hosts(*scripts: tuple[str, SmtpScript]) -> AsyncIterator[tuple[int, Sequence[SmtpHost]]]:
    """Hosts on one port of several loopback addresses."""
    async with running(*((address, SmtpHost(script)) for address, script in scripts)) as (port, hosts):
        yield port, hosts


@asynccontextmanager
async def running(*hosts: tuple[str, SmtpHost]) -> AsyncIterator[tuple[int, Sequence[SmtpHost]]]:
    """The hosts on one port, each on its address."""
    begun: list[SmtpHost] = []
    port = 0
    try:
        for address, host in hosts:
            port = await host.start(address, port)
            begun.append(host)
        yield port, begun
    finally:
        for host in begun:
            await host.stop()


def settings_of(port: int, timeout: float = 5.0, module: Module = PLAIN) -> Settings:
    return Settings(port=port, timeout=timeout, module=module, allow_addresses=LOOPBACK)


def domain_of(name: str, settings: Settings) -> Target:
    return Target(TargetKind.DOMAIN, name, name, settings)


def mx_lookup(*hosts: MxHost, failure: Failure | None = None) -> MxLookup:
    return MxLookup("a.example", hosts, failure, mx_records=len(hosts), duration=0.001)
