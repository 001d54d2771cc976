"""The history of a target: enough to see a pattern, and never more than its bound."""

from __future__ import annotations

import pytest

from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.store.history import MAX_CHANGES, MAX_RECENT, History, Recent, StateChange
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
