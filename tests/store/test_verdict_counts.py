"""The counts a minute: a day of them, and never more."""

from __future__ import annotations

from exporter.model.failure import Verdict
from exporter.store.verdict_counts import MAX_COUNTS, MINUTE, VerdictCounts


def test_a_count_comes_back_as_it_went_in() -> None:
    counts = VerdictCounts(lambda: 7.5)
    counts.add({None: 99_998, Verdict.DEAD: 2}, 3)
    (count,) = counts.all()
    assert (count.at, count.waiting) == (7.5, 3)
    assert count.states == dict.fromkeys(Verdict, 0) | {None: 99_998, Verdict.DEAD: 2}


def test_a_day_is_kept_and_no_more() -> None:
    now = 0.0
    counts = VerdictCounts(lambda: now)
    for minute in range(3 * MAX_COUNTS):
        now = minute * MINUTE
        counts.add({None: minute}, 0)
    kept = counts.all()
    assert (len(kept), kept[0].at, kept[-1].states[None]) == (1440, 2880 * MINUTE, 3 * 1440 - 1)
