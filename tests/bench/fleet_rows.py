"""The rows about fleets that share their mail hosts: one provider, and a fleet as it really is."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from statistics import median

from tests.bench.fleets import PROVIDER_ADDRESSES, PROVIDER_NAMES, Fleet, fleet_of
from tests.bench.subject import Window, subject
from tests.bench.table import REMEMBERED, Line, Scale, microseconds, part, peers_for

# The interval of the row about one provider, of that of the fleets.
_PACE = 1 / 3


def provider(scale: Scale) -> Iterator[Line]:
    """The turn of a domain whose hosts are all shared, to a session with a host."""
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
            with hosts.name_server(REMEMBERED) as dns, subject(hosts, dns, scale.few, interval) as each:
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
            window = ours.watch(scale.minute)
            took = median(ours.scrape_seconds() for _ in range(scale.rounds))
            memory, text = ours.memory(), ours.scrape()
    what = f"a fleet of {fleet.count:,} domains at {scale.long:g} s"
    yield Line(f"{what}: seconds from the start until none was more than 2 s late", "", f"{caught_up:.0f} s", None)
    yield from _of_window(what, window, fleet.count / scale.long)
    each = (memory - memory_small) / (fleet.count - small.count) / 1024
    yield Line(f"{what}: memory a domain", "4 KiB", f"{each:.1f} KiB ({memory / 2**20:.0f} MiB in all)", each <= 4)
    lines = text.count("\n")
    size = f"{took:.2f} s ({lines:,} lines, {len(text) / 2**20:.0f} MiB)"
    yield Line(f"{what}: a scrape with gzip", "1.5 s", size, took <= 1.5)
    series = _series_of_first(text, fleet.on_provider) / fleet.on_provider
    yield Line(f"{what}: series a domain, of those on the provider", "20", f"{series:.1f}", series <= 20)


def _of_window(what: str, window: Window, rate: float) -> Iterator[Line]:
    late = window.late[2.0]
    yield Line(f"{what}: turns and sessions that started more than 2 s late", "0", f"{late:,}", late == 0)
    made = window.probes / (rate * window.seconds)
    yield Line(f"{what}: turns made, of those due", "all", f"{100 * made:.1f} %", None)
    yield Line(f"{what}: part of a core", "under 0.8", f"{window.load:.2f}", window.load < 0.8)


def _series_of_first(text: str, count: int) -> int:
    """The series of the first domains and of their provider's hosts."""
    domains = sum(int(number) < count for number in re.findall(r'^[^#\n]*\{domain="d(\d+)\.', text, re.MULTILINE))
    hosts = len(re.findall(r'^mx_host_[^\n]*mx="provider\d+\.', text, re.MULTILINE))
    return domains + hosts
