"""The exporter as it is measured: a process as users run it, with the defaults, over the domains of the peers."""

from __future__ import annotations

import contextlib
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.bench.peers import Peers, domain
from tests.bench.process import cpu_seconds, memory_bytes, waited_seconds
from tests.support.exporter_process import ExporterProcess, exporter
from tests.support.waiting import until_sync

# Python that an exporter runs first: each session is the full dialogue, for nothing is learnt from any.
FULL_DIALOGUE = """
import exporter.probe.host_turn
assert exporter.probe.host_turn.expectation_of
exporter.probe.host_turn.expectation_of = lambda *_, **__: None
"""
# The families that tell of a window: the rest would cost a scrape of everything.
_OF_WINDOW = (
    "mx_domain_probes_total",
    "mx_exporter_schedule_lag_seconds",
    "mx_exporter_internal_errors_total",
)
_LAG = re.compile(r'^mx_exporter_schedule_lag_seconds_bucket\{le="([^"]+)"\} (.+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Window:
    """What the exporter did in a stretch of time."""

    seconds: float
    cpu: float  # seconds
    probes: int
    late: dict[float, int]  # probes that started later than so many seconds
    waited: float  # seconds for which the machine had no core for the probes
    scrapes: list[float]  # seconds that each took

    @property
    def cpu_each(self) -> float:
        """CPU seconds a probe, with all that goes on beside the probes, its scrapes too."""
        return self.cpu / self.probes

    @property
    def load(self) -> float:
        """The part of a core that it took."""
        return self.cpu / self.seconds


class Subject:
    """A running exporter."""

    def __init__(self, process: ExporterProcess, config: Path) -> None:
        self.pid = process.process.pid
        self._process = process
        self._config = config

    def scrape(self, *families: str) -> str:
        """The exposition: all of it, or these families."""
        return self._process.get("/metrics?" + "&".join(f"name[]={name}" for name in families)).text

    def configure(self, text: str) -> None:
        """Go on with another configuration, from when its domains are the exporter's."""
        self._config.write_text(text)
        self._process.process.send_signal(signal.SIGHUP)
        until_sync(lambda: any("configuration reloaded" in line for line in self._process.log), 60.0)

    def watch(self, seconds: float, *, scraped_every: float | None = None) -> Window:
        """Let it work for so long, scraped as Prometheus does or not at all; what we ask it ourselves is not counted.

        The scrapes are in the middle of each stretch between two, or of the window where that is shorter.
        """
        asked = time.perf_counter()
        before = self.scrape(*_OF_WINDOW)
        began, cpu, waited = time.perf_counter(), cpu_seconds(self.pid), waited_seconds(self.pid)
        scrapes = []
        if scraped_every is not None:
            due = began + min(scraped_every, seconds) / 2
            while due < began + seconds:
                _sleep_until(due)
                scrapes.append(self._scrape_seconds())
                due += scraped_every
        _sleep_until(began + seconds)
        ended = time.perf_counter()
        took, used, waited = ended - began, cpu_seconds(self.pid) - cpu, waited_seconds(self.pid) - waited
        after = self.scrape(*_OF_WINDOW)
        # A scrape counts what was made before it was asked for. The probes made while the first is written belong to
        # nobody's window: their share is taken off.
        probes = (_total(after, "mx_domain_probes_total") - _total(before, "mx_domain_probes_total")) / (ended - asked)
        assert not _total(after, "mx_exporter_internal_errors_total"), "internal errors"
        return Window(took, used, round(probes * took), _late(before, after), waited, scrapes)

    def _scrape_seconds(self) -> float:
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
def subject(peers: Peers, dns_port: int, count: int, interval: float, first: str = "") -> Iterator[Subject]:
    """The exporter over the first `count` domains, from when all have been probed. `first`: Python it runs first."""
    with side_by_side(peers, dns_port, count, interval, [first]) as (running,):
        yield running


@contextlib.contextmanager
def side_by_side(
    peers: Peers, dns_port: int, count: int, interval: float, firsts: Sequence[str]
) -> Iterator[list[Subject]]:
    """One for each of `firsts`, all over the same domains."""
    with contextlib.ExitStack() as stack:
        config = _configured(peers, dns_port, count, interval)
        running = [stack.enter_context(_started(config, first=first)) for first in firsts]
        _until_probed(running, count * len(firsts), interval)
        yield running


@contextlib.contextmanager
def shards(peers: Peers, dns_port: int, count: int, interval: float, total: int) -> Iterator[list[Subject]]:
    """So many processes, each with its share of the domains."""
    with contextlib.ExitStack() as stack:
        config = _configured(peers, dns_port, count, interval)
        running = [
            stack.enter_context(_started(config, f"--shard={shard}", f"--total-shards={total}"))
            for shard in range(total)
        ]
        _until_probed(running, count, interval)
        yield running


def configuration(peers: Peers, dns_port: int, count: int, interval: float) -> str:
    """The configuration of the exporter over the first `count` domains."""
    names = "".join(f"  - {domain(number)}\n" for number in range(count))
    return (
        f"defaults: {{interval: {interval:g}s, timeout: 10s, port: {peers.port}, helo: probe.example,"
        f" address_families: [ipv4], allow_addresses: [127.0.0.0/8]}}\n"
        f'resolver: {{nameservers: ["127.0.0.1:{dns_port}"]}}\n'
        f"domains:\n{names}"
    )


def _configured(peers: Peers, dns_port: int, count: int, interval: float) -> Path:
    config = peers.folder / "config.yaml"
    config.write_text(configuration(peers, dns_port, count, interval))
    return config


@contextlib.contextmanager
def _started(config: Path, *arguments: str, first: str = "") -> Iterator[Subject]:
    with exporter(f"--config.file={config}", *arguments, first=first) as process:
        yield Subject(process, config)
        process.stop()


def _until_probed(running: list[Subject], count: int, interval: float) -> None:
    time.sleep(interval)
    end = time.monotonic() + 4 * interval + 10.0
    while (probed := sum(len(_values(each.scrape("mx_domain_up"), "mx_domain_up")) for each in running)) < count:
        assert time.monotonic() < end, f"only {probed} of {count} domains were probed within {5 * interval:g} s"
        time.sleep(interval / 10)
    texts = [each.scrape("mx_domain_up", "mx_domain_failure") for each in running]
    up = sum(_total(text, "mx_domain_up") for text in texts)
    reasons = Counter(
        found for text in texts for found in re.findall(r'^mx_domain_failure{class="(\w+)"', text, re.MULTILINE)
    )
    assert up == count, f"{count - up:.0f} domains are down: {reasons}"


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.perf_counter()))


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
