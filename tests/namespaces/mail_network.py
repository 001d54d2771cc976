"""The network lab with mail in it: mail hosts on four unrelated networks, their DNS, and the exporter on the client.

Each remote has an ordinary mail host (number 0: ports 25, 443 and 587, with its own name on both mail ports), one that
serves as a reference (number 1: ports 25 and 443), and one that has nothing but port 25 (number 2).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ORDINARY_EXTENSIONS, SmtpScript, ordinary
from tests.namespaces.network import NODES, REMOTES, Family, Network, address
from tests.support.daemons import nsd
from tests.support.exporter_process import command
from tests.support.require import require_program

SMTP: Final = 25
HTTPS: Final = 443
SUBMISSION: Final = 587
PROXY: Final = 2525  # of the gateway, where an intercepting proxy listens
TIMEOUT: Final = 3.0  # seconds; Linux sends a SYN again after one, and half of it counts as silence
_PROBE_SECONDS: Final = 60.0  # what one command may take on a busy machine

# The domain and organisation of each remote; `mx.` before it is the name of its mail host.
DOMAINS: Final[Mapping[str, str]] = dict(
    zip(REMOTES, ("alpha.example", "beta.example", "gamma.example", "delta.example"), strict=True)
)
# Domains of one provider, whose mail hosts mx1 to mx4 are on the four networks.
TENANTS: Final = ("tenant-1.example", "tenant-2.example", "tenant-3.example", "tenant-4.example")
PROVIDER: Final = "bigmail.example"
ONLY_IPV6: Final = "six.example"  # its mail host is that of alpha.example

# An edge of delta's network, where the DNS of everybody can be asked from outside.
OUTSIDE_NAMESERVER: Final = address("remote-d", 4, 2)
REFERENCES: Final = tuple(
    (address(remote, family, 1), SMTP) for remote in ("remote-b", "remote-c", "remote-d") for family in (4, 6)
)


def mail_host(name: str) -> SmtpScript:
    """An ordinary one, that offers STARTTLS."""
    return ordinary(name, (*ORDINARY_EXTENSIONS, "STARTTLS"))


def host_and_port(address: str, port: int = SMTP) -> str:
    """As one writes it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def zone() -> str:
    """The zone `example.`"""
    lines = ["$TTL 60", "@ IN SOA ns.example. admin.example. 1 3600 600 86400 30", "@ IN NS ns", "ns IN A 127.0.0.1"]

    def host(name: str, remote: str, *families: Family) -> None:
        lines.extend(f"{name}. IN {'AAAA' if each == 6 else 'A'} {address(remote, each)}" for each in families)

    for number, (remote, domain) in enumerate(DOMAINS.items(), 1):
        lines += [f"{domain}. IN MX 10 mx.{domain}.", f"{TENANTS[number - 1]}. IN MX 10 mx{number}.{PROVIDER}."]
        host(f"mx.{domain}", remote, 4, 6)
        host(f"mx{number}.{PROVIDER}", remote, 4, 6)
    lines.append(f"{ONLY_IPV6}. IN MX 10 mx.{ONLY_IPV6}.")
    host(f"mx.{ONLY_IPV6}", "remote-a", 6)
    return "\n".join(lines) + "\n"


class MailNetwork:
    """The lab, from ``with`` to its end. `proxy` is who answers where the gateway redirects port 25 to itself."""

    def __init__(self) -> None:
        self.network = Network()
        self.nameserver = ""  # on the client's loopback
        self.outside_nameserver = ""  # on remote-d, asked over the network
        self.proxies: tuple[SmtpHost, ...] = ()
        self._hosts: dict[tuple[str, int], tuple[SmtpHost, ...]] = {}
        self._closing = ExitStack()

    def __enter__(self) -> MailNetwork:
        require_program("nsd")
        try:
            self._build()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @contextmanager
    def set_up(
        self,
        rules: Sequence[tuple[str, str]] = (),
        client: Sequence[tuple[str, str]] = (),
        speech: Mapping[tuple[str, int], SmtpScript] | None = None,
    ) -> Iterator[None]:
        """For a while: packet filters (node, rules), `ip` commands of the client (done, undone), scripts by port."""
        speech = speech or {}
        with ExitStack() as stack:
            for node in sorted({node for node, _ in rules}):
                stack.callback(self.network.rules, node)
                self.network.rules(node, *(rule for each, rule in rules if each == node))
            for done, undone in client:
                self._ip(done)
                stack.callback(self._ip, undone)
            for place, script in speech.items():
                for host in self._hosts[place]:
                    stack.callback(setattr, host, "script", host.script)
                    host.script = script
            yield

    def probe(self, config: str, *names: str) -> list[dict[str, Any]]:
        """`mx-exporter probe --json` on the client; what it says of each name."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(config)
            file.flush()
            argv = command("probe", "--json", f"--config.file={file.name}", *names)
            done = self.network.exec("client", argv, check=False, timeout=_PROBE_SECONDS)
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(lines) == len(names), done.stdout
        return lines

    def config(
        self,
        *,
        references: Sequence[tuple[str, int]] = REFERENCES,
        nameserver: str = "",
        trace: bool = True,
        defaults: str = "",
        more: str = "",
    ) -> str:
        """A configuration; `defaults` are further keys of that name, `more` further sections."""
        listed = "".join(f'\n    - "{host_and_port(*reference)}"' for reference in references) or " []"
        return f"""\
defaults:
  timeout: {TIMEOUT:g}s
  helo: probe.example
{defaults}
resolver:
  nameservers: ["{nameserver or self.nameserver}"]
  timeout: 2s
egress:
  references:{listed}
  witness_ports: [{HTTPS}, {SUBMISSION}]
  trace: {"true" if trace else "false"}
{more}
"""

    def _build(self) -> None:
        network = self._closing.enter_context(self.network)
        for remote, domain in DOMAINS.items():
            for port in (SMTP, SUBMISSION):
                at = self._at(remote, 0)
                self._hosts[remote, port] = network.listen(remote, mail_host(f"mx.{domain}"), port=port, at=at)
            for number in (1, 2):
                network.listen(remote, mail_host(f"mx{number}.{domain}"), at=self._at(remote, number))
            network.accept(remote, HTTPS, at=(*self._at(remote, 0), *self._at(remote, 1)))
        self.proxies = network.listen("gateway", port=PROXY)
        self._hosts["gateway", PROXY] = self.proxies
        folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="mx-lab-")))
        for node, host in (("client", "127.0.0.1"), ("remote-d", OUTSIDE_NAMESERVER)):
            server = nsd(folder / node, {"example": zone()}, host)
            port = network.run_in(node, partial(self._closing.enter_context, server))
            if node == "client":
                self.nameserver = f"127.0.0.1:{port}"
            else:
                self.outside_nameserver = f"{OUTSIDE_NAMESERVER}:{port}"

    def _at(self, remote: str, number: int) -> tuple[str, ...]:
        return (address(remote, 4, number), address(remote, 6, number))

    def _ip(self, arguments: str) -> None:
        self.network.exec("client", [require_program("ip"), *arguments.split()])


def node_of(address_: str) -> str:
    """The node that has it, for a person; the address itself where it is nobody's."""
    return next(
        (
            node
            for node in NODES
            for family in (4, 6)
            for number in range(3 if node in REMOTES else 1)
            if address(node, family, number) == address_
        ),
        address_,
    )
