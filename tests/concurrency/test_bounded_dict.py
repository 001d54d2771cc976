"""A dictionary with a limit: the entries that were set longest ago go first."""

from __future__ import annotations

import time

import pytest

from exporter.concurrency.bounded_dict import BoundedDict


def _filled(limit: int, count: int) -> BoundedDict[int, str]:
    entries: BoundedDict[int, str] = BoundedDict(limit)
    for number in range(count):
        entries[number] = str(number)
    return entries


def test_beyond_the_limit_the_oldest_entry_goes() -> None:
    assert list(_filled(3, 5)) == [2, 3, 4]


def test_an_entry_that_is_set_again_is_the_newest() -> None:
    entries = _filled(3, 3)
    entries[0] = "again"
    entries[3] = "new"
    assert list(entries.items()) == [(2, "2"), (0, "again"), (3, "new")]


def test_reading_an_entry_does_not_keep_it() -> None:
    entries = _filled(3, 3)
    assert (entries[0], entries.get(0), entries.get(9), 0 in entries, 9 in entries) == ("0", "0", None, True, False)
    entries[3] = "new"
    assert 0 not in entries


def test_a_large_one_never_exceeds_its_limit_and_forgets_few_at_once() -> None:
    limit, smallest = 10_000, 10_000
    entries = _filled(limit, limit)
    for number in range(limit, 3 * limit):
        entries[number] = ""
        smallest = min(smallest, len(entries))
        assert len(entries) <= limit
    assert smallest > 0.99 * limit


def test_entries_are_forgotten_singly_together_and_by_value() -> None:
    entries = _filled(9, 5)
    assert (entries.pop(1), entries.pop(1), entries.pop_oldest()) == ("1", None, (0, "0"))
    entries.drop_all(lambda value: value == "3")
    assert list(entries.values()) == ["2", "4"]
    entries.clear()
    assert not entries
    with pytest.raises(StopIteration):
        entries.pop_oldest()


def test_a_full_large_one_is_about_as_quick_as_one_that_is_filling() -> None:
    """Deleted one by one, the oldest of a large dictionary would be found by walking past all deleted before."""

    def cpu_seconds(entries: BoundedDict[int, str], numbers: range) -> float:
        began = time.thread_time()
        for number in numbers:
            entries[number] = ""
        return time.thread_time() - began

    limit = 50_000
    entries: BoundedDict[int, str] = BoundedDict(limit)
    filling = cpu_seconds(entries, range(limit))
    assert cpu_seconds(entries, range(limit, 2 * limit)) < 20 * filling
