"""The metrics of the saved state."""

from __future__ import annotations

import time

import pytest
from prometheus_client import CollectorRegistry

from exporter.metrics.storage_metrics import StorageMetrics

NAME = "mx_exporter_storage_last_save_successful"


def test_a_failure_is_told_until_the_next_save() -> None:
    registry = CollectorRegistry()
    metrics = StorageMetrics(registry)
    metrics.watch_restored(lambda: 7.0)
    assert registry.get_sample_value(NAME) == 1.0
    assert registry.get_sample_value("mx_exporter_restored_targets") == 7.0
    metrics.failed()
    assert registry.get_sample_value(NAME) == 0.0
    metrics.saved(1234)
    assert registry.get_sample_value(NAME) == 1.0
    assert registry.get_sample_value("mx_exporter_storage_size_bytes") == 1234.0
    at = registry.get_sample_value("mx_exporter_storage_last_save_timestamp_seconds")
    assert at == pytest.approx(time.time(), abs=5.0)
