"""The cost of a saved state. Run: python -m tests.bench.storage [DOMAINS]

So many domains with a mail host each, its certificate and half an hour of history, one in fifty down. Measured: the
size of the file, CPU of a save and of a start with it, and how long the event loop waits while the state is saved
beside it. Prints a table as Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from exporter.app.monitor import Monitor, Vantage
from exporter.app.state_keeping import StateKeeper
from exporter.app.tuning import spare_the_heap
from exporter.model.address import Family
from exporter.model.configuration import Config
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import DomainResult, HostResult, MxHost, MxLookup
from exporter.model.target import Settings, Target, TargetKind
from tests.results import changed, tls_host

_TICK: float = 0.001
_DOWN_EACH: int = 50
_PROBES: int = 32


class Cost(NamedTuple):
    """The cost of one file."""

    size: int
    save: float  # seconds of CPU
    start: float
    wait: float  # longest of the loop, seconds
    usual_wait: float  # the same of a loop with nothing beside it


def measure(domains: int) -> Cost:
    """Save the state of a fleet, and begin with it."""
    settings = Settings()
    targets = tuple(
        Target(TargetKind.DOMAIN, f"d{number}.example", f"d{number}.example", settings) for number in range(domains)
    )
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Config(targets=targets), Path(folder)))


async def _measured(config: Config, folder: Path) -> Cost:
    monitor = _monitor(config)
    for _ in monitor.results.replacing(config.targets, ()):
        pass
    for number, target in enumerate(config.targets):
        _fill(monitor, target, number)
    spare_the_heap()
    keeper = StateKeeper(folder, monitor)
    usual = await _longest_wait(asyncio.sleep(3.0))
    began = time.process_time()
    wait = await _longest_wait(keeper.save())
    save = time.process_time() - began
    await keeper.close()
    size = _size(folder)
    await monitor.stop()
    again = _monitor(config)
    began = time.process_time()
    keeper = StateKeeper(folder, again)
    await keeper.load()
    await keeper.begin()
    for _ in again.adopting(again.active):
        pass
    start = time.process_time() - began
    assert again.restored == len(config.targets)
    await again.stop()
    return Cost(size, save, start, wait, usual)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _monitor(config: Config) -> Monitor:
    return Monitor(config, Vantage("probe.example"))


def _fill(monitor: Monitor, target: Target, number: int) -> None:
    address = (
        f"198.18.{number // 250 % 250}.{number % 250}"
        if number < 62500
        else f"198.19.{number % 62500 // 250}.{number % 250}"
    )
    mx = f"mx.{target.name}"
    host = _host(mx, address, time.time(), down=number % _DOWN_EACH == 0)
    monitor.results.host_told(host.identity, host, session=True)
    lookup = MxLookup(target.host, (MxHost(mx, 10, (address,)),), mx_records=1, duration=0.0123)
    for turn in range(_PROBES):
        monitor.results.domain_told(target, _domain(lookup, host, time.time() - 60.0 * (_PROBES - turn)), turn=True)


def _host(mx: str, address: str, at: float, *, down: bool) -> HostResult:
    host = changed(tls_host(mx, address), at=at, took=0.2143)
    if not down:
        return host
    words = "no answer within 30 s, nor does port 443, while hosts of unrelated networks answer"
    failure = Failure(Stage.CONNECT, FailureClass.CONNECT_TIMEOUT, words)
    return changed(replace(host, outcome=replace(host.outcome, failure=failure)), phases=())


def _domain(lookup: MxLookup, host: HostResult, at: float) -> DomainResult:
    return DomainResult(at, 0.2266, lookup, (host,), ((Family.IPV4, 1),), host.failure, providers=(lookup.domain,))


async def _longest_wait(work: object) -> float:
    longest = 0.0
    task = asyncio.ensure_future(work)  # type: ignore[call-overload]
    while not task.done():
        began = time.perf_counter()
        await asyncio.sleep(_TICK)
        longest = max(longest, time.perf_counter() - began - _TICK)
    return longest


def rows(domains: int, cost: Cost) -> Iterator[str]:
    """The table."""
    yield f"| | {domains:,} domains |"
    yield "|---|---|"
    yield f"| file, bytes a domain | {cost.size / domains:.0f} |"
    yield f"| CPU of a save, ms per 1,000 domains | {1e6 * cost.save / domains:.0f} |"
    yield f"| CPU of a start with it, ms per 1,000 domains | {1e6 * cost.start / domains:.0f} |"
    waits = f"{1000 * cost.wait:.1f} ({1000 * cost.usual_wait:.1f})"
    yield f"| longest wait of the loop meanwhile (without), ms | {waits} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.storage", description=__doc__)
    parser.add_argument("domains", nargs="?", type=int, default=100_000)
    domains = parser.parse_args().domains
    print("\n".join(rows(domains, measure(domains))))


if __name__ == "__main__":
    main()
