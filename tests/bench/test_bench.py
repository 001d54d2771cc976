"""Each row of the benchmark still runs, small and short. What it measures then is nobody's figure."""

from __future__ import annotations

import sys

import pytest

from tests.bench.rows import ROWS, SMOKE
from tests.lab.require import missing, require_program


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
