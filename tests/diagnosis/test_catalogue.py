"""The catalogue: an entry for each class, complete, with a ground for each confidence that the class may have."""

from __future__ import annotations

import pytest

from exporter.diagnosis.catalogue import CATALOGUE
from exporter.model.failure import UNDETERMINED_CLASSES, Confidence, FailureClass, Stage


def test_the_classes_stand_in_the_order_of_the_closed_list() -> None:
    assert list(CATALOGUE) == list(FailureClass)


@pytest.mark.parametrize("failure_class", FailureClass)
def test_an_entry_is_half_a_sentence_with_at_least_one_ground(failure_class: FailureClass) -> None:
    entry = CATALOGUE[failure_class]
    grounds = [ground for confidence in Confidence if (ground := entry.ground(confidence))]
    assert grounds
    for text in (entry.seen, *grounds):
        assert text.isprintable()
        assert not text.endswith(".")
    assert set(entry.stages) <= set(Stage)
    assert len(set(entry.stages)) == len(entry.stages)


@pytest.mark.parametrize("failure_class", sorted(UNDETERMINED_CLASSES))
def test_a_class_that_may_be_undetermined_says_on_which_ground(failure_class: FailureClass) -> None:
    assert CATALOGUE[failure_class].ground(Confidence.UNCERTAIN)


def test_each_ground_is_that_of_its_confidence() -> None:
    entry = CATALOGUE[FailureClass.CONNECT_TIMEOUT]
    assert entry.ground(Confidence.LIKELY) == entry.likely
    assert entry.ground(Confidence.UNCERTAIN) == entry.uncertain
    assert entry.ground(Confidence.CERTAIN) == entry.certain
