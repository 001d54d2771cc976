"""What does a fleet need? Run: python -m tests.bench.sizing [DOMAINS…]

The exporter as users run it, with the module `default`, over so many domains with one mail host each, first all well,
then all silent, which is the worst: each session lasts its whole timeout. Counted from outside: series and bytes of a
scrape, memory, open files, and questions to the resolver while nothing is remembered. Prints a table as Markdown; CPU
per probe is in that of python -m tests.bench.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import re
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from exporter.lab.silent_host import SilentHost
from tests.bench.peers import ZONE, Peers, domain, peers, versions
from tests.bench.process import memory_bytes, open_files
from tests.support.exporter_process import ExporterProcess, exporter
from tests.support.waiting import until_sync

_SAMPLE = re.compile(r'^(mx_(?:domain|dns|host|path)_\w+)\{(?:[^"]|"(?:[^"\\]|\\.)*")*?\} ', re.MULTILINE)
_LONGEST_QUESTION = 65535
# Seconds; both are the exporter's defaults.
_INTERVAL = 60.0
_TIMEOUT = 30.0
_EXCHANGE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Need:
    """What one process had, with every domain probed."""

    domains: int
    up: int
    of_domain: float  # series a domain
    of_address: float  # series an address
    text: int  # bytes of a scrape
    packed: int  # the same, gzip
    memory: int  # bytes
    files: int  # most that were open at once
    in_flight: int  # most probes under way at once
    questions: float | None  # to the resolver, a probe; None where probes are too long to tell whose they are


class Relay:
    """Between the exporter and the name server: counts questions."""

    def __init__(self, upstream: int) -> None:
        self.asked = 0
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.bind(("127.0.0.1", 0))
        self._upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._upstream.connect(("127.0.0.1", upstream))
        self._upstream.settimeout(_EXCHANGE_SECONDS)
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            question, client = self._server.recvfrom(_LONGEST_QUESTION)
            if not question:
                return
            self.asked += 1
            self._upstream.send(question)
            with contextlib.suppress(TimeoutError):
                self._server.sendto(self._upstream.recv(_LONGEST_QUESTION), client)

    def close(self) -> None:
        """End it."""
        self._server.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._server.close()
        self._upstream.close()


@contextlib.contextmanager
def _relay(upstream: int) -> Iterator[Relay]:
    relay = Relay(upstream)
    try:
        yield relay
    finally:
        relay.close()


def measure(hosts: Peers, count: int, *, port: int, interval: float = _INTERVAL, timeout: float = _TIMEOUT) -> Need:
    """The exporter over the first `count` domains, whose mail hosts are on `port`, for two intervals."""
    with hosts.name_server(0) as dns, _relay(dns) as relay:
        config = hosts.folder / "config.yaml"
        names = "".join(f"  - {domain(number)}\n" for number in range(count))
        config.write_text(
            f"defaults: {{interval: {interval:g}s, timeout: {timeout:g}s, port: {port}, helo: probe.{ZONE},"
            " allow_addresses: [127.0.0.0/8]}\n"
            "egress: {witness_ports: [], trace: false}\n"  # every host is this machine, which has no egress
            f'resolver: {{nameservers: ["127.0.0.1:{relay.port}"]}}\n'
            f"domains:\n{names}"
        )
        with exporter(f"--config.file={config}") as process:
            most = _watch(process, count, interval)
            asked, text = relay.asked, process.get("/metrics").content
            made = sum(_values(text, "mx_domain_probes_total"))
            return _need(count, text, process, most, asked / made if most[1] < count / 2 else None)


def _watch(process: ExporterProcess, count: int, interval: float) -> tuple[int, int]:
    """Most open files and probes under way, from the start until each domain has been probed, and an interval more."""
    most: list[tuple[int, int]] = []

    def probed() -> int:
        text = process.get("/metrics").content
        (flying,) = _values(text, "mx_exporter_probes_in_flight")
        most.append((open_files(process.process.pid), round(flying)))
        return len(_values(text, "mx_domain_up"))

    until_sync(lambda: probed() == count, 3 * interval + 60.0)
    end = time.monotonic() + interval
    while time.monotonic() < end:
        probed()
        time.sleep(interval / 30)
    return max(files for files, _ in most), max(flying for _, flying in most)


def _values(text: bytes, name: str) -> list[float]:
    return [float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (.+)$".encode(), text, re.MULTILINE)]


def _need(count: int, text: bytes, process: ExporterProcess, most: tuple[int, int], questions: float | None) -> Need:
    names = Counter(_SAMPLE.findall(text.decode()))
    of_host = sum(number for name, number in names.items() if name.startswith(("mx_host_", "mx_path_")))
    return Need(
        domains=count,
        up=round(sum(_values(text, "mx_domain_up"))),
        of_domain=(names.total() - of_host) / count,
        of_address=of_host / names["mx_host_up"],
        text=len(text),
        packed=len(gzip.compress(text, 1)),
        memory=memory_bytes(process.process.pid),
        files=most[0],
        in_flight=most[1],
        questions=questions,
    )


def table(needs: list[tuple[str, Need]]) -> Iterator[str]:
    """The lines of a table."""
    yield "| | " + " | ".join(f"{need.domains:,} domains, {state}" for state, need in needs) + " |"
    yield "|---|" + "---|" * len(needs)
    rows: dict[str, Callable[[Need], str]] = {
        "series a domain, and more for each address": lambda n: f"{n.of_domain:.1f} + {n.of_address:.1f}",
        "a scrape, a domain (gzip)": lambda n: f"{n.text / n.domains:,.0f} bytes ({n.packed / n.domains:,.0f})",
        "memory in all": lambda n: f"{n.memory / 2**20:.0f} MiB",
        "open files at most": lambda n: f"{n.files:,}",
        "probes under way at most": lambda n: f"{n.in_flight:,}",
        "questions to the resolver, a probe that remembers none": lambda n: (
            "" if n.questions is None else f"{n.questions:.1f}"
        ),
    }
    for what, told in rows.items():
        yield f"| {what} | " + " | ".join(told(need) for _, need in needs) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizing", description=__doc__)
    parser.add_argument("domains", nargs="*", type=int, default=[1_000, 10_000], help="default: 1000 10000")
    counts: list[int] = parser.parse_args().domains
    needs = []
    with tempfile.TemporaryDirectory(prefix="mx-bench-") as folder, peers(Path(folder), max(counts)) as hosts:
        for count in counts:
            needs.append(("well", measure(hosts, count, port=hosts.port)))
            if needs[-1][1].up < count:
                raise SystemExit(f"only {needs[-1][1].up} of {count} domains are up: this machine is too busy")
        needs.append(("silent", asyncio.run(silent(hosts, min(counts)))))
    print(f"{versions()}\n")
    print("\n".join(table(needs)))


async def silent(hosts: Peers, count: int, *, interval: float = _INTERVAL, wait: float = _TIMEOUT) -> Need:
    """The same with mail hosts that swallow every SYN, for as long as the exporter waits."""
    host = SilentHost(beyond_loopback=True)  # one socket for every address of loopback
    port = await host.start("0.0.0.0")
    try:
        return await asyncio.to_thread(measure, hosts, count, port=port, interval=interval, timeout=wait)
    finally:
        await host.stop()


if __name__ == "__main__":
    main()
