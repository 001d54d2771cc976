"""The CPU of one session, as far as it may be much: that of TLS, and of a dialogue in many small pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from exporter.probe.cpu_cost import CpuMeter

# Reads of a dialogue in the clear that are not measured: a few for each reply of an ordinary one. To measure a read
# takes longer than to handle it.
_FREE_READS: Final = 64
# The cost of the event of a read beside the read itself, CPU seconds.
_READ_SECONDS: Final = 15e-6

T = TypeVar("T")


class SessionCpu:
    """Counts reads, and measures those that may be expensive."""

    __slots__ = ("_limit", "_meter", "_reads")

    def __init__(self, limit: float) -> None:
        """`limit`: CPU seconds beyond which the session costs too much."""
        self._limit = limit
        self._reads = 0
        self._meter: CpuMeter | None = None  # from the first part that is measured

    @property
    def seconds(self) -> float:
        """The CPU seconds that were measured."""
        return 0.0 if self._meter is None else self._meter.seconds

    @property
    def is_too_much(self) -> bool:
        """The session has cost more than its limit."""
        return self.seconds > self._limit

    @property
    def excess(self) -> str:
        """The reason to end such a session."""
        return f"cost this exporter more than {self._limit:g} s of CPU in one session"

    def is_free(self, *, with_tls: bool) -> bool:
        """Count a read; True: it is cheap for sure, and not measured."""
        self._reads += 1
        return not with_tls and self._reads <= _FREE_READS

    def begin(self) -> None:
        """A read that is measured begins."""
        if self._meter is None:
            self._meter = CpuMeter()
        self._meter.begin()

    def end(self) -> None:
        """The read is done."""
        if self._meter is not None:
            self._meter.end(beside=_READ_SECONDS)

    def unmeasured(self, do: Callable[[], T]) -> T:
        """Do something within a read that is no cost of this host."""
        meter = self._meter
        if meter is None:
            return do()
        meter.end()
        done = do()
        meter.begin()
        return done
