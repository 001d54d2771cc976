from __future__ import annotations

import pytest

from exporter.model.failure import (
    UNDETERMINED_CLASSES,
    VERDICTS,
    Confidence,
    Failure,
    FailureClass,
    Stage,
    Verdict,
    own_confidence,
    verdict_of,
)


def test_every_class_has_a_verdict_of_its_own() -> None:
    assert set(VERDICTS) == set(FailureClass)
    # A message that is missing: no more evidence can show that a host that has accepted it is dead.
    assert [each for each, verdict in VERDICTS.items() if verdict is Verdict.UNDETERMINED] == [FailureClass.NOT_ARRIVED]
    assert own_confidence(FailureClass.NOT_ARRIVED) is Confidence.UNCERTAIN


@pytest.mark.parametrize("failure_class", FailureClass)
def test_uncertain_is_undetermined_exactly_where_a_dead_host_looks_the_same(failure_class: FailureClass) -> None:
    undetermined = failure_class in UNDETERMINED_CLASSES or failure_class is FailureClass.NOT_ARRIVED
    assert (verdict_of(failure_class, Confidence.UNCERTAIN) is Verdict.UNDETERMINED) is undetermined
    for confidence in (Confidence.CERTAIN, Confidence.LIKELY):
        assert verdict_of(failure_class, confidence) is failure_class.verdict


@pytest.mark.parametrize("failure_class", FailureClass)
def test_dead_is_never_uncertain_by_its_own_evidence(failure_class: FailureClass) -> None:
    failure = Failure(Stage.CONNECT, failure_class)
    assert failure.confidence is own_confidence(failure_class)
    assert failure.verdict is not Verdict.DEAD or failure.confidence is not Confidence.UNCERTAIN


def test_a_confidence_that_is_given_counts() -> None:
    failure = Failure(Stage.CONNECT, FailureClass.CONNECT_TIMEOUT, confidence=Confidence.LIKELY)
    assert (failure.confidence, failure.verdict) == (Confidence.LIKELY, Verdict.DEAD)
