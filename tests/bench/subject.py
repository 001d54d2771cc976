"""The exporter as it is measured: a process as users run it, with the defaults, over the domains of the peers."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.bench.peers import Peers, domain
from tests.bench.process import cpu_seconds, memory_bytes
from tests.support.exporter_process import ExporterProcess, exporter

_LAG = re.compile(r'^mx_exporter_schedule_lag_seconds_bucket\{le="([^"]+)"\} (.+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Window:
    """What the exporter did in a stretch of time."""

    seconds: float
    cpu: float  # seconds
    probes: int
    late: dict[float, int]  # probes that started later than so many seconds

    @property
    def cpu_each(self) -> float:
        """CPU seconds a probe, with all that goes on beside the probes but the scrapes."""
        return self.cpu / self.probes

    @property
    def load(self) -> float:
        """The part of a core that it took."""
        return self.cpu / self.seconds


class Subject:
    """A running exporter."""

    def __init__(self, process: ExporterProcess) -> None:
        self.pid = process.process.pid
        self._process = process

    def scrape(self) -> str:
        """The whole exposition."""
        return self._process.get("/metrics").text

    def scrape_seconds(self) -> float:
        """What an answer takes until the last byte is here, asked for as Prometheus does: with gzip."""
        host = self._process.url.removeprefix("http://")
        with contextlib.closing(HTTPConnection(host, timeout=60.0)) as connection:
            began = time.perf_counter()
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            size = len(answer.read())
            took = time.perf_counter() - began
        assert answer.status == 200, answer.status
        assert size, "an empty answer"
        return took

    def watch(self, seconds: float) -> Window:
        """Let it work for so long. The scrapes before and after are not counted."""
        asked = time.perf_counter()
        before = self.scrape()
        began, cpu = time.perf_counter(), cpu_seconds(self.pid)
        time.sleep(seconds)
        ended = time.perf_counter()
        took, used = ended - began, cpu_seconds(self.pid) - cpu
        after = self.scrape()
        # A scrape counts what was made before it was asked for. The probes made while the first is written belong to
        # nobody's window: their share is taken off.
        probes = (_total(after, "mx_domain_probes_total") - _total(before, "mx_domain_probes_total")) / (ended - asked)
        assert not _total(after, "mx_exporter_internal_errors_total"), "internal errors"
        return Window(took, used, round(probes * took), _late(before, after))

    def catch_up(self, late: float, seconds: float) -> None:
        """Wait until no probe starts more than `late` seconds late, at most so long.

        All lookups are made after the start, within one interval, and cost more than a probe.
        """
        end = time.perf_counter() + seconds
        while self.watch(seconds / 6).late[late] and time.perf_counter() < end:
            pass

    def memory(self) -> int:
        """Bytes it holds."""
        return memory_bytes(self.pid)


@contextlib.contextmanager
def subject(peers: Peers, dns_port: int, count: int, interval: float) -> Iterator[Subject]:
    """The exporter over the first `count` domains, from when every one has been probed."""
    with _started(_configuration(peers, dns_port, count, interval)) as running:
        _until_probed([running], count, interval)
        yield running


@contextlib.contextmanager
def shards(peers: Peers, dns_port: int, count: int, interval: float, total: int) -> Iterator[list[Subject]]:
    """The same by so many processes, each with its share."""
    config = _configuration(peers, dns_port, count, interval)
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(_started(config, f"--shard={shard}", f"--total-shards={total}"))
            for shard in range(total)
        ]
        _until_probed(running, count, interval)
        yield running


def _configuration(peers: Peers, dns_port: int, count: int, interval: float) -> Path:
    config = peers.folder / "config.yaml"
    names = "".join(f"  - {domain(number)}\n" for number in range(count))
    config.write_text(
        f"defaults: {{interval: {interval:g}s, timeout: 10s, port: {peers.port}, helo: probe.example,"
        f" address_families: [ipv4], allow_addresses: [127.0.0.0/8]}}\n"
        f'resolver: {{nameservers: ["127.0.0.1:{dns_port}"]}}\n'
        f"domains:\n{names}"
    )
    return config


@contextlib.contextmanager
def _started(config: Path, *arguments: str) -> Iterator[Subject]:
    with exporter(f"--config.file={config}", *arguments) as process:
        yield Subject(process)
        process.stop()


def _until_probed(running: list[Subject], count: int, interval: float) -> None:
    time.sleep(interval)
    end = time.monotonic() + 4 * interval + 10.0
    while (probed := sum(len(_values(each.scrape(), "mx_domain_up")) for each in running)) < count:
        assert time.monotonic() < end, f"only {probed} of {count} domains were probed within {5 * interval:g} s"
        time.sleep(interval / 10)
    texts = [each.scrape() for each in running]
    up = sum(_total(text, "mx_domain_up") for text in texts)
    reasons = Counter(
        found for text in texts for found in re.findall(r'^mx_domain_failure{class="(\w+)"', text, re.MULTILINE)
    )
    assert up == count, f"{count - up:.0f} domains are down: {reasons}"


def rtts(text: str) -> list[float]:
    """The kernel's round-trip time with every host, in seconds."""
    return _values(text, "mx_host_tcp_rtt_seconds")


def phases(text: str, phase: str) -> list[float]:
    """The latest duration of a phase of every host, in seconds."""
    return [value for labels, value in _series(text, "mx_host_phase_duration_seconds") if f'phase="{phase}"' in labels]


def _late(before: str, after: str) -> dict[float, int]:
    """Probes that started later than each bound, between two scrapes."""
    first, last = ({float(bound): float(count) for bound, count in _LAG.findall(text)} for text in (before, after))
    started = {bound: last[bound] - first[bound] for bound in last}
    return {bound: round(started[float("inf")] - count) for bound, count in started.items()}


def _total(text: str, name: str) -> float:
    return sum(_values(text, name))


def _values(text: str, name: str) -> list[float]:
    return [value for _, value in _series(text, name)]


def _series(text: str, name: str) -> Iterator[tuple[str, float]]:
    for found in re.finditer(rf"^{name}(\{{.*\}})? (.+)$", text, re.MULTILINE):
        yield found[1] or "", float(found[2])
