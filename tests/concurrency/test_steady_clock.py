"""Moments and their Unix time."""

from __future__ import annotations

import time

import pytest

from exporter.concurrency import steady_clock


def test_the_past_moves_with_the_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    at = time.time() - 60.0
    then = steady_clock.moment(at)
    assert steady_clock.unix(then) == pytest.approx(at, abs=0.5)
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 3600.0)
    assert steady_clock.unix(then) == pytest.approx(at + 3600.0, abs=0.5)


def test_no_moment_is_still_to_come() -> None:
    assert steady_clock.moment(time.time() + 3600.0) <= steady_clock.now()
