"""The metrics of the state that is saved for the next start; they are told where it is saved."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from exporter.concurrency import steady_clock


class StorageMetrics:
    """The metrics of the state that is saved for the next start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._successful = Gauge(
            "mx_exporter_storage_last_save_successful",
            "1 if the state was read or saved at the last attempt.",
            registry=registry,
        )
        self._successful.set(1)
        self._saved = Gauge(
            "mx_exporter_storage_last_save_timestamp_seconds",
            "Unix time of the last saved state; 0 before the first one.",
            registry=registry,
        )
        self._bytes = Gauge("mx_exporter_storage_size_bytes", "Size of the last saved state.", registry=registry)
        self._restored = Gauge(
            "mx_exporter_restored_targets",
            "Targets that are told as they were before the start, and not probed since.",
            registry=registry,
        )

    def watch_restored(self, count: Callable[[], float]) -> None:
        """Set the function that gives the number of restored targets."""
        self._restored.set_function(count)

    def saved(self, size: int) -> None:
        """The state was saved, in so many bytes."""
        self._successful.set(1)
        self._saved.set(steady_clock.unix(steady_clock.now()))
        self._bytes.set(size)

    def failed(self) -> None:
        """The state could not be read or saved."""
        self._successful.set(0)
