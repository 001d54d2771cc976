from __future__ import annotations

import pytest

from exporter.web.pages.times import age, clock, duration, iso, short_clock, span
from tests.results import AT


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (119.0, "119 s"), (120.0, "2 min"), (7199.0, "119 min"), (7200.0, "2 h"), (172800.0, "2 d")],
)
def test_a_span_is_in_the_largest_unit_that_fits_twice(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_an_age_is_never_negative_and_empty_without_a_time() -> None:
    assert age(100.0, 280.0) == "3 min ago"
    assert age(100.0, 90.0) == "0 s ago"
    assert age(None, 90.0) == ""
    assert age(0.0, 90.0) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00025, "250 µs"), (0.0042, "4.2 ms"), (0.25, "250 ms"), (1.25, "1.2 s"), (90.0, "90.0 s")],
)
def test_a_duration_has_the_unit_of_its_size(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_moment_is_in_utc_for_people_and_machines() -> None:
    assert clock(1_700_000_000.25) == "2023-11-14 22:13:20 UTC"
    assert iso(1_700_000_000.25) == "2023-11-14T22:13:20Z"


def test_a_minute_has_its_day_unless_it_is_today() -> None:
    assert short_clock(AT, AT + 60) == "22:13 UTC"
    assert short_clock(AT, AT + 86400) == "2023-11-14 22:13 UTC"
