"""The metrics of the configuration files: their last load, the targets in them, their invalid lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from exporter.concurrency import steady_clock
from exporter.model.configuration import DomainList
from exporter.model.target import Target, TargetKind

# A smaller difference is the slow correction of the clock (adjtime(3)), not a step.
_CLOCK_STEP_SECONDS: Final = 1.0
# Files with a series of their own: a folder may have one file for each of thousands of customers.
MAX_FILES: Final = 100
OTHER_FILES: Final = "(other files)"


class ConfigurationMetrics:
    """Gauges that follow each load and each look at the files."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._loads = {"configuration": True, "web": True}
        self._successful = Gauge(
            "mx_exporter_config_last_reload_successful",
            "1 if the last attempt to load the configuration succeeded.",
            registry=registry,
        )
        self._loaded = steady_clock.now()
        self._loaded_at = 0.0
        Gauge(
            "mx_exporter_config_last_reload_success_timestamp_seconds",
            "Unix time of the last successful load of the configuration.",
            registry=registry,
        ).set_function(self._loaded_in_unix_time)
        self._targets = Gauge("mx_exporter_targets", "Configured targets.", ("kind",), registry=registry)
        self.file_differs: Final = Gauge(
            "mx_exporter_config_file_differs",
            "1 if the configuration file, or a file with a password that it names, is not the one in use.",
            registry=registry,
        )
        self._invalid_lines = Gauge(
            "mx_exporter_target_errors",
            "Invalid lines of a domain file, which are skipped.",
            ("file",),
            registry=registry,
        )

    def attempted(self, **successful: bool) -> None:
        """Note the outcome of a load: of the `configuration` or of the `web` configuration."""
        self._loads |= successful
        self._successful.set(all(self._loads.values()))

    def loaded(self, targets: tuple[Target, ...], lists: Iterable[DomainList], *, whole: bool) -> None:
        """Note a configuration that is in use from now on."""
        self.attempted(configuration=whole)
        if whole:
            self._loaded = steady_clock.now()
        self._invalid_lines.clear()
        for file, skipped in _by_file(lists):
            self._invalid_lines.labels(file).set(skipped)
        for kind, count in _by_kind(targets).items():
            self._targets.labels(kind).set(count)

    def _loaded_in_unix_time(self) -> float:
        """The time of the load, the same value until the clock is set."""
        at = steady_clock.unix(self._loaded)
        if abs(at - self._loaded_at) > _CLOCK_STEP_SECONDS:
            self._loaded_at = at
        return self._loaded_at


def _by_file(lists: Iterable[DomainList]) -> Iterator[tuple[str, int]]:
    """The invalid lines of each file; of many files those with most, and the sum of the others."""
    files = sorted(lists, key=lambda each: (-each.skipped, each.file))
    for each in files[:MAX_FILES]:
        yield each.file, each.skipped
    if len(files) > MAX_FILES:
        yield OTHER_FILES, sum(each.skipped for each in files[MAX_FILES:])


def _by_kind(targets: tuple[Target, ...]) -> Mapping[TargetKind, int]:
    counts = dict.fromkeys(TargetKind, 0)
    for target in targets:
        counts[target.kind] += 1
    return counts
