"""The table of the benchmark: how much is measured, its lines, and figures as people read them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import truediv
from pathlib import Path
from statistics import median, quantiles

from tests.bench.peers import Peers, peers

# A day: no answer is forgotten while somebody measures.
REMEMBERED = 86400


@dataclass(frozen=True, slots=True)
class Scale:
    """The amount that is measured: the whole benchmark, or a short one that only shows that it works."""

    rounds: int = 3
    domains: int = 5_000  # of the rows about one probe, once every `interval`: 100,000 a minute
    interval: float = 3.0
    sessions: int = 15_000  # of the C client, a round
    scrapes: int = 1_500  # of blackbox_exporter, a round
    seconds: float = 12.0  # of the exporter, a round
    rendered: int = 10_000
    many: int = 100_000
    few: int = 10_000
    long: float = 60.0  # interval of the many and the few
    minute: float = 60.0  # seconds they are watched for
    fast: int = 10_000  # domains of the row about time
    fast_seconds: float = 5.0  # their interval
    slow: float = 10.0  # interval of the row about shards
    provider: int = 20_000  # domains of one provider, once every `long`
    fleet: int = 100_000  # domains of a real fleet, once every `long`
    hostile: int = 500  # mail hosts that attack it


WHOLE = Scale()
SMOKE = Scale(
    rounds=1, domains=40, interval=1.0, sessions=60, scrapes=20, seconds=1.2, rendered=200,
    many=200, few=100, long=2.0, minute=2.0, fast=100, fast_seconds=1.0, slow=1.0, provider=100, fleet=400, hostile=40,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    goal: str
    measured: str
    met: bool | None  # None: told for its own sake


@contextmanager
def peers_for(count: int, words: str = "same") -> Iterator[Peers]:
    """The peers at work in a folder of their own, for `count` mail hosts with such words."""
    with tempfile.TemporaryDirectory(prefix="mx-bench-") as folder, peers(Path(folder), count, words) as running:
        yield running


def ratio_line(what: str, goal: float | None, own: Sequence[float], theirs: Sequence[float]) -> Line:
    """CPU seconds of both sides, round by round, as the median of their ratios."""
    ratio = median(map(truediv, own, theirs))
    measured = f"{part(ratio)} ({microseconds(median(own))} to {microseconds(median(theirs))})"
    if goal is None:
        return Line(what, "", measured, None)
    return Line(what, f"{goal:g}" if goal >= 1 else f"1/{1 / goal:g}", measured, ratio <= goal)


def part(ratio: float) -> str:
    """A ratio as people say it."""
    return f"1/{1 / ratio:.1f}" if ratio < 0.8 else f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}"


def percentiles(values: dict[str, list[float]]) -> dict[str, list[float]]:
    """The 99 percentiles of each."""
    return {what: quantiles(each, n=100) for what, each in values.items()}


def microseconds(seconds: float) -> str:
    """Seconds as microseconds."""
    return f"{1e6 * seconds:.0f} µs"
