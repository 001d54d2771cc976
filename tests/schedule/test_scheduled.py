"""A thing that has a place in the schedule, before it has one."""

from __future__ import annotations

import pytest

from exporter.schedule.scheduled import Scheduled


async def test_a_new_one_has_no_moment_and_nothing_under_way_and_needs_a_slot() -> None:
    turn = Scheduled()
    assert (turn.place, turn.course, turn.reports_start) == (None, None, True)
    assert not turn.run_now()


async def test_a_subclass_says_how_often_and_how_it_is_run() -> None:
    turn = Scheduled()
    with pytest.raises(NotImplementedError):
        _ = turn.interval
    with pytest.raises(NotImplementedError):
        _ = turn.phase_key
    with pytest.raises(NotImplementedError):
        await turn.run()
    with pytest.raises(NotImplementedError):
        turn.failed(RuntimeError())
