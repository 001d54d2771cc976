"""A running engine over a real resolver and real hosts on loopback, and an owner that notes what it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from exporter.app.engine import Engine
from exporter.app.engine_parts import EngineSettings
from exporter.commands.one_shot import NoOwner
from exporter.egress.settings import WatchSettings
from exporter.lab.dns_host import DnsHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import SmtpScript, ordinary
from exporter.model.configuration import Egress, Limits, ResolverSettings
from exporter.model.result import DomainResult, HostIdentity, HostResult, Said
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host
from tests.probe.probing import LOOPBACK
from tests.support.steps import at_once

PLAIN = Module("default")
OTHER = Module("other")
MX, ADDRESS = "mx.well.example", "127.61.0.1"
RECORDS = {(MX, "A"): (ADDRESS,), ("a.example", "MX"): (f"10 {MX}.",), ("b.example", "MX"): (f"10 {MX}.",)}


@dataclass
class Owner(NoOwner):
    """Notes what an engine tells."""

    domains: list[tuple[str, bool, bool]] = field(default_factory=list)  # name, up, of a turn
    hosts: list[tuple[HostIdentity, bool, bool]] = field(default_factory=list)  # up, of a session; configured alone
    gone: list[HostIdentity] = field(default_factory=list)
    leaders: list[tuple[HostResult, bool]] = field(default_factory=list)  # of sessions, scheduled
    started: int = 0
    sessions: int = 0
    errors: int = 0

    def turn_started(self, lag: float) -> None:
        assert lag >= 0
        self.started += 1

    def internal_error(self) -> None:
        self.errors += 1

    def session_begun(self) -> None:
        self.sessions += 1

    def session_made(self, conversation: Conversation, leader: HostResult, said: Said) -> None:
        self.leaders.append((leader, conversation.is_scheduled))

    def host_told(self, host: Host, *, session: bool) -> None:
        assert host.result is not None
        if host.sharing.is_configured:
            self.hosts.append((host.identity, host.result.up, session))

    def host_gone(self, host: Host) -> None:
        self.gone.append(host.identity)

    def domain_told(self, target: Target, result: DomainResult, *, turn: bool) -> None:
        self.domains.append((target.name, result.up, turn))


class Running:
    """An engine, its surroundings, and the short ways of a test to them."""

    def __init__(self, engine: Engine, settings: EngineSettings, owner: Owner, host: SmtpHost, dns: DnsHost) -> None:
        self.engine = engine
        self.settings = settings
        self.owner = owner
        self.host = host
        self.dns = dns
        self.port = 0

    def domain(self, name: str = "a.example", **settings: object) -> Target:
        """A domain whose hosts are on loopback, asked about once an hour."""
        usual = Settings(module=PLAIN, port=self.port, interval=3600.0, timeout=5.0, allow_addresses=LOOPBACK)
        return Target(TargetKind.DOMAIN, name, name, replace(usual, **settings))  # type: ignore[arg-type]

    def adopt(self, *targets: Target) -> None:
        """Have these targets alone."""
        at_once(self.engine.adopting(targets))

    def reconfigure(self, **settings: object) -> None:
        """Follow other settings."""
        self.settings = replace(self.settings, **settings)  # type: ignore[arg-type]
        self.engine.configure(self.settings)

    def hosts(self) -> Iterable[Host]:
        """All hosts."""
        return self.engine.table.hosts.values()


@asynccontextmanager
async def running(
    script: SmtpScript | None = None,
    *,
    limits: Limits | None = None,
    records: Mapping[tuple[str, str], tuple[str, ...]] = RECORDS,
) -> AsyncIterator[Running]:
    """An engine, its host with this script, and its resolver with these records."""
    host, dns, owner = SmtpHost(script or ordinary(MX)), DnsHost(records), Owner()
    port = await host.start(ADDRESS)
    modules = {module.name: module for module in (PLAIN, OTHER)}
    settings = EngineSettings(
        ResolverSettings((await dns.start(),), timeout=5.0),
        limits or Limits(),
        WatchSettings(Egress(witness_ports=(), trace=False), 60.0, 35.0, "probe.example"),
        "probe.example",
        modules,
    )
    engine = Engine(settings, owner)
    world = Running(engine, settings, owner, host, dns)
    world.port = port
    try:
        yield world
    finally:
        await engine.close()
        await dns.stop()
        await host.stop()
