"""What the exporter is measured with: a mail host, a client and a name server, and blackbox_exporter beside it."""

from __future__ import annotations

import contextlib
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from exporter import __version__
from tests.bench.process import cpu_seconds
from tests.support.daemons import accepts, free_port, nsd, running
from tests.support.require import require_program

ZONE: Final = "bench.example"
FIRST: Final = IPv4Address("127.54.0.1")
_COMPILED: Final = ("client", "responder")
# As many scrapes at once as keep it busy; more would only wait for each other.
_SCRAPERS: Final = 4
# The dialogue of an ordinary probe, and a question for the MX records of a domain.
_BLACKBOX: Final = f"""\
modules:
  smtp:
    prober: tcp
    timeout: 10s
    tcp:
      query_response:
        - expect: "^220 "
        - send: "EHLO probe.example\\r"
        - expect: "^250 "
        - send: "QUIT\\r"
        - expect: "^221 "
  mx:
    prober: dns
    timeout: 10s
    dns:
      query_name: d0.{ZONE}
      query_type: MX
      valid_rcodes: [NOERROR]
"""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Figures of the C client: CPU seconds a session, and of each session connect and greeting in seconds.

    `rtts` are the kernel's round-trip times; 0 where it went as fast as it could. `series` is the text that it wrote of
    the first host.
    """

    cpu_each: float
    connects: list[float]
    banners: list[float]
    rtts: list[float]
    series: str


def address(number: int) -> str:
    """The address of the mail host of domain `number`."""
    return str(FIRST + number)


def domain(number: int) -> str:
    """The name of domain `number`."""
    return f"d{number}.{ZONE}"


class Peers:
    """The peers at work, for `count` domains, each with a mail host and an address of its own."""

    def __init__(self, folder: Path, count: int, port: int) -> None:
        self.folder = folder
        self.count = count
        self.port = port  # of every mail host

    def converse(self, sessions: int, *, rate: float = 0.0, work: str = "bare") -> Sessions:
        """The C client, as fast as it can or so many sessions a second, with the `work` that client.c knows."""
        argv = [self.folder / "client", work, address(0), self.count, self.port, sessions, 64, rate]
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=True)
        first, *rest = done.stdout.splitlines()
        cpu, counted, failed = first.split()
        assert failed == "0", f"{failed} of {sessions} sessions of the C client failed"
        connects, banners, rtts = (
            [float(word) for word in column] for column in zip(*map(str.split, rest), strict=True)
        )
        return Sessions(float(cpu) / int(counted), connects, banners, rtts, done.stderr)

    @contextlib.contextmanager
    def name_server(self, ttl: int, records: Iterable[str] | None = None) -> Iterator[int]:
        """The domains in the DNS; gives the port on 127.0.0.1. With a `ttl` of 0 nobody may remember an answer.

        Without other `records` each domain has a mail host of its own.
        """
        lines = [f"$TTL {ttl}", "@ SOA ns hostmaster 1 3600 900 604800 60", "@ NS ns", "ns A 127.0.0.1"]
        lines += self._one_host_each() if records is None else records
        with nsd(self.folder / "nsd", {ZONE: "\n".join(lines) + "\n"}) as port:
            yield port

    def _one_host_each(self) -> Iterator[str]:
        for number in range(self.count):
            host = "mx-" + address(number).removeprefix("127.").replace(".", "-")
            yield f"d{number} MX 10 {host}"
            yield f"{host} A {address(number)}"

    @contextlib.contextmanager
    def blackbox(self) -> Iterator[Blackbox]:
        """blackbox_exporter with the same dialogue."""
        program = require_program("prometheus-blackbox-exporter")
        config = self.folder / "blackbox.yml"
        config.write_text(_BLACKBOX)
        port = free_port()
        argv = [program, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        with running(argv, lambda: accepts(port), self.folder / "blackbox.log") as process:
            yield Blackbox(process.pid, port)


class Blackbox:
    """A running blackbox_exporter."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._port = port

    def probe(self, probes: int, targets: list[tuple[str, str]]) -> float:
        """CPU seconds a probe that consists of these scrapes, each a module and a target."""

        def some(first: int) -> None:
            with contextlib.closing(HTTPConnection("127.0.0.1", self._port, timeout=30.0)) as connection:
                for number in range(first, probes, _SCRAPERS):
                    for module, target in targets:
                        _scrape(connection, module, target.format(address=address(number)))

        before = cpu_seconds(self._pid)
        with ThreadPoolExecutor(_SCRAPERS) as pool:
            list(pool.map(some, range(_SCRAPERS)))
        return (cpu_seconds(self._pid) - before) / probes


def _scrape(connection: HTTPConnection, module: str, target: str) -> None:
    connection.request("GET", f"/probe?module={module}&target={target}")
    text = connection.getresponse().read()
    assert b"probe_success 1\n" in text, text


@contextlib.contextmanager
def peers(folder: Path, count: int, words: str = "same") -> Iterator[Peers]:
    """Compile the C programs into `folder` and start the mail host, with the `words` that responder.c knows."""
    compiler = require_program("cc")
    for name in _COMPILED:
        source = Path(__file__).with_name(f"{name}.c")
        subprocess.run([compiler, "-O2", "-o", str(folder / name), str(source)], check=True)
    port = free_port()
    with running([str(folder / "responder"), str(port), words], lambda: accepts(port), folder / "responder.log"):
        yield Peers(folder, count, port)


def versions() -> str:
    """Of all that is measured."""
    parts = [f"mx-exporter {__version__}", f"Python {platform.python_version()}"]
    parts += [f"{name} {_distribution(name)}" for name in ("uvloop", "dnspython", "prometheus-client")]
    for title, program, flag in (
        ("blackbox_exporter", "prometheus-blackbox-exporter", "--version"),
        ("nsd", "nsd", "-v"),
        ("cc", "cc", "--version"),
    ):
        done = subprocess.run([require_program(program), flag], capture_output=True, text=True, check=False)
        found = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
        parts.append(f"{title} {found[0] if found else 'of unknown version'}")
    return ", ".join([*parts, f"Linux {platform.release()}"])


def _distribution(name: str) -> str:
    from importlib.metadata import version

    return version(name)
