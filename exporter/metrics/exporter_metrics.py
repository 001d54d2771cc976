"""The exporter's metrics about itself, and the histogram over all targets: a registry of its own, no global one."""

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
from exporter.concurrency import steady_clock
from exporter.metrics.histogram import Histogram
from exporter.model.configuration import DomainList
from exporter.model.egress import EGRESS_UNKNOWN, EgressByFamily, EgressState
from exporter.model.failure import PHASES
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverState, ResolverView
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKind
from exporter.schedule.shard import Shard

# A phase lasts from a fraction of a millisecond on loopback to the whole timeout.
_PHASE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# A _created series beside each counter would double their number and say nothing about mail.
_without_created: Callable[[], None] = disable_created_metrics
_LAG_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)
# Less is the clock being steered, which is no news.
_CLOCK_STEP_SECONDS: Final = 1.0
_ONLY: Final = Shard()


class ExporterMetrics:
    """Counts what happens; :attr:`registry` exposes it."""

    def __init__(self, shard: Shard = _ONLY) -> None:
        _without_created()
        self.registry: Final = CollectorRegistry(auto_describe=True)
        self._phases = Histogram(
            "mx_probe_phase_duration_seconds",
            "Phases of all sessions together.",
            _PHASE_BUCKETS,
            self.registry,
            label="phase",
            values=PHASES,
        ).of
        build = self._gauge("mx_exporter_build_info", "1, with the version.", ("version", "python", "implementation"))
        build.labels(__version__, platform.python_version(), platform.python_implementation()).set(1)
        shards = self._gauge(
            "mx_exporter_shard_info", "1, with this shard, counted from 0, of so many.", ("shard", "total")
        )
        shards.labels(str(shard.index), str(shard.total)).set(1)
        ProcessCollector(registry=self.registry)  # CPU, memory, open files and their limit
        self._reload_successful = self._gauge(
            "mx_exporter_config_last_reload_successful",
            "1 if the last attempt to load the configuration succeeded.",
        )
        self._reload_success_time = self._gauge(
            "mx_exporter_config_last_reload_success_timestamp_seconds", "Unix time of the last successful load."
        )
        self._loaded = steady_clock.now()
        self._loaded_at = 0.0
        self._reload_success_time.set_function(self._loaded_in_unix_time)
        self._loads = {"configuration": True, "web": True}
        self._targets = self._gauge("mx_exporter_targets", "Configured targets.", ("kind",))
        self._target_errors = self._gauge(
            "mx_exporter_target_errors", "Lines of a domain file that cannot be used and are skipped.", ("file",)
        )
        self._probes_in_flight = self._gauge("mx_exporter_probes_in_flight", "Probes under way.")
        self._egress = self._gauge("mx_egress_state", "1 for the state of the way out.", ("family", "state"))
        self._references = self._gauge(
            "mx_egress_reference_up", "1 if the reference passed its last probe.", ("reference",)
        )
        self.egress_turned(EGRESS_UNKNOWN)
        self._resolver = self._gauge("mx_resolver_state", "1 for the state of our resolver.", ("state",))
        self.resolver_turned(RESOLVER_UNKNOWN)
        self._schedule_lag = Histogram(
            "mx_exporter_schedule_lag_seconds", "How late probes start after their turn.", _LAG_BUCKETS, self.registry
        ).of[""]
        self._loop_lag = Histogram(
            "mx_exporter_loop_lag_seconds", "How late the event loop runs what is due.", _LAG_BUCKETS, self.registry
        ).of[""]
        self._dropped_lines = _DroppedLines()
        self.registry.register(self._dropped_lines)
        self._internal_errors = Counter(
            "mx_exporter_internal_errors", "Bugs of the exporter that cost a result.", registry=self.registry
        )

    def probed(self, result: ProbeResult) -> None:
        """A result: its phases."""
        phases = self._phases
        for host in result.hosts:
            for phase, seconds in host.timings.phases:
                if phase in phases:
                    phases[phase].observe(seconds)

    def started(self, lag: float) -> None:
        """A probe started `lag` seconds after its turn."""
        self._schedule_lag.observe(max(0.0, lag))

    def loop_lagged(self, lag: float) -> None:
        """The event loop was `lag` seconds late."""
        self._loop_lag.observe(max(0.0, lag))

    def internal_error(self) -> None:
        """A bug of ours."""
        self._internal_errors.inc()

    def egress_turned(self, surroundings: EgressByFamily) -> None:
        """The way out of each family."""
        for family, view in surroundings.items():
            for state in EgressState:
                self._egress.labels(family, state).set(state is view.state)

    def resolver_turned(self, view: ResolverView) -> None:
        """Our resolver."""
        for state in ResolverState:
            self._resolver.labels(state).set(state is view.state)

    def references_seen(self, up: Mapping[str, bool]) -> None:
        """The references that have been probed; others are gone."""
        self._references.clear()
        for reference, passed in up.items():
            self._references.labels(reference).set(passed)

    def watch_in_flight(self, count: Callable[[], float]) -> None:
        """Where the number of probes under way is to be read."""
        self._probes_in_flight.set_function(count)

    def watch_dropped_log_lines(self, count: Callable[[], float]) -> None:
        """Where the number of log lines that were lost is to be read."""
        self._dropped_lines.count = count

    def loaded(self, targets: tuple[Target, ...], lists: Iterable[DomainList] = (), *, whole: bool = True) -> None:
        """A configuration was loaded and holds from now on; not `whole`: a domain file failed."""
        self._tell_loads(configuration=whole)
        if whole:
            self._loaded = steady_clock.now()
        self._target_errors.clear()
        for each in lists:
            self._target_errors.labels(each.file).set(each.skipped)
        for kind, count in _by_kind(targets).items():
            self._targets.labels(kind).set(count)

    def load_failed(self) -> None:
        """A configuration was refused; the one before holds."""
        self._tell_loads(configuration=False)

    def web_loaded(self, successful: bool) -> None:
        """The web configuration was loaded, or refused."""
        self._tell_loads(web=successful)

    def _loaded_in_unix_time(self) -> float:
        """The same value as long as nobody sets the clock."""
        at = steady_clock.unix(self._loaded)
        if abs(at - self._loaded_at) > _CLOCK_STEP_SECONDS:
            self._loaded_at = at
        return self._loaded_at

    def _tell_loads(self, **loads: bool) -> None:
        self._loads |= loads
        self._reload_successful.set(all(self._loads.values()))

    def _gauge(self, name: str, documentation: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)


class _DroppedLines(Collector):
    """A counter that somebody else keeps."""

    def __init__(self) -> None:
        self.count: Callable[[], float] = lambda: 0.0

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Its value now."""
        text = "Log lines lost: nobody read them, or they could not be written."
        yield CounterMetricFamily("mx_exporter_log_lines_dropped", text, value=self.count())


def _by_kind(targets: tuple[Target, ...]) -> Mapping[TargetKind, int]:
    counts = dict.fromkeys(TargetKind, 0)
    for target in targets:
        counts[target.kind] += 1
    return counts
