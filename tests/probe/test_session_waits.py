"""The waits of one session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exporter.model.failure import Stage
from exporter.probe.session_waits import SessionWaits, may_say_goodbye

S = Stage


class Permit:
    def __init__(self) -> None:
        self.lent = 0

    def lend_name(self) -> None:
        self.lent += 1

    def regain_name(self, on_regained: Callable[[], None]) -> bool:
        return not self.lent


def test_a_connect_that_draws_nothing_lends_its_name_then_has_others_asked_then_ends() -> None:
    permit, asked = Permit(), [0]
    waits = SessionWaits(10.0, lambda: asked.append(1), permit)
    moments = [waits.begin(100.0)]
    while waits.is_unanswered(S.CONNECT, moments[-1]):
        moments.append(waits.unanswered(S.CONNECT))
    assert moments == [100.5, 103.5, 110.0]
    assert (permit.lent, asked) == (1, [0, 1])
    assert not waits.has_name(lambda: None)
    waits.keep_name()
    assert waits.has_name(lambda: None)


def test_without_others_a_connect_has_the_whole_time() -> None:
    waits = SessionWaits(10.0, None, None)
    assert waits.begin(100.0) == waits.end == 110.0
    assert not waits.is_unanswered(S.BANNER, 105.0)


def test_after_a_connect_without_a_word_others_are_asked_once_before_the_end() -> None:
    asked = [0]
    waits = SessionWaits(10.0, lambda: asked.append(1), None)
    waits.begin(100.0)
    assert waits.due(S.BANNER, 101.0) == 106.5
    assert waits.is_unanswered(S.BANNER, 106.5)
    assert waits.unanswered(S.BANNER) == 110.0
    assert not waits.is_unanswered(S.BANNER, 106.6)
    assert asked == [0, 1]


@pytest.mark.parametrize(("stage", "due"), [(S.EHLO, 110.0), (S.QUIT, 106.0)])
def test_a_stage_has_its_own_time_within_that_of_the_session(stage: Stage, due: float) -> None:
    waits = SessionWaits(10.0, None, None)
    waits.begin(100.0)
    assert waits.due(stage, 101.0) == due
    waits.held(2.0)
    assert waits.end == 112.0


def test_no_goodbye_before_the_greeting_nor_after_half_a_message() -> None:
    assert [stage for stage in Stage if not may_say_goodbye(stage)] == [S.CONNECT, S.BANNER, S.DATA, S.QUIT]
