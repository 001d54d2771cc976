"""The demo's mail world, running: its name server and mail hosts, in a thread and an event loop of their own.

Everything here may be called from any thread. While the world runs, hosts can be broken and mended by their keys, and
the gateway that all of them are behind can be closed to mail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Self

from exporter.demo.configuration import HELO, configuration
from exporter.demo.domain import DemoHost, DnsFault, Port
from exporter.demo.domains import DEMO
from exporter.demo.mail_hosts import HostState, MailHosts
from exporter.lab.certificates import Authority
from exporter.lab.dns_host import BOGUS, SERVFAIL, SILENT, DnsHost, Fault
from exporter.lab.host import LOOPBACK, LoopThread

_FAULTS: Final[Mapping[DnsFault, Fault]] = MappingProxyType(
    {DnsFault.SERVFAIL: SERVFAIL, DnsFault.BOGUS: BOGUS, DnsFault.SILENT: SILENT}
)


class DemoWorld:
    """All of :data:`exporter.demo.domains.DEMO`. Start it once; `with` does and stops it."""

    def __init__(self) -> None:
        self.nameserver: tuple[str, int] = (LOOPBACK, 0)
        self.authority = Authority()
        self._mail_hosts = MailHosts(self.authority)
        self._name_server = _name_server()
        self._thread = LoopThread("demo world")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, smtp_port: int = 0) -> None:
        """Bring everything up; `smtp_port` 0: one that is free on all addresses. Raises WorldError."""
        self._thread.start()
        try:
            self.nameserver = self._thread.call(self._name_server.start())
            self._thread.call(self._mail_hosts.start(smtp_port))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Take everything down; a second time does nothing."""
        if not self._thread.is_running:
            return
        try:
            self._thread.call(self._mail_hosts.stop())
            self._thread.call(self._name_server.stop())
        finally:
            self._thread.stop()

    @property
    def smtp_port(self) -> int:
        """The port of every mail host."""
        return self._mail_hosts.port

    @property
    def witness_port(self) -> int:
        """A port on which only a host that is gone does not answer."""
        return self._mail_hosts.witness_port

    @property
    def hosts(self) -> Mapping[str, DemoHost]:
        """Every mail host by its key: its name, and its address where the name has several."""
        return self._mail_hosts.by_key

    def state(self, host: str) -> HostState:
        """The state of the SMTP port of `host`. KeyError for a key that is none of :attr:`hosts`."""
        return self._mail_hosts.state(host)

    @property
    def broken(self) -> Mapping[str, Port]:
        """The hosts that are not as they were at the start, and the changes to them."""
        return self._mail_hosts.broken

    @property
    def gateway_is_closed(self) -> bool:
        """True while it lets no mail out."""
        return self._mail_hosts.gateway_is_closed

    def kill(self, host: str) -> None:
        """Have its server die: connections are dropped, new ones refused. As the others, it raises WorldError."""
        self._break(host, Port.REFUSED)

    def timed_out(self, host: str) -> None:
        """Put a filter before it that swallows packets to its SMTP port; connections under way are dropped."""
        self._break(host, Port.SILENT)

    def switch_off(self, host: str) -> None:
        """Have it vanish, whatever the port."""
        self._break(host, Port.GONE)

    def revive(self, host: str) -> None:
        """Make it as it was at the start."""
        self._break(host, None)

    def close_gateway(self) -> None:
        """Swallow packets to any host's SMTP port; other ports are reached as before."""
        self._thread.call(self._mail_hosts.set_gateway(closed=True))

    def open_gateway(self) -> None:
        """Let mail out again."""
        self._thread.call(self._mail_hosts.set_gateway(closed=False))

    def config_yaml(self) -> str:
        """A configuration with which an ordinary exporter probes this world."""
        return configuration(self.nameserver, self.smtp_port, self.witness_port)

    def _break(self, host: str, how: Port | None) -> None:
        self._thread.call(self._mail_hosts.set_broken(self.hosts[host].key, how))


def _name_server() -> DnsHost:
    """The DNS of all domains, and of the demo's exporter."""
    records: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for domain in DEMO:
        for name, kind, data in domain.all_records:
            records[name, kind].append(data)
    records[HELO, "A"].append(LOOPBACK)
    return DnsHost(records, {domain.name: _FAULTS[domain.fault] for domain in DEMO if domain.fault is not None})
