"""The history of a target: enough to see a pattern, and never more than its bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.store.history import MAX_CHANGES, MAX_RECENT, PLACES, History, HistoryReader, Recent, StateChange
from tests.results import AT, down_host, result, up_host


def test_results_are_kept_with_their_duration_and_verdict() -> None:
    history = History().probed(result(up_host())).probed(result(down_host()))
    assert [(round(one.duration, 3), one.verdict) for one in history.recent] == [(0.3, None), (0.3, Verdict.BLOCKED)]


@pytest.mark.parametrize("failure_class", FailureClass)
def test_a_change_comes_back_as_it_went_in(failure_class: FailureClass) -> None:
    failure = Failure(Stage.RCPT, failure_class, "detail", Confidence.LIKELY)
    history = History().changed(AT, None).changed(AT + 0.125, failure)
    assert history.changes == (
        StateChange(AT, None),
        StateChange(AT + 0.125, failure_class, Stage.RCPT, Confidence.LIKELY),
    )


def test_only_the_latest_are_kept() -> None:
    history = History()
    for number in range(3 * MAX_RECENT):
        history = history.probed(result(up_host())._replace(duration=float(number))).changed(float(number), None)
    assert history.recent[0] == Recent(2.0 * MAX_RECENT, None)
    assert len(history.recent) == MAX_RECENT
    assert history.changes[0].at == 3 * MAX_RECENT - MAX_CHANGES
    assert len(history.changes) == MAX_CHANGES


def test_a_duration_that_is_none_spoils_nothing() -> None:
    assert History().probed(result(up_host())._replace(duration=float("inf"))).recent == (Recent(0.0, None),)


def taken_over(
    history: History, by: float = 0.0, latest: float = 1e6, places: Sequence[Sequence[str]] = PLACES
) -> History:
    return HistoryReader(places, by, latest).read(history.packed_results, history.packed_changes)


def test_a_history_of_another_process_is_moved_to_this_clock_and_not_beyond_now() -> None:
    failure = Failure(Stage.RCPT, FailureClass.GREYLISTED, "detail", Confidence.LIKELY)
    history = History().probed(result(up_host())).changed(100.0, None).changed(200.0, failure)
    moved = taken_over(history, by=-50.0, latest=120.0)
    assert moved.packed_results == history.packed_results
    assert [(each.at, each.failure_class) for each in moved.changes] == [(50.0, None), (120.0, FailureClass.GREYLISTED)]


def test_words_stand_at_the_places_that_they_have_here() -> None:
    """A version that knows another class has all others at other places."""
    failure = Failure(Stage.RCPT, FailureClass.GREYLISTED, "detail", Confidence.LIKELY)
    history = History().changed(100.0, failure)
    there = [PLACES[0], ["", "a_new_class", *PLACES[1][1:]], *PLACES[2:]]
    (change,) = taken_over(history, places=there).changes
    assert change.failure_class is tuple(FailureClass)[tuple(FailureClass).index(FailureClass.GREYLISTED) - 1]
    assert (
        taken_over(History().changed(1.0, replace(failure, failure_class=FailureClass.DNS_NXDOMAIN)), places=there)
        == History()
    )


@pytest.mark.parametrize(
    ("results", "changes"),
    [
        (b"\0", b""),
        (b"\0\0\xff", b""),
        (b"\0\x7c\0", b""),  # infinity
        (b"\0\xbc\0", b""),  # below 0
        (b"\0\0\0" * (MAX_RECENT + 1), b""),
        (b"", b"\0" * 10),
        (b"", b"\0" * 8 + b"\xff\0\0"),
        (b"", b"\0" * 6 + b"\xf8\x7f\0\0\0"),  # no number
        (b"", History().changed(-2e10, None).packed_changes),  # of centuries ago, without a date
        (b"", b"\0" * 11 * (MAX_CHANGES + 1)),
    ],
)
def test_bytes_that_are_no_history_are_refused(results: bytes, changes: bytes) -> None:
    with pytest.raises(ValueError):
        HistoryReader(PLACES, 0.0, 0.0).read(results, changes)
