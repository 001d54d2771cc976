"""Two clocks, of which one may be set."""

from __future__ import annotations

import time

import pytest

from exporter.egress.clocks import Clocks


@pytest.mark.parametrize(("set_by", "step"), [(3600.0, 3600.0), (-60.0, -60.0), (0.1, 0.0)])
async def test_a_step_is_seen_once_and_a_clock_that_is_steered_makes_none(
    monkeypatch: pytest.MonkeyPatch, set_by: float, step: float
) -> None:
    clocks, really = Clocks(), time.time
    monkeypatch.setattr(time, "time", lambda: really() + set_by)
    assert clocks.step(clocks.now()) == pytest.approx(step, abs=0.05)
    assert clocks.step(clocks.now()) == 0.0
