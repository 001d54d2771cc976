"""Rows of targets, hosts and our own side: records of this process, or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exporter.model.address import Family
from exporter.storage.head import Clock, MovedClock, read_head
from exporter.storage.record_rows import INSTEAD, RecordReader
from exporter.storage.rows import RowReader
from exporter.storage.soundness import CHECKS
from tests.storage.states import BLOCKED, DOWN, text_of

TEXT = text_of()
HEAD = read_head(iter(TEXT))
NOW = Clock(HEAD.written + 60.0, 500.0)


def reader() -> RecordReader:
    return RecordReader(RowReader(HEAD.layout, CHECKS, INSTEAD), HEAD, MovedClock(HEAD, NOW))


def columns(kind: str, skipped: int, name: str = "") -> list[Any]:
    rows = map(json.loads, TEXT[1:])
    return next(row[skipped:] for row in rows if row[0] == kind and (not name or name in row))


def test_a_target_has_its_hosts_as_numbers_and_its_moments_on_this_clock() -> None:
    found = reader().target(DOWN.key, columns("target", 4, DOWN.name))
    assert (found.key, found.saved.probes, found.saved.probe_failures) == (DOWN.key, 3, 3)
    assert [each.number for each in found.hosts] == [1]
    assert found.saved.began == pytest.approx(NOW.moment - 80.0, abs=5.0)


def test_a_host_tells_that_it_has_series() -> None:
    saved, is_told = reader().host(columns("host", 2))
    assert is_told
    assert saved.result.identity.mx == "mx.well.example"


def test_our_own_side_was_so_when_it_was_written() -> None:
    view = reader().side(columns("side", 1)).egress[Family.IPV4]
    assert (view, view.as_of) == (BLOCKED, HEAD.written)


@pytest.mark.parametrize("states", [[[None, -1]], [[None, 2**40]], [["up", 1]], [[None, 1.5]]])
def test_a_count_that_is_none_is_refused(states: Any) -> None:
    at, _, waiting = columns("count", 1)
    with pytest.raises(ValueError, match=r"."):
        reader().count([at, states, waiting])
