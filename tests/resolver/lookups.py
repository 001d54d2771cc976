"""Lookups and probes against a nameserver of tables, for the tests of the resolver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exporter.config.values import parse_network
from exporter.lab.dns_host import DnsHost, Fault
from exporter.model.address import Family
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import Failure
from exporter.model.result import DomainResult, MxLookup
from exporter.model.target import Settings, Target, TargetKind
from exporter.resolver.client import Resolver
from tests.probe.whole import WholeProbes

BOTH = (Family.IPV4, Family.IPV6)
MAX_WORDS = 25
Records = Mapping[tuple[str, str], Sequence[str]]
Faults = Mapping[str | tuple[str, str], Fault]


class LoopbackDns:
    """A resolver that asks a name server of its own; `ttl` 0: nothing is remembered."""

    def __init__(self, records: Records, faults: Faults | None = None, address: str = "127.0.0.1") -> None:
        self.host = DnsHost(records, faults)
        self._address = address

    async def __aenter__(self) -> Resolver:
        server = await self.host.start(self._address)
        self._resolver = Resolver(ResolverSettings(nameservers=(server,), timeout=2.0))
        return self._resolver

    async def __aexit__(self, *_: object) -> None:
        self._resolver.close()
        await self.host.stop()


async def look_up(records: Records, domain: str = "example.com", faults: Faults | None = None) -> MxLookup:
    async with LoopbackDns(records, faults) as resolver:
        return await resolver.lookup_mx(domain, BOTH)


async def probe_domain(
    records: Records,
    domain: str = "example.com",
    faults: Faults | None = None,
    *,
    address: str = "127.0.0.1",
    allowed: tuple[str, ...] = (),
) -> DomainResult:
    settings = Settings(timeout=1.0, port=1, allow_addresses=tuple(map(parse_network, allowed)))
    async with LoopbackDns(records, faults, address) as resolver, WholeProbes(resolver) as probes:
        return await probes.probe(Target(TargetKind.DOMAIN, domain, domain, settings))


def failure_of(found: MxLookup | DomainResult) -> Failure:
    assert found.failure is not None
    failure = found.failure
    assert len(failure.detail.split()) <= MAX_WORDS, failure.detail
    return failure
