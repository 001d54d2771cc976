"""Files that have been still, by this host's clock and by their own times."""

from __future__ import annotations

import time

from exporter.config.domain_files import ABSENT, ListState
from exporter.config.stillness import SETTLE_SECONDS, Stillness


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def state(modified: float, size: int = 1) -> ListState:
    return ListState(int(modified * 1e9), int(modified * 1e9), size, 7)


def test_a_file_of_long_ago_is_still_at_the_first_look() -> None:
    stillness = Stillness()
    stillness.look({"a": state(time.time() - 60.0)})
    assert stillness.is_still("a")


def test_a_new_or_absent_file_is_still_after_a_while_without_a_change() -> None:
    clock = Clock()
    stillness = Stillness(clock)
    later = time.time() + 3600.0  # by the clock of a file server
    for size in (1, 2, 2):
        stillness.look({"a": state(later, size), "b": ABSENT})
        assert not stillness.is_still("a")
        clock.now += SETTLE_SECONDS * 0.75
    stillness.look({"a": state(later, 2), "b": ABSENT})
    assert stillness.is_still("a")
    assert stillness.is_still("b")


def test_the_times_of_a_file_prove_nothing_while_the_clock_is_set() -> None:
    clock = Clock()
    stillness = Stillness(clock)
    stillness.look({})
    clock.now -= 3600.0  # Unix time went on, as the real one does: the two are an hour apart
    stillness.look({"a": state(time.time() - 60.0)})
    assert not stillness.is_still("a")
