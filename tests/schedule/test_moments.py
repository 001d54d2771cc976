"""The bins of the moments to come, on a virtual clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from typing import Any

import pytest

from exporter.schedule.moments import BIN_SECONDS, PATIENCE_SECONDS, PATIENT_BIN_SECONDS, Moments
from exporter.schedule.scheduled import Scheduled
from tests.support.virtual_time import run_virtually


class Patient(Scheduled):
    is_patient = True


def _due(at: float, kind: type[Scheduled] = Scheduled) -> Scheduled:
    turn = kind()
    turn.due = at
    return turn


class Taken:
    """The turns that were taken, each with the time, at their alarms."""

    def __init__(self) -> None:
        self.at: dict[Scheduled, float] = {}
        self.alarms = 0
        self.moments = Moments(self._take)

    def _take(self) -> None:
        now = asyncio.get_running_loop().time()
        self.alarms += 1
        self.at.update(dict.fromkeys(self.moments.take(now), now))
        self.moments.set_alarm()


def _run(main: Coroutine[Any, Any, None]) -> None:
    run_virtually(main)


def test_turns_are_taken_after_their_moment_and_within_a_bin_of_it() -> None:
    async def main() -> None:
        taken, now = Taken(), asyncio.get_running_loop().time()
        turns = [_due(now + 0.0007 * number) for number in range(1000)]
        for turn in turns:
            taken.moments.put(turn)
        await asyncio.sleep(2.5)
        assert list(taken.at) == turns
        assert all(-1e-5 < at - turn.due < BIN_SECONDS + 1e-5 for turn, at in taken.at.items())
        assert all(turn.place is None for turn in turns)
        assert taken.moments.overdue == 0.0

    _run(main())


def test_patient_turns_come_with_the_alarms_of_others_and_alone_a_little_late() -> None:
    async def main() -> None:
        taken, now = Taken(), math.ceil(asyncio.get_running_loop().time())
        patient = [_due(now + 0.001 * number, Patient) for number in range(1, 1001)]
        for turn in patient:
            taken.moments.put(turn)
        await asyncio.sleep(2.5)
        assert list(taken.at) == patient
        late = [at - turn.due for turn, at in taken.at.items()]
        assert min(late) > -1e-5
        assert max(late) <= PATIENT_BIN_SECONDS + PATIENCE_SECONDS + 1e-5
        assert taken.alarms < 20
        taken.at.clear()
        now = math.ceil(asyncio.get_running_loop().time())
        for number in range(1, 101):
            taken.moments.put(_due(now + 0.01 * number))
            taken.moments.put(_due(now + 0.01 * number - 0.005, Patient))
        taken.alarms = 0
        await asyncio.sleep(2.5)
        assert (len(taken.at), taken.alarms) == (200, 100)
        assert max(at - turn.due for turn, at in taken.at.items()) < 0.03

    _run(main())


def test_a_prompt_turn_is_not_late_for_the_sake_of_a_patient_one() -> None:
    async def main() -> None:
        taken, now = Taken(), math.ceil(asyncio.get_running_loop().time())
        prompt = _due(now + 0.03)
        taken.moments.put(_due(now + 0.01, Patient))
        taken.moments.put(prompt)
        await asyncio.sleep(2.5)
        assert taken.at[prompt] - prompt.due < BIN_SECONDS + 1e-5
        assert taken.alarms == 1

    _run(main())


@pytest.mark.parametrize("back", [False, True])
def test_a_turn_that_is_put_elsewhere_is_taken_once_and_there(back: bool) -> None:
    async def main() -> None:
        moments = Moments(lambda: None)
        now = asyncio.get_running_loop().time()
        moved, stays = _due(now + 1.0), _due(now + 1.0)
        for turn in (moved, stays):
            moments.put(turn)
        moved.due = now + 2.0
        moments.put(moved)
        if back:
            moved.due = now + 1.0
            moments.put(moved)
        assert set(moments.take(now + 1.5)) == ({stays, moved} if back else {stays})
        assert list(moments.take(now + 3.0)) == ([] if back else [moved])
        moments.stop()

    _run(main())


def test_a_turn_without_a_place_is_not_taken() -> None:
    async def main() -> None:
        moments = Moments(lambda: None)
        turn = _due(asyncio.get_running_loop().time())
        moments.put(turn)
        turn.place = None
        assert list(moments.take(turn.due + 1.0)) == []
        moments.stop()

    _run(main())


def test_after_the_stop_nothing_is_told() -> None:
    async def main() -> None:
        told: list[None] = []
        moments = Moments(lambda: told.append(None))
        now = asyncio.get_running_loop().time()
        moments.put(_due(now + 1.0))
        moments.stop()
        moments.put(_due(now + 0.5))
        await asyncio.sleep(3.0)
        assert told == []
        assert moments.overdue == 0.0

    _run(main())
