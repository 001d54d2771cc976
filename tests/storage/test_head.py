"""The head of a state: how old the file is, and how long ago the moments of its writer were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exporter.storage.head import Clock, Head, MovedClock, StateError, read_head
from exporter.storage.rows import UnsoundError
from exporter.storage.writing import lines
from tests.storage.states import probed, snapshot_of

HEAD = next(iter(lines(snapshot_of(probed()))))
# Written at 1,000 on the clock of a process that ended a minute ago.
SAVED = Head(5_000_000.0, 1000.0, {}, ())
NOW = Clock(5_000_060.0, 20.0)


def test_what_the_writer_has_written_is_read() -> None:
    head = read_head(iter([HEAD]))
    assert list(head.layout["HostRef"]) == ["number", "outcome", "facts"]
    assert abs(head.written - json.loads(HEAD)["written"]) < 1e-6


@pytest.mark.parametrize("written", ["now", None, True, 1e300])
def test_a_time_that_is_none_breaks_the_head(written: Any) -> None:
    with pytest.raises(StateError, match="broken"):
        read_head(iter([json.dumps(json.loads(HEAD) | {"written": written})]))


def test_a_moment_is_as_long_ago_as_it_was_and_as_the_file_is_old() -> None:
    moments = MovedClock(SAVED, NOW)
    assert moments.moved(990.0) == 20.0 - 60.0 - 10.0
    assert moments.moved(0.0) == 0.0, "there is none"
    assert moments.moved(5000.0) == 20.0, "none is still to come"
    with pytest.raises(UnsoundError):
        moments.moved(-1e11)


def test_a_file_of_a_clock_that_was_seconds_ahead_is_no_younger_than_new() -> None:
    moments = MovedClock(SAVED, Clock(SAVED.written - 4.0, 20.0))
    assert moments.moved(1000.0) == 20.0
    with pytest.raises(StateError, match="future"):
        MovedClock(SAVED, Clock(SAVED.written - 6.0, 20.0))


def test_a_time_is_still_to_come_where_no_two_readings_of_a_clock_differ_so() -> None:
    moments = MovedClock(SAVED, NOW)
    assert moments.has_come(NOW.unix + 4.0)
    assert not moments.has_come(NOW.unix + 6.0)
