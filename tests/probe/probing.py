"""Whole probes of hosts on loopback. The DNS is a fake that is only data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

from exporter.concurrency.slots import ProbeSlots
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import SmtpScript
from exporter.model.address import Family
from exporter.model.configuration import Limits
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostResult, MxHost, MxLookup, ProbeResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.prober import Prober

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass
class Names:
    """A DNS of maps: domains to lookups, host names to addresses."""

    domains: dict[str, MxLookup] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failures: dict[str, FailureClass] = field(default_factory=dict)
    never: frozenset[str] = frozenset()  # names about which nobody answers

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        if domain in self.never:
            await asyncio.Event().wait()
        return self.domains[domain]

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        if name in self.never:
            await asyncio.Event().wait()
        if name in self.failures:
            return MxHost(name, 0, failure=Failure(Stage.DNS, self.failures[name]))
        return MxHost(name, 0, self.hosts.get(name, ("127.0.0.1",)))


def new_prober(names: Names | None = None, limits: Limits | None = None, slots: ProbeSlots | None = None) -> Prober:
    return Prober(names or Names(), limits or Limits(), "probe.example", slots or ProbeSlots(100))


def unshared(prober: Prober) -> Prober:
    """Each probe of `prober` has sessions of its own."""
    prober._tools.sessions._share = False
    return prober


async def probe_in_slot(slots: ProbeSlots, prober: Prober, target: Target) -> ProbeResult:
    await slots.take()
    try:
        return await prober.probe(target)
    finally:
        slots.free()


@asynccontextmanager
async def smtp_hosts(*scripts: tuple[str, SmtpScript]) -> AsyncIterator[tuple[int, Sequence[SmtpHost]]]:
    """Hosts on one port of several loopback addresses."""
    running: list[SmtpHost] = []
    port = 0
    try:
        for address, script in scripts:
            host = SmtpHost(script)
            port = await host.start(address, port)
            running.append(host)
        yield port, running
    finally:
        for host in running:
            await host.stop()


def settings_of(port: int, timeout: float = 5.0) -> Settings:
    return Settings(port=port, timeout=timeout, allow_addresses=LOOPBACK)


def domain_of(name: str, settings: Settings) -> Target:
    return Target(TargetKind.DOMAIN, name, name, settings)


def mx_lookup(*hosts: MxHost, failure: Failure | None = None) -> MxLookup:
    return MxLookup("a.example", hosts, failure, mx_records=len(hosts), duration=0.001)


def only_host(result: ProbeResult) -> HostResult:
    (host,) = result.hosts
    return host
