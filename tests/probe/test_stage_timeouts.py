"""The waits of a session, by its timeout."""

from __future__ import annotations

import pytest

from exporter.model.failure import Stage
from exporter.probe.stage_timeouts import STAGE_SECONDS, lends_name_after, no_answer_after


def test_every_stage_of_a_session_has_its_time() -> None:
    assert set(STAGE_SECONDS) == set(Stage) - {Stage.DNS}


@pytest.mark.parametrize("timeout", [0.2, 1.0, 5.0, 30.0, 300.0])
def test_a_name_is_lent_before_witnesses_are_asked_and_both_before_the_end(timeout: float) -> None:
    assert 0.0 < lends_name_after(timeout) < no_answer_after(timeout) < timeout
