"""The metrics of the exporter itself, and the histograms over all targets, in a registry of their own.

The families of targets are in :mod:`exporter.metrics.families`.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics import disable_created_metrics
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.metrics.configuration_metrics import ConfigurationMetrics
from exporter.metrics.histogram import Distribution, Histogram
from exporter.metrics.standing_metrics import StandingCollector
from exporter.metrics.storage_metrics import StorageMetrics
from exporter.model.configuration import DomainList
from exporter.model.egress import EGRESS_UNKNOWN, EgressByFamily, EgressState
from exporter.model.failure import PHASES
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverState, ResolverView
from exporter.model.result import HostResult
from exporter.model.standing import StandingView
from exporter.model.target import Target
from exporter.schedule.shard import Shard

# A phase lasts from a fraction of a millisecond on loopback to the whole timeout.
_PHASE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# A _created series beside each counter would double their number and say nothing about mail.
_without_created: Callable[[], None] = disable_created_metrics
_LAG_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)
_ONLY: Final = Shard()


class ExporterMetrics:
    """Counts events; :attr:`registry` exposes the counts."""

    def __init__(self, shard: Shard = _ONLY) -> None:
        _without_created()
        self.registry: Final = CollectorRegistry(auto_describe=True)
        self._phases = Histogram(
            "mx_probe_phase_duration_seconds",
            "Duration of the phases of all sessions together.",
            _PHASE_BUCKETS,
            self.registry,
            label="phase",
            values=PHASES,
        ).of
        self._add_constants(shard)
        self._configuration = ConfigurationMetrics(self.registry)
        gauge = self._gauge
        self._probes_in_flight = gauge("mx_exporter_probes_in_flight", "Probes in progress.")
        self._hosts = gauge("mx_exporter_hosts", "Hosts of all targets, each counted once.")
        self._sessions = 0  # counted without the lock of the library's counter: this thread alone writes
        self.registry.register(_Count("mx_exporter_sessions", "Sessions with hosts.", lambda: self._sessions))
        self._egress = gauge("mx_egress_state", "1 for the state of the egress.", ("family", "state"))
        self._references = gauge("mx_egress_reference_up", "1 if the reference passed its last probe.", ("reference",))
        self._resolver = gauge("mx_resolver_state", "1 for the state of the resolver.", ("state",))
        self._standing = StandingCollector()
        self.registry.register(self._standing)
        self.egress_changed(EGRESS_UNKNOWN)
        self.resolver_changed(RESOLVER_UNKNOWN)
        self._schedule_lag = self._lag(
            "mx_exporter_schedule_lag_seconds", "Delay of probes after their scheduled start."
        )
        self._loop_lag = self._lag("mx_exporter_loop_lag_seconds", "Delay of the event loop.")
        text = "Log lines lost because nothing read them or a write failed."
        self._dropped_lines = _Count("mx_exporter_log_lines_dropped", text, lambda: 0.0)
        self.registry.register(self._dropped_lines)
        self._internal_errors = Counter(
            "mx_exporter_internal_errors", "Internal errors of the exporter that cost a result.", registry=self.registry
        )

    def _add_constants(self, shard: Shard) -> None:
        build = self._gauge("mx_exporter_build_info", "1, with the version.", ("version", "python", "implementation"))
        build.labels(__version__, platform.python_version(), platform.python_implementation()).set(1)
        shards = self._gauge(
            "mx_exporter_shard_info", "1, with the number of this shard, from 0, and of all shards.", ("shard", "total")
        )
        shards.labels(str(shard.index), str(shard.total)).set(1)
        ProcessCollector(registry=self.registry)  # CPU, memory, open files and their limit

    def _gauge(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)

    def _lag(self, name: str, documentation: str) -> Distribution:
        return Histogram(name, documentation, _LAG_BUCKETS, self.registry).of[""]

    def session_begun(self) -> None:
        """Count a session, which may show the state of several hosts."""
        self._sessions += 1

    def session_made(self, host: HostResult) -> None:
        """Add the phases of a session."""
        phases = self._phases
        for phase, seconds in zip(host.timings.stages, host.timings.seconds, strict=False):
            if (distribution := phases.get(phase)) is not None:
                distribution.observe(seconds)

    def started(self, lag: float) -> None:
        """Add the start of a probe, `lag` seconds after its scheduled time."""
        self._schedule_lag.observe(max(0.0, lag))

    def loop_lagged(self, lag: float) -> None:
        """Add a delay of the event loop in seconds."""
        self._loop_lag.observe(max(0.0, lag))

    def internal_error(self) -> None:
        """Count an internal error."""
        self._internal_errors.inc()

    def egress_changed(self, views: EgressByFamily) -> None:
        """Set the egress state of each family."""
        for family, view in views.items():
            for state in EgressState:
                self._egress.labels(family, state).set(state is view.state)

    def resolver_changed(self, view: ResolverView) -> None:
        """Set the state of the resolver."""
        for state in ResolverState:
            self._resolver.labels(state).set(state is view.state)

    def standing_seen(self, view: StandingView) -> None:
        """Set our own standing."""
        self._standing.view = view

    def references_probed(self, up: Mapping[str, bool]) -> None:
        """Set the results of the references that have been probed; the series of others end."""
        self._references.clear()
        for reference, passed in up.items():
            self._references.labels(reference).set(passed)

    def watch_in_flight(self, count: Callable[[], float]) -> None:
        """Set the function that gives the number of probes in progress."""
        self._probes_in_flight.set_function(count)

    def watch_hosts(self, count: Callable[[], float]) -> None:
        """Set the function that gives the number of hosts."""
        self._hosts.set_function(count)

    def watch_dropped_log_lines(self, count: Callable[[], float]) -> None:
        """Set the function that gives the number of lost log lines."""
        self._dropped_lines.count = count

    def storage(self) -> StorageMetrics:
        """The metrics of the saved state, which are told where it is saved."""
        return StorageMetrics(self.registry)

    def loaded(self, targets: tuple[Target, ...], lists: Iterable[DomainList] = (), *, whole: bool = True) -> None:
        """A configuration was loaded and is in use; not `whole`: a domain file failed."""
        self._configuration.loaded(targets, lists, whole=whole)

    def load_failed(self) -> None:
        """A configuration was refused; the one before stays in use."""
        self._configuration.attempted(configuration=False)

    def main_file_compared(self, *, differs: bool) -> None:
        """The configuration's file was compared with what is in use."""
        self._configuration.file_differs.set(differs)

    def web_loaded(self, successful: bool) -> None:
        """The web configuration was loaded or refused."""
        self._configuration.attempted(web=successful)


class _Count(Collector):
    """A counter that is read where it is counted."""

    def __init__(self, name: str, documentation: str, count: Callable[[], float]) -> None:
        self.count = count
        self._name = name
        self._documentation = documentation

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The present value."""
        yield CounterMetricFamily(self._name, self._documentation, value=self.count())
