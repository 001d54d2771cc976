"""Each row of the benchmark still runs, small and short. What it measures then is nobody's figure."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import pytest

from tests.bench.peers import peers
from tests.bench.rows import ROWS
from tests.bench.sizing import measure, silent, table
from tests.bench.table import SMOKE
from tests.support.require import missing, require_program

pytestmark = [pytest.mark.long, pytest.mark.unmeasured]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_measures_both_sides(row: str) -> None:
    """Every probe and every scrape in it succeeds, or the row raises."""
    if sys.platform != "linux":
        missing("the benchmark reads the CPU seconds of processes from Linux's /proc")
    for program in ("cc", "nsd", "prometheus-blackbox-exporter"):
        require_program(program)
    lines = list(ROWS[row](SMOKE))
    assert lines
    assert all(line.measured for line in lines)


def test_a_scrape_is_byte_for_byte_what_the_library_writes() -> None:
    (line,) = ROWS["scrape"](SMOKE)
    assert "byte for byte the same" in line.what


async def test_the_needs_of_a_fleet_are_counted() -> None:
    """Well: the lookup of one MX host in both families. Silent: each is under way and has its socket until the end."""
    if sys.platform != "linux":
        missing("open files are read from Linux's /proc")
    for program in ("cc", "nsd"):
        require_program(program)
    with tempfile.TemporaryDirectory() as folder, peers(Path(folder), 30) as hosts:
        well = await asyncio.to_thread(measure, hosts, 30, port=hosts.port, interval=3.0)
        waiting = await silent(hosts, 30, interval=3.0, wait=2.0)
    assert (well.up, waiting.up) == (30, 0)
    assert well.of_domain > 5
    assert well.of_address > 10
    assert 1 < well.packed < well.text
    assert well.memory > 2**20
    assert well.questions is not None
    # Probes and queries are not counted at the same instant.
    assert 2.7 < well.questions < 4
    assert waiting.in_flight > well.in_flight
    assert waiting.files > well.files
    assert len(list(table([("well", well), ("silent", waiting)]))) == 8
