"""The metrics of the configuration: targets, loads, and the lines of lists that are skipped."""

from __future__ import annotations

import pytest

from exporter.concurrency import steady_clock
from exporter.metrics.configuration_metrics import MAX_FILES, OTHER_FILES
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.model.configuration import DomainList
from exporter.model.target import Settings, Target, TargetKind
from tests.metrics.test_exporter_metrics import value
from tests.results import domain


def test_a_load_counts_targets_by_kind_and_invalid_lines_by_file() -> None:
    metrics = ExporterMetrics()
    relay = Target(TargetKind.HOST, "relay.example:25", "relay.example", Settings())
    metrics.loaded((domain(), domain("b.example"), relay), [DomainList("a.txt", skipped=2)])
    assert value(metrics, "mx_exporter_targets", kind="domain") == 2
    assert value(metrics, "mx_exporter_targets", kind="host") == 1
    assert value(metrics, "mx_exporter_targets", kind="reference") == 0
    assert value(metrics, "mx_exporter_target_errors", file="a.txt") == 2
    metrics.loaded((relay,))
    assert value(metrics, "mx_exporter_targets", kind="domain") == 0
    assert value(metrics, "mx_exporter_target_errors", file="a.txt") is None


def test_the_last_reload_is_successful_only_if_both_files_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = "mx_exporter_config_last_reload"
    successful, timestamp = f"{prefix}_successful", f"{prefix}_success_timestamp_seconds"
    times = iter((100.0, 200.0, 300.0, 400.0))
    monkeypatch.setattr(steady_clock, "now", lambda: next(times))
    monkeypatch.setattr(steady_clock, "unix", lambda moment: moment)
    metrics = ExporterMetrics()
    metrics.loaded(())
    assert (value(metrics, successful), value(metrics, timestamp)) == (1, 200.0)
    metrics.load_failed()
    assert (value(metrics, successful), value(metrics, timestamp)) == (0, 200.0)
    metrics.web_loaded(False)
    metrics.loaded(())
    assert value(metrics, successful) == 0  # of the web configuration
    metrics.web_loaded(True)
    assert value(metrics, successful) == 1
    metrics.loaded((), whole=False)
    assert value(metrics, successful) == 0


def test_of_many_files_those_with_most_errors_have_a_series_and_the_others_one_together() -> None:
    metrics = ExporterMetrics()
    metrics.loaded((), [DomainList(f"{number:03}", skipped=number) for number in range(MAX_FILES + 3)])
    found = {
        sample.labels["file"]: sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "mx_exporter_target_errors"
    }
    assert len(found) == MAX_FILES + 1
    assert (found["102"], found["003"], found[OTHER_FILES]) == (102.0, 3.0, 0.0 + 1.0 + 2.0)


def test_a_file_that_differs_is_shown() -> None:
    metrics = ExporterMetrics()
    assert value(metrics, "mx_exporter_config_file_differs") == 0.0
    metrics.main_file_compared(differs=True)
    assert value(metrics, "mx_exporter_config_file_differs") == 1.0
