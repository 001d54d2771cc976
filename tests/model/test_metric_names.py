"""The names that a configuration may switch off are those of the metrics that there are."""

from __future__ import annotations

from exporter.metrics.families import FAMILIES
from exporter.model.metric_names import TARGET_METRICS


def test_the_names_are_those_of_the_families_in_their_order() -> None:
    assert tuple(family.name for family in FAMILIES) == TARGET_METRICS
