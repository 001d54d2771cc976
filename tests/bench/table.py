"""The table of the benchmark: how much is measured, its lines, and figures as people read them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peers import Peers, peers

# A day: no answer is forgotten while somebody measures.
REMEMBERED = 86400


@dataclass(frozen=True, slots=True)
class Scale:
    """The amount that is measured: the whole benchmark, or a short one that only shows that it works."""

    rounds: int = 3
    domains: int = 5_000  # of the rows about one probe, once every `interval`: 100,000 a minute
    interval: float = 3.0
    sessions: int = 5_000  # of the C client, a round
    scrapes: int = 1_500  # of blackbox_exporter, a round
    seconds: float = 10.0  # of the exporter, a round
    rendered: int = 10_000
    many: int = 100_000
    few: int = 10_000
    long: float = 60.0  # interval of the many and the few
    minute: float = 60.0  # seconds they are watched for
    fast: int = 10_000  # domains of the row about time, once every _FAST_SECONDS
    slow: float = 10.0  # interval of the row about shards
    provider: int = 20_000  # domains of one provider, once every `long`
    fleet: int = 100_000  # domains of a real fleet, once every `long`


WHOLE = Scale()
SMOKE = Scale(
    rounds=1, domains=40, interval=1.0, sessions=40, scrapes=20, seconds=2.0, rendered=200,
    many=200, few=100, long=2.0, minute=3.0, fast=100, slow=1.0, provider=100, fleet=400,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    goal: str
    measured: str
    met: bool | None  # None: told for its own sake


@contextmanager
def peers_for(count: int) -> Iterator[Peers]:
    """The peers at work in a folder of their own, for `count` mail hosts."""
    with tempfile.TemporaryDirectory(prefix="mx-bench-") as folder, peers(Path(folder), count) as running:
        yield running


def part(ratio: float) -> str:
    """A ratio as people say it."""
    return f"1/{1 / ratio:.1f}" if ratio < 1 else f"{ratio:.1f}"


def microseconds(seconds: float) -> str:
    """Seconds as microseconds."""
    return f"{1e6 * seconds:.0f} µs"
