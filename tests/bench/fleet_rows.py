"""The rows about whole fleets: a host for each domain, one provider for all, and a fleet as it really is."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from statistics import median

from tests.bench.fleets import PROVIDER_ADDRESSES, PROVIDER_NAMES, Fleet, fleet_of
from tests.bench.subject import FULL_DIALOGUE, Window, subject
from tests.bench.table import REMEMBERED, Line, Scale, microseconds, part, peers_for, ratio_line

# The interval of the row about one provider, of that of the fleets.
_PACE = 1 / 3


def provider(scale: Scale) -> Iterator[Line]:
    """The turn of a domain whose hosts are all shared, to a session with a host in the full dialogue."""
    fleet, interval = Fleet(scale.provider, 0, 0), max(1.0, scale.long * _PACE)
    with peers_for(max(scale.few, PROVIDER_NAMES * PROVIDER_ADDRESSES)) as hosts:
        rounds = []
        for _ in range(scale.rounds):
            with (
                hosts.name_server(REMEMBERED, fleet.zone()) as dns,
                subject(hosts, dns, fleet.count, interval) as shared,
            ):
                time.sleep(interval)  # the second turn still has to do with the lookups
                many = shared.watch(scale.seconds)
            with hosts.name_server(REMEMBERED, fleet.zone()) as dns, subject(hosts, dns, 1, interval) as one:
                alone = one.watch(scale.seconds)
            with (
                hosts.name_server(REMEMBERED) as dns,
                subject(hosts, dns, scale.few, interval, FULL_DIALOGUE) as each,
            ):
                sessions = each.watch(scale.seconds)
            rounds.append(((many.load - alone.load) * many.seconds / many.probes, sessions.cpu_each))
    turn, session = (median(column) for column in zip(*rounds, strict=True))
    turn = max(turn, 1e-9)  # so short a time may show none at all
    ratio = turn / session
    yield Line(
        f"CPU of a domain's turn, {fleet.count:,} domains on one provider of {PROVIDER_NAMES} MX names with"
        f" {PROVIDER_ADDRESSES} addresses each, to that of a domain with a session of its own",
        "1/20",
        f"{part(ratio)} ({microseconds(turn)} to {microseconds(session)})",
        ratio <= 1 / 20,
    )


def many(scale: Scale) -> Iterator[Line]:
    """One process over many domains with a host each, and what one of them costs against one of few."""
    pace = scale.long * scale.few / scale.many
    with peers_for(scale.many) as hosts, hosts.name_server(REMEMBERED) as dns:
        # At the same pace: a process that is woken less often pays more for each time.
        with subject(hosts, dns, scale.few, pace) as ours:
            few, memory_few = ours.watch(scale.minute, scraped_every=pace / 2), ours.memory()
        began = time.perf_counter()
        with subject(hosts, dns, scale.many, scale.long) as ours:
            ours.catch_up(2.0, 2 * scale.long)
            caught_up = time.perf_counter() - began
            window = ours.watch(scale.minute, scraped_every=scale.long / 2)
            memory = ours.memory()
    what = f"{scale.many:,} domains with a host each at {scale.long:g} s, scraped every {scale.long / 2:g} s"
    yield _late(f"{what}: turns and sessions", window)
    yield from _work(window, scale.many / scale.long, 0.4)
    yield _memory(memory, (memory - memory_few) / (scale.many - scale.few), 8)
    yield _scrape("a scrape with gzip", window, 1.0)
    yield _start(caught_up)
    yield ratio_line(
        f"the same: CPU per probe, to that with {scale.few:,} domains at the same pace",
        1.1,
        [window.cpu_each],
        [few.cpu_each],
    )


def real_fleet(scale: Scale) -> Iterator[Line]:
    """One process over a fleet of which a quarter has one provider, and a fifth MX names of their own on few hosts."""
    fleet = fleet_of(scale.fleet)
    small = fleet_of(scale.fleet // 10)
    with peers_for(scale.fleet) as hosts:
        with (
            hosts.name_server(REMEMBERED, small.zone()) as dns,
            subject(hosts, dns, small.count, scale.long) as ours,
        ):
            memory_small = ours.memory()
        began = time.perf_counter()
        with hosts.name_server(REMEMBERED, fleet.zone()) as dns, subject(hosts, dns, fleet.count, scale.long) as ours:
            ours.catch_up(2.0, 2 * scale.long)
            caught_up = time.perf_counter() - began
            quiet = ours.watch(scale.minute)
            window = ours.watch(scale.minute, scraped_every=scale.long / 2)
            memory, text = ours.memory(), ours.scrape()
    what = f"a fleet of {fleet.count:,} domains at {scale.long:g} s, scraped every {scale.long / 2:g} s"
    yield _late(f"{what}: turns and sessions", window)
    yield _late("the same while nobody scrapes: turns and sessions", quiet)
    yield from _work(window, fleet.count / scale.long, 0.8)
    yield _memory(memory, (memory - memory_small) / (fleet.count - small.count), 4)
    lines, size = text.count("\n"), len(text) / 2**20
    yield _scrape(f"a scrape with gzip, {lines:,} lines, {size:.0f} MiB", window, 1.5)
    series = _series_of_first(text, fleet.on_provider) / fleet.on_provider
    yield Line("the same: series a domain, of those on the provider", "20", f"{series:.1f}", series <= 20)
    yield _start(caught_up)


def _start(seconds: float) -> Line:
    return Line("the same: from the start until none was more than 2 s late", "", f"{seconds:.0f} s", None)


def _late(what: str, window: Window) -> Line:
    late, busy = window.late[2.0], 100 * window.waited / window.seconds
    measured = f"{late:,} ({busy:.0f} % of the time they waited for a core)"
    return Line(f"{what} that started more than 2 s late", "0", measured, late == 0)


def _work(window: Window, rate: float, most: float) -> Iterator[Line]:
    """`rate`: the turns that are due each second."""
    made = window.probes / (rate * window.seconds)
    yield Line("the same: turns made, of those due", "all", f"{100 * made:.1f} %", None)
    yield Line("the same: part of a core", f"under {most:g}", f"{window.load:.2f}", window.load < most)


def _memory(memory: int, each: float, most: float) -> Line:
    measured = f"{each / 1024:.1f} KiB ({memory / 2**20:.0f} MiB in all)"
    return Line("the same: memory a domain", f"{most:g} KiB", measured, each <= 1024 * most)


def _scrape(what: str, window: Window, most: float) -> Line:
    took = median(window.scrapes)
    return Line(f"the same: {what}", f"{most:g} s", f"{took:.2f} s", took <= most)


def _series_of_first(text: str, count: int) -> int:
    """The series of the first domains and of their provider's hosts."""
    domains = sum(int(number) < count for number in re.findall(r'^[^#\n]*\{domain="d(\d+)\.', text, re.MULTILINE))
    hosts = len(re.findall(r'^mx_host_[^\n]*mx="provider\d+\.', text, re.MULTILINE))
    return domains + hosts
