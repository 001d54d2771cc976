"""The rows of the table by name. Each measures both sides in turn, in one run on one machine, and gives ratios."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from exporter.app.results import Results
from exporter.metrics.exposition import exposition, negotiate
from exporter.model.address import Family
from exporter.model.failure import Stage
from exporter.model.result import DomainResult, MxHost, MxLookup
from exporter.model.target import Settings, Target, TargetKind
from tests.bench.fleet_rows import many, provider, real_fleet
from tests.bench.hostile_rows import attacked
from tests.bench.peers import Peers, address, domain
from tests.bench.probe_rows import cached, changing, fresh
from tests.bench.subject import Subject, phases, rtts, shards, subject
from tests.bench.table import REMEMBERED, Line, Scale, microseconds, part, peers_for, percentiles
from tests.results import host_of
from tests.support.steps import at_once


class _Library(Collector):
    """The same samples as the library's own values."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def scrape(scale: Scale) -> Iterator[Line]:
    """One scrape: our text, joined, against the library's generate_latest over the same samples."""
    rows = [*fleet(scale.rendered).rows()]
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


def times(scale: Scale) -> Iterator[Line]:
    """What is measured while many probes a second run, against what the C client measures of the same hosts."""
    with (
        peers_for(scale.fast) as hosts,
        hosts.name_server(REMEMBERED) as dns,
        subject(hosts, dns, scale.fast, scale.fast_seconds) as ours,
    ):
        rate = scale.fast / scale.fast_seconds
        sessions = round(rate / 10 * scale.fast_seconds)
        rounds = [_measure_times(ours, hosts, sessions, rate / 10) for _ in range(scale.rounds)]
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


def _measure_times(
    ours: Subject, hosts: Peers, sessions: int, rate: float
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Percentiles by phase of one interval, ours and theirs."""
    client = hosts.converse(sessions, rate=rate)
    text = ours.scrape()
    own = {phase: phases(text, phase) for phase in ("connect", "banner")} | {"kernel's round-trip": rtts(text)}
    theirs = {"connect": client.connects, "banner": client.banners, "kernel's round-trip": client.rtts}
    return percentiles(own), percentiles(theirs)


ROWS: dict[str, Callable[[Scale], Iterator[Line]]] = {
    "cached": cached,
    "changing": changing,
    "fresh": fresh,
    "scrape": scrape,
    "many": many,
    "times": times,
    "sharded": sharded,
    "provider": provider,
    "fleet": real_fleet,
    "attacked": attacked,
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
    fraction = round((number % 997) / 997e3, 6)
    host = host_of(
        mx=f"mx.{domain(number)}",
        address=address(number),
        phases=(
            (Stage.CONNECT, round(0.02 + fraction, 6)),
            (Stage.BANNER, 0.03),
            (Stage.EHLO, 0.02),
            (Stage.QUIT, 0.02),
        ),
        reply_codes=((Stage.BANNER, 220), (Stage.EHLO, 250), (Stage.QUIT, 221)),
        tcp_rtt=round(0.0199 + fraction, 6),
        esmtp=True,
        extensions=("STARTTLS", "PIPELINING", "SIZE", "8BITMIME", "DSN"),
        size_limit=10240000,
    )
    lookup = MxLookup(domain(number), (MxHost(host.mx, 10),), duration=0.0123, mx_records=1)
    return DomainResult(
        at=1.7e9 + number,
        duration=round(0.1 + fraction, 6),
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
