"""The CPU cost of hosts, and the pause that it brings; the clock is the test's."""

from __future__ import annotations

import gc
import logging

import pytest

from exporter.probe import cpu_cost
from exporter.probe.cpu_cost import (
    ALL_SHARE,
    COSTLY_SECONDS,
    MAX_COSTLY,
    MAX_PAUSE_SECONDS,
    MAX_SECONDS,
    CpuCosts,
    CpuMeter,
    pause_after,
)

A, B = "192.0.2.1", "192.0.2.2"


class Clock:
    """Both clocks, set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.spent = 0.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.spent


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(cpu_cost, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("spent", "pause"), [(0.0, 0.0), (0.005, 0.0), (COSTLY_SECONDS, 0.0), (0.06, 6.0), (0.25, 25.0), (50.0, 3600.0)]
)
def test_a_pause_is_a_hundred_times_what_was_spent_and_an_hour_at_most(spent: float, pause: float) -> None:
    assert pause_after(spent) == pytest.approx(pause)


def test_an_ordinary_session_leaves_nothing_behind(clock: Clock) -> None:
    book = CpuCosts()
    book.settle(A, 0.005)
    assert (book.pause(A), book.limit) == (0.0, MAX_SECONDS)


def test_a_dear_address_is_left_alone_whatever_is_asked_of_it(clock: Clock) -> None:
    book = CpuCosts()
    book.settle(A, 0.25)
    assert book.pause(A) == pytest.approx(25.0)
    assert book.pause(B) == 0.0
    clock.now += 24.9
    assert book.pause(A) > 0
    clock.now += 0.2
    assert book.pause(A) == 0.0


def test_what_an_address_spends_in_several_ways_adds_up(clock: Clock) -> None:
    """Of sessions that were under way at once, to two ports."""
    book = CpuCosts()
    book.settle(A, 0.1)
    book.settle(A, 0.2)
    assert book.pause(A) == pytest.approx(30.0)
    book.settle(A, 0.001)  # and one more, that was under way
    assert book.pause(A) == pytest.approx(30.0)


def test_an_address_that_has_been_mended_is_one_like_others(clock: Clock) -> None:
    book = CpuCosts()
    book.settle(A, 0.1)
    clock.now += 11
    book.settle(A, 0.003)
    assert book.pause(A) == 0.0


def test_all_dear_addresses_together_have_a_share(clock: Clock) -> None:
    """A thousand of 0.2 s each: one after the other has its pause behind it, and none is let through."""
    book = CpuCosts()
    for number in range(100):
        book.settle(f"198.51.100.{number}", 0.2)
    assert book.limit == COSTLY_SECONDS, "nobody who is not known may spend much meanwhile"
    clock.now += 0.2 / cpu_cost.ADDRESS_SHARE + 1
    assert book.pause("198.51.100.0") == pytest.approx(100 * 0.2 / ALL_SHARE - 21)
    assert book.pause(B) == 0.0, "who was never dear is never left alone"
    clock.now += 100 * 0.2 / ALL_SHARE
    assert book.pause("198.51.100.99") == 0.0
    assert book.limit == MAX_SECONDS


def test_new_dear_addresses_without_end_keep_no_other_waiting_for_longer_than_an_hour(clock: Clock) -> None:
    """A few domains whose addresses are new ones each time: what was dear once may have been mended long ago."""
    book = CpuCosts()
    book.settle(A, 0.06)
    waited = 0.0
    while book.pause(A) > 0 and waited < 2 * MAX_PAUSE_SECONDS:
        book.settle(f"198.51.{waited}", 0.25)
        clock.now += 1
        waited += 1
    assert waited == pytest.approx(MAX_PAUSE_SECONDS)


def test_no_debt_is_longer_than_an_hour(clock: Clock) -> None:
    book = CpuCosts()
    for _ in range(10_000):
        book.settle(A, 0.25)
    assert book.pause(A) == pytest.approx(MAX_PAUSE_SECONDS)


def test_the_book_is_bounded_in_addresses(clock: Clock) -> None:
    book = CpuCosts()
    for number in range(MAX_COSTLY + 10):
        book.settle(f"2001:db8::{number:x}", 0.1)
    assert book.pause("2001:db8::0") == 0.0, "the oldest has gone"
    assert book.pause(f"2001:db8::{MAX_COSTLY + 9:x}") > 0


def test_an_address_is_logged_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    book = CpuCosts()
    with caplog.at_level(logging.WARNING, "exporter.probe.cpu_cost"):
        for _ in range(3):
            book.settle(A, 0.1)
            clock.now += 3000
        book.settle(B, 0.001)
        assert [vars(record)["fields"]["address"] for record in caplog.records] == [A]


def test_a_meter_adds_its_parts(clock: Clock) -> None:
    meter = CpuMeter()
    for spent in (0.001, 0.002):
        meter.begin()
        clock.spent += spent
        assert meter.seconds > 0
        meter.end(beside=0.01)
        clock.spent += 5  # somebody else's
    assert meter.seconds == pytest.approx(0.023)
    meter.end()
    assert meter.seconds == pytest.approx(0.023)


def test_a_run_of_the_collector_is_nobodys_cost(clock: Clock) -> None:
    meter = CpuMeter()
    meter.begin()
    gc.collect()
    clock.spent += 1.0
    meter.end()
    assert meter.seconds == 0.0
    meter.begin()
    clock.spent += 0.5
    meter.end()
    assert meter.seconds == pytest.approx(0.5)
