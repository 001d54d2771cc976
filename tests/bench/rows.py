"""The rows of the table. Each measures with both sides in turn, in one run on one machine, and gives ratios."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import truediv
from statistics import median, quantiles

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from exporter.app.results import Results
from exporter.metrics.exposition import exposition, negotiate
from exporter.model.address import Family
from exporter.model.failure import Stage
from exporter.model.result import DomainResult, MxHost, MxLookup
from exporter.model.target import Settings, Target, TargetKind
from tests.bench.fleet_rows import provider, real_fleet
from tests.bench.peers import Peers, address, domain
from tests.bench.subject import Subject, phases, rtts, shards, subject
from tests.bench.table import REMEMBERED, Line, Scale, microseconds, part, peers_for
from tests.results import host_of
from tests.support.steps import at_once


def cached(scale: Scale) -> Iterator[Line]:
    """One probe with the lookups in memory."""
    with (
        peers_for(scale.domains) as hosts,
        hosts.name_server(REMEMBERED) as dns,
        hosts.blackbox() as blackbox,
        subject(hosts, dns, scale.domains, scale.interval) as ours,
    ):
        target, pace = f"{{address}}:{hosts.port}", scale.domains / scale.interval
        blackbox.probe(scale.scrapes // 10, [("smtp", target)])
        rounds = [
            (
                ours.watch(scale.seconds).cpu_each,
                blackbox.probe(scale.scrapes, [("smtp", target)]),
                hosts.converse(scale.sessions).cpu_each,
                hosts.converse(scale.sessions, rate=pace).cpu_each,
            )
            for _ in range(scale.rounds)
        ]
    own, blackbox_s, flat_out, paced = zip(*rounds, strict=True)
    # Who is woken for each event by itself pays more for it than who always finds the next one waiting.
    for what, goal, most, theirs in (
        ("CPU per probe, lookups cached, to blackbox_exporter's per scrape", "1/6", 1 / 6, blackbox_s),
        ("the same to a C client as fast as it can", "2", 2, flat_out),
        ("the same to a C client at the same pace", "2", 2, paced),
    ):
        ratio = median(map(truediv, own, theirs))
        measured = f"{part(ratio)} ({microseconds(median(own))} to {microseconds(median(theirs))})"
        yield Line(what, goal, measured, ratio <= most)


def fresh(scale: Scale) -> Iterator[Line]:
    """One probe with every lookup made afresh."""
    with (
        peers_for(scale.domains) as hosts,
        hosts.name_server(0) as dns,
        hosts.blackbox() as blackbox,
        subject(hosts, dns, scale.domains, scale.interval) as ours,
    ):
        scrapes = [("mx", f"127.0.0.1:{dns}"), ("smtp", f"{{address}}:{hosts.port}")]
        blackbox.probe(scale.scrapes // 10, scrapes)
        rounds = [
            (ours.watch(scale.seconds).cpu_each, blackbox.probe(scale.scrapes, scrapes)) for _ in range(scale.rounds)
        ]
    ratio = median(own / theirs for own, theirs in rounds)
    own, theirs = (median(column) for column in zip(*rounds, strict=True))
    yield Line(
        "CPU per probe, MX and address looked up afresh, to blackbox_exporter's dns and tcp scrapes",
        "1/2",
        f"{part(ratio)} ({microseconds(own)} to {microseconds(theirs)})",
        ratio <= 1 / 2,
    )


class _Library(Collector):
    """The same samples as the library's own values."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def scrape(scale: Scale) -> Iterator[Line]:
    """One scrape: our text, joined, against the library's generate_latest over the same samples."""
    rows = fleet(scale.rendered).rows()
    format_ = negotiate("")

    def ours() -> bytes:
        return b"".join(exposition(rows, None, format_))

    registry = CollectorRegistry()
    registry.register(_Library(text_string_to_metric_families(ours().decode())))
    same = ours() == generate_latest(registry)
    rounds = [(_cpu(ours), _cpu(lambda: generate_latest(registry))) for _ in range(scale.rounds)]
    ratio = median(own / theirs for own, theirs in rounds)
    own, theirs = (median(column) for column in zip(*rounds, strict=True))
    lines = sum(not line.startswith(b"#") for line in ours().splitlines())
    yield Line(
        f"CPU of a scrape of {scale.rendered:,} domains ({lines:,} samples), to generate_latest,"
        f" {'byte for byte the same' if same else 'NOT the same bytes'}",
        "1/20",
        f"{part(ratio)} ({1e3 * own:.1f} ms to {1e3 * theirs:.0f} ms)",
        same and ratio <= 1 / 20,
    )


def many(scale: Scale) -> Iterator[Line]:
    """One process over many domains, and what one of them costs against one of few."""
    with peers_for(scale.many) as hosts, hosts.name_server(REMEMBERED) as dns:
        # At the same pace: a process that is woken less often pays more for each time.
        with subject(hosts, dns, scale.few, scale.long * scale.few / scale.many) as ours:
            few, memory_few = ours.watch(scale.minute), ours.memory()
        began = time.perf_counter()
        with subject(hosts, dns, scale.many, scale.long) as ours:
            ours.catch_up(2.0, 2 * scale.long)
            caught_up = time.perf_counter() - began
            window = ours.watch(scale.minute)
            took = median(ours.scrape_seconds() for _ in range(scale.rounds))
            memory = ours.memory()
    due = scale.many * window.seconds / (scale.long)
    what = f"{scale.many:,} domains at {scale.long:g} s in one process, watched for {window.seconds:.0f} s"
    late = window.late[2.0]
    yield Line(f"{what}: seconds from the start until none was more than 2 s late", "", f"{caught_up:.0f} s", None)
    yield Line(f"{what}: probes that started more than 2 s late", "0", f"{late:,}", late == 0)
    yield Line(f"{what}: probes made, of those due", "all", f"{100 * window.probes / due:.1f} %", None)
    yield Line(f"{what}: part of a core", "under 1", f"{window.load:.2f}", window.load < 1)
    each = (memory - memory_few) / (scale.many - scale.few) / 1024
    yield Line(f"{what}: memory a domain", "8 KiB", f"{each:.1f} KiB ({memory / 2**20:.0f} MiB in all)", each <= 8)
    yield Line(f"{what}: a scrape", "2 s", f"{took:.2f} s", took <= 2)
    ratio = window.cpu_each / few.cpu_each
    yield Line(
        f"CPU per probe with {scale.many:,} domains, to that with {scale.few:,} at the same pace",
        "1.1",
        f"{ratio:.2f} ({microseconds(window.cpu_each)} to {microseconds(few.cpu_each)})",
        ratio <= 1.1,
    )


_SHARDS = 4


def sharded(scale: Scale) -> Iterator[Line]:
    """Several processes with a share of the domains each, at the pace of all together."""
    with peers_for(scale.fast) as hosts, hosts.name_server(REMEMBERED) as dns:
        with subject(hosts, dns, scale.fast, scale.slow) as alone:
            one = alone.watch(scale.seconds)
        with (
            shards(hosts, dns, scale.fast, scale.slow, _SHARDS) as running,
            ThreadPoolExecutor(_SHARDS) as pool,
        ):
            windows = list(pool.map(lambda each: each.watch(scale.seconds), running))
    probes, seconds = sum(window.probes for window in windows), median(window.seconds for window in windows)
    what = f"{_SHARDS} shards over {min(_SHARDS, os.cpu_count() or 1)} cores, {scale.fast:,} domains"
    due = scale.fast * seconds / scale.slow
    yield Line(f"{what}: probes made, of those due", "all", f"{100 * probes / due:.1f} %", None)
    shares = [window.probes / probes for window in windows]
    yield Line(f"{what}: the largest share", "", f"{100 * max(shares):.1f} %", None)
    each = sum(window.cpu for window in windows) / probes
    yield Line(f"{what}: CPU per probe, to one process", "", f"{each / one.cpu_each:.2f} ({microseconds(each)})", None)


# Seconds between two probes of a domain, in the row about time.
_FAST_SECONDS = 5.0


def times(scale: Scale) -> Iterator[Line]:
    """What is measured while many probes a second run, against what the C client measures of the same hosts."""
    with (
        peers_for(scale.fast) as hosts,
        hosts.name_server(REMEMBERED) as dns,
        subject(hosts, dns, scale.fast, _FAST_SECONDS) as ours,
    ):
        rate = scale.fast / _FAST_SECONDS
        rounds = [_measure_times(ours, hosts, rate / 10) for _ in range(scale.rounds)]
    goals = (("connect", 0.001, 0.005), ("banner", 0.001, 0.005), ("kernel's round-trip", 0.0001, 0.001))
    for phase, *bounds in goals:
        for name, place, goal in (("median", 49, bounds[0]), ("99th percentile", 98, bounds[1])):
            differences = [own[phase][place] - theirs[phase][place] for own, theirs in rounds]
            difference = median(differences)
            own = median(each[phase][place] for each, _ in rounds)
            yield Line(
                f"{phase} time at {rate:,.0f} probes a second, {name}, to the C client's",
                f"within {1e3 * goal:g} ms",
                f"{1e3 * difference:+.2f} ms ({1e3 * own:.2f} ms measured)",
                abs(difference) <= goal,
            )


def _measure_times(ours: Subject, hosts: Peers, rate: float) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Percentiles by phase of one interval, ours and theirs."""
    client = hosts.converse(round(rate * _FAST_SECONDS), rate=rate)
    text = ours.scrape()
    own = {phase: phases(text, phase) for phase in ("connect", "banner")} | {"kernel's round-trip": rtts(text)}
    theirs = {"connect": client.connects, "banner": client.banners, "kernel's round-trip": client.rtts}
    return _percentiles(own), _percentiles(theirs)


def _percentiles(values: dict[str, list[float]]) -> dict[str, list[float]]:
    return {what: quantiles(each, n=100) for what, each in values.items()}


ROWS: dict[str, Callable[[Scale], Iterator[Line]]] = {
    "cached": cached,
    "fresh": fresh,
    "scrape": scrape,
    "many": many,
    "times": times,
    "sharded": sharded,
    "provider": provider,
    "fleet": real_fleet,
}


def fleet(count: int) -> Results:
    """The results of so many domains, each with a host of its own."""
    results = Results()
    targets = [Target(TargetKind.DOMAIN, domain(number), domain(number), Settings()) for number in range(count)]
    at_once(results.replacing(targets, []))
    for number, target in enumerate(targets):
        probed = _result(number)
        results.domain_told(target, probed, turn=True)
        for host in probed.hosts:
            results.host_told(host.identity, host, session=True)
    return results


def _result(number: int) -> DomainResult:
    """As of a host that is well, with figures of its own."""
    fraction = (number % 997) / 997e3
    host = host_of(
        mx=f"mx.{domain(number)}",
        address=address(number),
        phases=((Stage.CONNECT, 0.02 + fraction), (Stage.BANNER, 0.03), (Stage.EHLO, 0.02), (Stage.QUIT, 0.02)),
        reply_codes=((Stage.BANNER, 220), (Stage.EHLO, 250), (Stage.QUIT, 221)),
        tcp_rtt=0.0199 + fraction,
        esmtp=True,
        extensions=("STARTTLS", "PIPELINING", "SIZE", "8BITMIME", "DSN"),
        size_limit=10240000,
    )
    lookup = MxLookup(domain(number), (MxHost(host.mx, 10),), duration=0.0123, mx_records=1)
    return DomainResult(
        at=1.7e9 + number,
        duration=0.1 + fraction,
        lookup=lookup,
        hosts=(host,),
        found=((Family.IPV4, 1),),
        failure=None,
    )


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this thread; the best of three, for the caches of the machine are others' too."""
    best = float("inf")
    for _ in range(3):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
    return best
