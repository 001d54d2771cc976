"""The garbage collector after a start: the heap of the start is left alone, and young objects are looked at seldom."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from exporter.app.tuning import leave_the_heap, spare_the_heap


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_the_heap_of_the_start_is_frozen_and_collections_are_rare() -> None:
    young, middle, old = gc.get_threshold()
    spare_the_heap()
    assert gc.get_freeze_count() > 1000
    assert gc.isenabled(), "cycles of later are still found"
    tuned = gc.get_threshold()
    assert tuned[0] >= 10 * young
    assert all(new >= before for new, before in zip(tuned, (young, middle, old), strict=True))


def test_at_the_end_the_heap_is_left_alone() -> None:
    made: list[list[int]] = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    leave_the_heap()
    assert gc.get_freeze_count() >= before + len(made)
