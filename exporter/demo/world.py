"""The demo's mail world, running: its DNS and SMTP hosts on loopback, in a thread and an event loop of their own.

The probes' latencies would otherwise be those of a loop shared with the servers they measure. Everything here may be
called from any thread. While the world runs, hosts can be broken and mended by name, and the gateway that all of them
are behind can be closed to mail.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar

from exporter.demo.domain import Certificate, DemoHost, DnsFault, Port
from exporter.demo.domains import DEMO, NETWORK, REFERENCES
from exporter.lab.certificates import Authority
from exporter.lab.dns_host import BOGUS, SERVFAIL, SILENT, DnsHost, Fault
from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import ORDINARY_EXTENSIONS, Answer, SmtpHost, SmtpScript, StartTls, reply

T = TypeVar("T")

# Whose certificate a host presents that has none of its own.
_ANOTHER: Final = "mx.another.example"

_FAULTS: Final[Mapping[DnsFault, Fault]] = MappingProxyType(
    {DnsFault.SERVFAIL: SERVFAIL, DnsFault.BOGUS: BOGUS, DnsFault.SILENT: SILENT}
)

# What the demo's exporter calls itself; the demo's DNS knows it.
HELO: Final = "probe.example"
_DNS_ADDRESS: Final = "127.0.0.1"
# A port that one address has free may be taken on another; so many coincidences in a row are none.
_PORT_ATTEMPTS: Final = 20
# Nothing the world does takes longer than a few of SilentHost's handshakes.
_CALL_SECONDS: Final = 30.0


class State(StrEnum):
    """What is on a host's SMTP port at the moment."""

    SPEAKING = "speaking"  # a server follows its script
    REFUSING = "refusing"  # nothing listens
    SILENT = "silent"  # SYNs vanish


class WorldError(Exception):
    """The world cannot be set up on this machine; the message says why."""


class DemoWorld:
    """All hosts of :data:`exporter.demo.domains.DEMO`. Start it once; `with` does and stops it."""

    def __init__(self) -> None:
        self.nameserver: tuple[str, int] = (_DNS_ADDRESS, 0)
        self.smtp_port = 0
        self.witness_port = 0  # where only a host that is gone does not answer
        self.authority = Authority()
        self._hosts = {host.name: host for domain in DEMO for host in domain.hosts}
        self._behaviours = {name: self._behaviour(host) for name, host in self._hosts.items()}
        self._broken: dict[str, Port] = {}
        self._gateway_is_closed = False
        self._running: dict[str, SmtpHost | SilentHost] = {}
        self._changing = asyncio.Lock()
        self._dns: DnsHost | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, smtp_port: int = 0) -> None:
        """Bring everything up; `smtp_port` 0: one that is free on all addresses. Raises WorldError."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="demo world", daemon=True)
        self._thread.start()
        try:
            self._call(self._start(smtp_port))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Take everything down; a second time does nothing."""
        if self._loop is None or self._thread is None:
            return
        try:
            self._call(self._stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    @property
    def hosts(self) -> Mapping[str, DemoHost]:
        """Every mail host by name."""
        return MappingProxyType(self._hosts)

    def state(self, host: str) -> State:
        """What is on the SMTP port of `host` now. KeyError for a name that is none of :attr:`hosts`."""
        match self._running.get(self._hosts[host].name):
            case None:
                return State.REFUSING
            case SilentHost():
                return State.SILENT
            case SmtpHost():
                return State.SPEAKING

    @property
    def broken(self) -> Mapping[str, Port]:
        """The hosts that are not as they were at the start, and what was done to them."""
        return MappingProxyType(dict(self._broken))

    @property
    def gateway_is_closed(self) -> bool:
        """Whether it lets no mail out."""
        return self._gateway_is_closed

    def kill(self, host: str) -> None:
        """Its server dies: connections are dropped, new ones refused. As the others, it raises WorldError."""
        self._call(self._break(self._hosts[host].name, Port.REFUSED))

    def timed_out(self, host: str) -> None:
        """A filter before it swallows what comes to its SMTP port; connections under way are dropped."""
        self._call(self._break(self._hosts[host].name, Port.SILENT))

    def switch_off(self, host: str) -> None:
        """It vanishes, whatever the port."""
        self._call(self._break(self._hosts[host].name, Port.GONE))

    def revive(self, host: str) -> None:
        """As it was at the start."""
        self._call(self._break(self._hosts[host].name, None))

    def close_gateway(self) -> None:
        """What goes to any host's SMTP port is swallowed; other ports are reached as before."""
        self._call(self._set_gateway(closed=True))

    def open_gateway(self) -> None:
        """Let mail out again."""
        self._call(self._set_gateway(closed=False))

    def config_yaml(self) -> str:
        """A configuration with which an ordinary exporter probes this world."""
        address, port = self.nameserver
        domains = "".join(
            f"  - {{domain: {domain.name}, module: {domain.module}, labels: {{group: {domain.group}}}}}\n"
            for domain in DEMO
        )
        return _CONFIG.format(
            helo=HELO,
            smtp_port=self.smtp_port,
            witness_port=self.witness_port,
            network=NETWORK,
            nameserver=f"{address}:{port}",
            references=", ".join(f'"{name}:{self.smtp_port}"' for name in REFERENCES),
            domains=domains,
        )

    # In the world's own thread

    async def _start(self, smtp_port: int) -> None:
        self._dns = dns = _dns_host()
        self.nameserver = await dns.start(_DNS_ADDRESS, 0)
        for _ in range(1 if smtp_port else _PORT_ATTEMPTS):
            if await self._listen(smtp_port):
                return
        what = f"port {smtp_port} is" if smtp_port else f"{_PORT_ATTEMPTS} ports in turn are"
        raise WorldError(f"{what} in use on an address of {NETWORK}")

    async def _listen(self, smtp_port: int) -> bool:
        """Put every host on one port; False where it is taken on one of their addresses."""
        self.smtp_port = smtp_port
        try:
            # Speaking hosts first: with port 0 the first of them chooses for all.
            for name, host in sorted(self._hosts.items(), key=lambda item: isinstance(item[1].behaviour, Port)):
                if host.behaviour is Port.REFUSED:
                    _check_free(host.address, self.smtp_port)
                await self._put(name)
        except OSError as error:
            await self._clear()
            if error.errno == errno.EADDRINUSE:
                return False
            raise WorldError(
                f"the demo needs the loopback addresses {NETWORK}, which Linux has without being told: {error}"
            ) from error
        return True

    async def _break(self, name: str, how: Port | None) -> None:
        """Do that to a host, or mend it."""
        async with self._changing:
            if how is None:
                self._broken.pop(name, None)
            else:
                self._broken[name] = how
            await self._put_all([name])

    async def _set_gateway(self, *, closed: bool) -> None:
        async with self._changing:
            self._gateway_is_closed = closed
            await self._put_all(self._hosts)

    async def _put_all(self, names: Iterable[str]) -> None:
        """Have each do what it is to do now. Side by side: filling a queue takes its time (SilentHost)."""
        problems = await asyncio.gather(*map(self._put, names), return_exceptions=True)
        for problem in problems:
            if isinstance(problem, OSError):
                raise WorldError(f"not every host could be changed: {problem}") from problem
            if isinstance(problem, BaseException):
                raise problem

    async def _put(self, name: str) -> None:
        behaviour = self._broken.get(name, self._behaviours[name])
        if self._gateway_is_closed and behaviour is not Port.GONE:
            behaviour = Port.SILENT
        await self._take_down(name)
        if behaviour is Port.REFUSED:
            return
        host = SilentHost() if isinstance(behaviour, Port) else SmtpHost(behaviour)
        address = self._hosts[name].address
        self.smtp_port = await host.start(address, self.smtp_port)
        if behaviour is Port.GONE:
            self.witness_port = await host.start(address, self.witness_port)
        self._running[name] = host

    async def _take_down(self, name: str) -> None:
        running = self._running.pop(name, None)
        if running is not None:
            await running.stop()

    async def _clear(self) -> None:
        async with self._changing:
            for name in tuple(self._running):
                await self._take_down(name)
            self._broken.clear()
            self._gateway_is_closed = False

    async def _stop(self) -> None:
        await self._clear()
        if self._dns is not None:
            await self._dns.stop()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it in the world's thread and wait for it."""
        if self._loop is None:
            coroutine.close()
            raise RuntimeError("the world is not running")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_CALL_SECONDS)

    def _behaviour(self, host: DemoHost) -> SmtpScript | Port:
        """The script of `host` with the STARTTLS that its certificate stands for."""
        script = host.behaviour
        if isinstance(script, Port) or host.certificate is None:
            return script
        names = {host.name, *(name for domain in DEMO for name in domain.aliases(host.name))}
        if host.certificate is Certificate.OTHER_NAME:
            names = {_ANOTHER}
        authority = Authority() if host.certificate is Certificate.UNTRUSTED else self.authority
        context = authority.server_context(*sorted(names), expired=host.certificate is Certificate.EXPIRED)
        offered: dict[bytes, Answer] = {
            b"EHLO": reply(250, host.name, *ORDINARY_EXTENSIONS, "STARTTLS"),
            b"STARTTLS": (reply(220, "2.0.0 Ready to start TLS"), StartTls(context, script)),
        }
        return replace(script, replies=MappingProxyType({**script.replies, **offered}))


def _dns_host() -> DnsHost:
    """The DNS of all domains."""
    records: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for domain in DEMO:
        for name, kind, data in domain.all_records:
            records[name, kind].append(data)
    records[HELO, "A"].append("127.0.0.1")
    return DnsHost(records, {domain.name: _FAULTS[domain.fault] for domain in DEMO if domain.fault is not None})


def _check_free(address: str, port: int) -> None:
    """Raise OSError where something listens already."""
    socket.create_server((address, port)).close()


_CONFIG: Final = """\
defaults:
  interval: 5s
  timeout: 4s
  port: {smtp_port}
  helo: {helo}
  address_families: [ipv4]
  allow_addresses: [{network}]
resolver:
  nameservers: ["{nameserver}"]
  timeout: 2s
modules:
  default: {{}}
  tls:
    stages: [ehlo, starttls]
  tls-required:
    stages: [ehlo, starttls]
    starttls: {{required: true}}
  mailbox:
    stages: [ehlo, starttls, vrfy, mail, rcpt]
    vrfy: postmaster
    rcpt_to: "postmaster@{{domain}}"
egress:
  references: [{references}]
  witness_ports: [{witness_port}]
  trace: false
domains:
{domains}hosts:
  - mx1.healthy.example:{smtp_port}
"""
