"""The demo's mail world, running: its name server and mail hosts, in a thread and an event loop of their own.

Everything here may be called from any thread. While the world runs, hosts can be broken and mended by their keys, and
the gateway that all of them are behind can be closed to mail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Self

from exporter.demo.configuration import configuration
from exporter.demo.domain import Certificate, DemoHost, DnsFault, Port
from exporter.demo.domains import DEMO
from exporter.demo.mail_hosts import HostState, MailHosts
from exporter.demo.mailbox import CANARY_HOST, DemoMailbox
from exporter.demo.reputation import LISTED_AT, NAMELESS_AT
from exporter.demo.reputation import records as standing_records
from exporter.lab.certificates import Authority
from exporter.lab.dns_host import BOGUS, SERVFAIL, SILENT, DnsHost, Fault
from exporter.lab.host import LOOPBACK, LoopThread
from exporter.lab.smtp_script import ordinary

_FAULTS: Final[Mapping[DnsFault, Fault]] = MappingProxyType(
    {DnsFault.SERVFAIL: SERVFAIL, DnsFault.BOGUS: BOGUS, DnsFault.SILENT: SILENT}
)
# Seconds, as often as everything is probed: a record that has moved is seen at the next probe.
_TTL: Final = 5


class DemoWorld:
    """All of :data:`exporter.demo.domains.DEMO`. Start it once; `with` does and stops it."""

    def __init__(self) -> None:
        self.nameserver: tuple[str, int] = (LOOPBACK, 0)
        self.authority = Authority()
        self.mailbox = DemoMailbox(self.authority)
        self._mail_hosts = MailHosts(self.authority, {CANARY_HOST.key: self.mailbox.take})
        self._name_server = _name_server()
        self._records = self._name_server.records
        self._moved: dict[str, str] = {}
        self._is_listed, self._is_named = True, False
        self._publish()
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
            self._thread.call(self.mailbox.start())
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
            self._thread.call(self.mailbox.stop())
            self._thread.call(self._name_server.stop())
        finally:
            self._thread.stop()

    @property
    def smtp_port(self) -> int:
        """The port of every mail host."""
        return self._mail_hosts.port

    @property
    def canary_page(self) -> str:
        """The path of the page on the host that takes canaries."""
        return f"host/{CANARY_HOST.name}:{self.smtp_port}"

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

    @property
    def moved(self) -> Mapping[str, str]:
        """The domains whose MX record has been changed, and the host that it names."""
        return self._moved

    def move(self, domain: str, exchange: str) -> None:
        """Have the MX record of `domain` name the host `exchange` alone."""
        self._moved = {**self._moved, domain: exchange}
        self._publish()

    def move_back(self, domain: str) -> None:
        """Give `domain` the MX records back that it had at the start."""
        self._moved = {name: exchange for name, exchange in self._moved.items() if name != domain}
        self._publish()

    @property
    def is_listed(self) -> bool:
        """True while our address stands on the block list."""
        return self._is_listed

    @property
    def is_named(self) -> bool:
        """True while our address has its PTR record."""
        return self._is_named

    def set_listed(self, listed: bool) -> None:
        """Put our address on the block list, or take it off: the host that asks the list follows."""
        self._is_listed = listed
        self._publish()
        self._set_accepting(LISTED_AT, accepting=not listed)

    def set_named(self, named: bool) -> None:
        """Give our address its PTR record, or take it away: the host that asks for it follows."""
        self._is_named = named
        self._publish()
        self._set_accepting(NAMELESS_AT, accepting=named)

    @property
    def changed(self) -> frozenset[str]:
        """The hosts that speak otherwise than at the start."""
        return self._mail_hosts.changed

    def strip(self, host: str) -> None:
        """Have it offer no STARTTLS, as if somebody on the path took the word away."""
        self._change(host, replace(self.hosts[host], certificate=None))

    def swap_certificate(self, host: str) -> None:
        """Have it present another certificate, of an authority that nobody knows."""
        self._change(host, replace(self.hosts[host], certificate=Certificate.UNTRUSTED))

    def change_back(self, host: str) -> None:
        """Have it speak as at the start."""
        self._change(host, None)

    def config_yaml(self, *, with_canaries: bool = False) -> str:
        """A configuration with which an ordinary exporter probes this world.

        With canaries it needs the mailbox's password in a file beside it, :data:`exporter.demo.mailbox.PASSWORD_FILE`.
        """
        mailbox = self.mailbox.port if with_canaries else None
        return configuration(self.nameserver, self.smtp_port, self.witness_port, mailbox)

    def _publish(self) -> None:
        moved = {(name, "MX"): [f"10 {exchange}."] for name, exchange in self._moved.items()}
        ours = standing_records(listed=self._is_listed, named=self._is_named)
        self._name_server.records = {**self._records, **moved, **ours}

    def _set_accepting(self, key: str, *, accepting: bool) -> None:
        host = self.hosts[key]
        self._change(key, replace(host, behaviour=ordinary(host.name)) if accepting else None)

    def _change(self, key: str, host: DemoHost | None) -> None:
        self._thread.call(self._mail_hosts.set_changed(key, host))

    def _break(self, host: str, how: Port | None) -> None:
        self._thread.call(self._mail_hosts.set_broken(self.hosts[host].key, how))


def _name_server() -> DnsHost:
    """The DNS of all domains."""
    records: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for domain in DEMO:
        for name, kind, data in domain.all_records:
            records[name, kind].append(data)
    records[CANARY_HOST.name, "A"].append(CANARY_HOST.address)
    faults: dict[str | tuple[str, str], Fault] = {
        domain.name: _FAULTS[domain.fault] for domain in DEMO if domain.fault is not None
    }
    return DnsHost(records, faults, ttl=_TTL)
