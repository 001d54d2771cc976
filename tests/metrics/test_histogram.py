from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as LibraryHistogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics import disable_created_metrics

from exporter.metrics.histogram import Distribution, Histogram

BOUNDS = (0.1, 1.0, 10.0)


def test_a_value_at_a_bound_is_in_its_bucket() -> None:
    distribution = Distribution(BOUNDS)
    for value in (0.1, 0.100001, 10.0, 11.0):
        distribution.observe(value)
    assert distribution.buckets() == [("0.1", 1), ("1.0", 2), ("10.0", 3), ("+Inf", 4)]
    assert math.isclose(distribution.sum, 21.200001)


@given(st.lists(st.floats(0.0, 100.0)))
def test_the_text_is_that_of_the_librarys_histogram(values: list[float]) -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    distributions = Histogram("took_seconds", "Durations.", BOUNDS, ours, label="phase", values=("a", "b")).of
    library = LibraryHistogram("took_seconds", "Durations.", ("phase",), buckets=BOUNDS, registry=theirs)
    for phase in ("a", "b"):
        library.labels(phase)
    for value in values:
        distributions["a"].observe(value)
        library.labels("a").observe(value)
    assert generate_latest(ours) == generate_latest(theirs)
