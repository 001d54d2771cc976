"""The rows about the cost of one probe."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import truediv
from statistics import median

from tests.bench.peers import address
from tests.bench.subject import FULL_DIALOGUE, side_by_side, subject
from tests.bench.table import REMEMBERED, Line, Scale, microseconds, part, peers_for, ratio_line

# Probe intervals between two scrapes.
_SCRAPED = (1, 4)


def cached(scale: Scale) -> Iterator[Line]:
    """One probe with the lookups in memory, of a host that says what it said before; the scrapes are counted."""
    with (
        peers_for(scale.domains) as hosts,
        hosts.name_server(REMEMBERED) as dns,
        hosts.blackbox() as blackbox,
        subject(hosts, dns, scale.domains, scale.interval) as ours,
    ):
        target, pace = f"{{address}}:{hosts.port}", scale.domains / scale.interval
        blackbox.probe(scale.scrapes // 10, [("smtp", target)])
        rounds = []
        for _ in range(scale.rounds):
            two = [ours.watch(scale.seconds, scraped_every=each * scale.interval).cpu_each for each in _SCRAPED]
            scraped = blackbox.probe(scale.scrapes, [("smtp", target)])
            same_work = hosts.converse(scale.sessions, rate=pace, work="probe")
            bare = [hosts.converse(scale.sessions, rate=rate).cpu_each for rate in (pace, 0.0)]
            rounds.append((*two, scraped, same_work.cpu_each, *bare))
        assert _series_of_first(same_work.series) == _series_of_first(ours.scrape()), "the C client has other series"
    once, quarter, blackbox_s, worked, paced, flat_out = zip(*rounds, strict=True)
    what = "CPU per probe of an unchanged host, lookups cached, scraped once a probe"
    for own in (once, quarter):
        yield ratio_line(f"{what}: to a C client with the same work at the same pace", 1.5, own, worked)
        yield ratio_line("the same: to blackbox_exporter's per scrape", 1 / 5, own, blackbox_s)
        what = "the same, scraped once in four probes"
    # Who is woken for each event by itself pays more for it than who always finds the next one waiting.
    for pace_of, theirs in (("at the same pace", paced), ("as fast as it can", flat_out)):
        measured = f"{part(median(map(truediv, once, theirs)))} (to {microseconds(median(theirs))})"
        yield Line(f"the same, scraped once a probe: to a C client that keeps nothing, {pace_of}", "", measured, None)


def _series_of_first(text: str) -> set[str]:
    """The names and labels of the series of the first host."""
    mark = f'address="{address(0)}",'
    return {line.rpartition(" ")[0] for line in text.splitlines() if line.startswith("mx_host_") and mark in line}


def changing(scale: Scale) -> Iterator[Line]:
    """Hosts that say something else at each session, to the full dialogue; each side at half the pace, side by side."""
    for words, what, goal in (
        ("facts", "a host whose software, extensions and size limit change at each session", 1.05),
        ("dates", "a host whose date and ids change at each session", None),
    ):
        with (
            peers_for(scale.domains, words) as hosts,
            hosts.name_server(REMEMBERED) as dns,
            side_by_side(hosts, dns, scale.domains, 2 * scale.interval, ["", FULL_DIALOGUE]) as both,
            ThreadPoolExecutor(2) as pool,
        ):
            rounds = [
                list(pool.map(lambda each: each.watch(scale.seconds).cpu_each, both)) for _ in range(scale.rounds)
            ]
        own, theirs = zip(*rounds, strict=True)
        yield ratio_line(f"CPU per probe of {what}, to that of the full dialogue", goal, own, theirs)


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
    yield ratio_line(
        "CPU per probe, MX and address looked up afresh, to blackbox_exporter's dns and tcp scrapes",
        1 / 2,
        *zip(*rounds, strict=True),
    )
