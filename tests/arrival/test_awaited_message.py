from __future__ import annotations

import time

import pytest

from exporter.arrival.awaited_message import PATIENCE_SECONDS, AwaitedMessage

WITHIN = 300.0


def awaited(waited: float, *, looked: float | None = None, late: bool = False) -> AwaitedMessage:
    """A message that is awaited for so many seconds, and was looked for so many seconds ago."""
    message = AwaitedMessage(time.time() - waited, lambda _: True, WITHIN)
    message.is_late = late
    message.looked_at = None if looked is None else time.monotonic() - looked
    return message


@pytest.mark.parametrize(
    ("waited", "looked", "late", "seconds"),
    [
        (100.0, None, False, 0.0),  # not looked for yet
        (0.0, 0.0, False, 0.5),
        (80.0, 0.0, False, 10.0),
        (260.0, 0.0, False, 30.0),
        (298.0, 0.0, False, 2.0),  # the last look is at its time
        (400.0, 0.0, True, 50.0),
        (400.0, 20.0, True, 30.0),
        (400.0, 60.0, True, 0.0),
        (20_000.0, 0.0, True, 1800.0),
    ],
)
def test_looks_follow_one_another_by_an_eighth_of_the_time_waited(
    waited: float, looked: float | None, late: bool, seconds: float
) -> None:
    assert awaited(waited, looked=looked, late=late).pause(0.5) == pytest.approx(seconds, abs=0.5)


@pytest.mark.parametrize(
    ("waited", "looked", "is_known"), [(3.0, None, True), (6.0, None, False), (100.0, 20.0, True), (100.0, 30.0, False)]
)
def test_the_seconds_to_arrival_are_told_where_they_are_right_to_a_quarter(
    waited: float, looked: float | None, is_known: bool
) -> None:
    assert (awaited(waited, looked=looked).seconds(time.monotonic()) is not None) is is_known


def test_a_message_of_the_future_has_been_accepted_just_now() -> None:
    assert awaited(-3600.0).began == pytest.approx(time.monotonic(), abs=1.0)


def test_a_message_is_looked_for_long_after_its_time() -> None:
    assert not awaited(WITHIN + PATIENCE_SECONDS - 10.0).is_hopeless
    assert awaited(WITHIN + PATIENCE_SECONDS + 1.0).is_hopeless


@pytest.mark.parametrize(
    ("knows_junk", "where"), [(True, "neither the inbox nor junk has"), (False, "the only folder")]
)
def test_the_sentence_says_where_it_is_not(knows_junk: bool, where: str) -> None:
    message = AwaitedMessage(1_700_000_000.0, lambda _: True, WITHIN)
    text = message.missing(knows_junk=knows_junk)
    assert text.startswith("the message accepted at 22:13:20 UTC did not arrive within 300 s: ")
    assert where in text
