"""A loop that stands still is seen from another thread."""

from __future__ import annotations

import time

import pytest

from exporter.app.heartbeat import STUCK_SECONDS, Heartbeat


def test_trouble_is_told_while_the_loop_or_a_part_of_it_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    heartbeat = Heartbeat()
    assert heartbeat.trouble == ""
    now += STUCK_SECONDS + 5
    assert heartbeat.trouble == "the loop of the probes has not run for 20 s"
    heartbeat.beat("a part stands still")
    assert heartbeat.trouble == "a part stands still"
    heartbeat.beat()
    assert heartbeat.trouble == ""
