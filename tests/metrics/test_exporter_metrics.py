"""The metrics of the exporter itself, read from its registry."""

from __future__ import annotations

from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.schedule.shard import Shard
from tests.results import up_host


def value(metrics: ExporterMetrics, name: str, **labels: str) -> float | None:
    found: float | None = metrics.registry.get_sample_value(name, labels)
    return found


def test_exactly_one_state_of_each_family_holds() -> None:
    own = ExporterMetrics()
    own.egress_changed({Family.IPV4: EgressView(EgressState.BLOCKED), Family.IPV6: EgressView(EgressState.OPEN)})
    samples = [sample for family in own.registry.collect() for sample in family.samples]
    holding = [s.labels for s in samples if s.name == "mx_egress_state" and s.value == 1.0]
    assert holding == [{"family": "ipv4", "state": "blocked"}, {"family": "ipv6", "state": "open"}]
    assert sum(s.name == "mx_egress_state" for s in samples) == 2 * len(EgressState)


def test_references_that_are_gone_are_not_shown() -> None:
    own = ExporterMetrics()
    own.references_probed({"mx.a.example": True, "192.0.2.9:25": False})
    own.references_probed({"192.0.2.9:25": False})
    samples = [sample for family in own.registry.collect() for sample in family.samples]
    found = {s.labels["reference"]: s.value for s in samples if s.name == "mx_egress_reference_up"}
    assert found == {"192.0.2.9:25": 0.0}


def test_the_shard_is_named() -> None:
    metrics = ExporterMetrics(Shard(1, 3))
    assert value(metrics, "mx_exporter_shard_info", shard="1", total="3") == 1


def test_phases_and_delays_are_observed() -> None:
    metrics = ExporterMetrics()
    metrics.session_begun()
    metrics.session_made(up_host())
    metrics.started(-0.5)  # early is not late
    metrics.loop_lagged(0.2)
    metrics.internal_error()
    assert value(metrics, "mx_exporter_sessions_total") == 1
    assert value(metrics, "mx_probe_phase_duration_seconds_count", phase="banner") == 1
    assert value(metrics, "mx_probe_phase_duration_seconds_sum", phase="banner") == 0.25
    assert value(metrics, "mx_exporter_schedule_lag_seconds_sum") == 0
    assert value(metrics, "mx_exporter_loop_lag_seconds_sum") == 0.2
    assert value(metrics, "mx_exporter_internal_errors_total") == 1


def test_numbers_that_others_keep_are_read_at_the_scrape() -> None:
    metrics = ExporterMetrics()
    numbers = {"in_flight": 1.0, "dropped": 2.0, "hosts": 3.0}
    metrics.watch_in_flight(lambda: numbers["in_flight"])
    metrics.watch_dropped_log_lines(lambda: numbers["dropped"])
    metrics.watch_hosts(lambda: numbers["hosts"])
    numbers |= {"in_flight": 3.0, "dropped": 4.0, "hosts": 5.0}
    assert value(metrics, "mx_exporter_hosts") == 5
    assert value(metrics, "mx_exporter_probes_in_flight") == 3
    assert value(metrics, "mx_exporter_log_lines_dropped_total") == 4
