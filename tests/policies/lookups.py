"""A DNS of maps and a real policy host, for the tests of policy lookups."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

from exporter.lab.certificates import Authority
from exporter.lab.host import listening
from exporter.lab.https_host import HttpsHost, http
from exporter.model.address import Family
from exporter.model.failure import Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.model.policy import MtaStsMode, TlsaLookup, TlsaStatus
from exporter.model.policy import MtaStsProblem as P
from exporter.model.result import MxHost
from exporter.model.target import Module, PolicyKind, Settings, Target, TargetKind
from exporter.policies.domain_policies import DomainPolicies, FoundPolicies
from exporter.policies.mtasts.cache import PolicyCache
from exporter.resolver.answer import DnsAnswer

DOMAIN = "a.example"
AUTHORITY = Authority()
SERVER = AUTHORITY.server_context(f"mta-sts.{DOMAIN}")
NXDOMAIN = DnsAnswer(failure=Failure(Stage.DNS, C.DNS_NXDOMAIN, "NXDOMAIN"))
ALL = (PolicyKind.DANE, PolicyKind.MTA_STS, PolicyKind.TLS_RPT)


def policy_answer(mode: str = "enforce", mx: str = "mx.a.example", max_age: int = 86400) -> bytes:
    return http(f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n".encode())


@dataclass
class Names:
    """A DNS of maps; what is not in them does not exist. `silent` names are never answered."""

    texts: dict[str, DnsAnswer] = field(default_factory=dict)
    addresses: tuple[str, ...] = ("127.0.0.1",)
    failure: Failure | None = None
    silent: set[str] = field(default_factory=set)
    tlsa: list[tuple[str, int]] = field(default_factory=list)

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        return MxHost(name, 0, () if self.failure else self.addresses, self.failure)

    async def lookup_txt(self, name: str) -> DnsAnswer:
        if name in self.silent:
            await asyncio.Event().wait()
        return self.texts.get(name, NXDOMAIN)

    async def lookup_tlsa(self, host: str, port: int, families: tuple[Family, ...]) -> TlsaLookup:
        self.tlsa.append((host, port))
        if host in self.silent:
            await asyncio.Event().wait()
        return TlsaLookup(TlsaStatus.ABSENT)


def sts_record(text: bytes = b"v=STSv1; id=1;") -> dict[str, DnsAnswer]:
    return {f"_mta-sts.{DOMAIN}": DnsAnswer((text,))}


def target_of(
    *policies: PolicyKind,
    timeout: float = 10.0,
    allowed: str = "127.0.0.0/8",
    families: tuple[Family, ...] = tuple(Family),
) -> Target:
    settings = Settings(
        families=families,
        timeout=timeout,
        module=Module(policies=policies or ALL),
        allow_addresses=(ip_network(allowed),),
    )
    return Target(TargetKind.DOMAIN, DOMAIN, DOMAIN, settings)


@asynccontextmanager
async def world(names: Names, host: HttpsHost, server: ssl.SSLContext = SERVER) -> AsyncIterator[DomainPolicies]:
    memory = PolicyCache()
    host.context = server
    async with listening(host):
        yield DomainPolicies(names, memory, host.port)
        await memory.close()


async def found_policies(names: Names, host: HttpsHost | None = None, target: Target | None = None) -> FoundPolicies:
    async with world(names, host or HttpsHost([policy_answer()])) as policies:
        return await policies.find(target or target_of())


def mode_of(found: FoundPolicies) -> MtaStsMode | None:
    return found.mta_sts.mode if found.mta_sts is not None else None


def problem_of(found: FoundPolicies) -> P | None:
    return found.mta_sts.problem if found.mta_sts is not None else None
