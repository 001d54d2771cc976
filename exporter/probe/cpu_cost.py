"""The CPU that sessions with a host cost, and the pause of an address that costs too much.

All probes share one loop. A session is bounded in bytes, records and certificates, so it costs a few milliseconds; one
that costs ten times as much is odd, whichever limit failed to hold. So the CPU of all that could be expensive
is measured: TLS, and a dialogue in many small pieces. A costly host has the warning `costly`, a very costly session is
ended, and the host's address is left alone for so long that its share of a core stays small; so is that of all costly
hosts together. CPU time counts and not that of a clock, so a busy machine makes no host costly.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from exporter.model.printable import printable

log = logging.getLogger(__name__)

T = TypeVar("T")

# A handshake with its verification takes 2 ms, on a slow machine 5. Ten times that is odd.
COSTLY_SECONDS: Final = 0.05
# A session that has cost so much is ended. Checked after each read, each of which is bounded by itself.
MAX_SECONDS: Final = 0.25
# Shares of a core: of one address, and of all costly ones together.
ADDRESS_SHARE: Final = 0.01
ALL_SHARE: Final = 0.05
# The host may have been mended meanwhile.
MAX_PAUSE_SECONDS: Final = 3600.0
# Addresses that are known as costly. Beyond it the oldest goes.
MAX_COSTLY: Final = 10_000
# Bytes of the records kept of them, one for each dialogue with an address; and of one record.
MAX_SEEN_BYTES: Final = 16_777_216
MAX_ONE_BYTES: Final = 262_144
# The memory of a record beside its texts.
_OVERHEAD_BYTES: Final = 2048
# A part of a session that took so long is not counted if the garbage collector has run within it.
_COLLECTED_SECONDS: Final = 0.005


def pause_after(seconds: float) -> float:
    """Seconds for which an address is left alone after a session that cost so much; 0 where that is nothing odd."""
    return min(MAX_PAUSE_SECONDS, seconds / ADDRESS_SHARE) if seconds > COSTLY_SECONDS else 0.0


class CpuMeter:
    """CPU seconds of this thread in the parts of one session that are measured."""

    __slots__ = ("_began", "_collections", "_spent")

    def __init__(self) -> None:
        self._spent = 0.0
        self._began: float | None = None
        self._collections = _collections()

    @property
    def seconds(self) -> float:
        """The CPU seconds measured up to now."""
        return self._spent if self._began is None else self._spent + self._part(self._began)

    def begin(self) -> None:
        """Begin a part."""
        self._began = time.thread_time()

    def end(self, beside: float = 0.0) -> None:
        """End the part; `beside` is its cost that cannot be measured."""
        if self._began is not None:
            self._spent += self._part(self._began) + beside
            self._began = None

    def _part(self, began: float) -> float:
        spent = time.thread_time() - began
        if spent > _COLLECTED_SECONDS:
            before, self._collections = self._collections, _collections()
            if self._collections != before:
                return 0.0
        return spent


def _collections() -> int:
    """Full runs of the garbage collector so far, which go over all objects of the process; the others are quick."""
    runs: int = gc.get_stats()[2]["collections"]
    return runs


class _CostlyHost(Generic[T]):
    """One address that has been costly, and the records of it by dialogue, each with its bytes."""

    __slots__ = ("latest", "seen", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.latest = 0.0  # when the last session was settled
        self.seen: dict[Hashable, tuple[T, int]] = {}


class CpuCosts(Generic[T]):
    """The addresses that have been costly, the pause of each, and the records (`T`) of its last sessions.

    Used by one event loop. Times are those of time.monotonic().
    """

    def __init__(self, weigh: Callable[[T], int]) -> None:
        """`weigh` gives the bytes of a record."""
        self._weigh = weigh
        self._costly: dict[str, _CostlyHost[T]] = {}
        self._bytes = 0
        self._all_until = 0.0

    @property
    def limit(self) -> float:
        """CPU seconds after which a session is ended: few while the costly hosts together have had their share."""
        if self._all_until and self._all_until > time.monotonic():
            return COSTLY_SECONDS
        return MAX_SECONDS

    def pause(self, address: str) -> float:
        """Seconds for which `address` is left alone from now on."""
        costly = self._costly.get(address) if self._costly else None
        if costly is None:
            return 0.0
        # Other hosts, of which there may be new ones all the time, prolong no pause beyond the longest one.
        with_others = min(self._all_until, costly.latest + MAX_PAUSE_SECONDS)
        return max(0.0, max(costly.until, with_others) - time.monotonic())

    def seen(self, address: str, key: Hashable) -> T | None:
        """The record of the last session of this kind with a costly address."""
        costly = self._costly.get(address)
        found = None if costly is None else costly.seen.get(key)
        return None if found is None else found[0]

    def forget_seen(self) -> None:
        """Forget all records, which are out of date; the pauses go on."""
        for costly in self._costly.values():
            costly.seen.clear()
        self._bytes = 0

    def settle(self, address: str, key: Hashable, seconds: float, seen: T) -> None:
        """Take in the cost of a session with `address`, and `seen`, its record."""
        pause = pause_after(seconds)
        if not pause and address not in self._costly:
            return
        now = time.monotonic()
        costly = self._costly.pop(address, None)
        if costly is None:
            _log_pause(address, seconds, pause)
            costly = _CostlyHost()
        elif not pause and costly.until <= now:
            self._bytes -= sum(size for _, size in costly.seen.values())  # the host has been mended
            return
        costly.latest = now
        self._costly[address] = costly  # at the end of the order, which is that of age
        if pause:
            self._all_until = _later(self._all_until, now, seconds / ALL_SHARE)
            costly.until = _later(costly.until, now, pause)
        self._keep(costly, key, seen)

    def _keep(self, costly: _CostlyHost[T], key: Hashable, seen: T) -> None:
        before = costly.seen.pop(key, None)
        self._bytes -= before[1] if before is not None else 0
        size = self._weigh(seen) + _OVERHEAD_BYTES
        if size <= MAX_ONE_BYTES:
            costly.seen[key] = (seen, size)
            self._bytes += size
        while len(self._costly) > MAX_COSTLY or self._bytes > MAX_SEEN_BYTES:
            oldest = self._costly.pop(next(iter(self._costly)))
            self._bytes -= sum(size for _, size in oldest.seen.values())


def _log_pause(address: str, seconds: float, pause: float) -> None:
    """Log the pause, once for as long as the address is known as costly."""
    fields = {"address": printable(address), "cpu_seconds": f"{seconds:.3f}", "paused_seconds": f"{pause:.0f}"}
    log.warning("host paused for its CPU cost", extra={"fields": fields})


def _later(until: float, now: float, seconds: float) -> float:
    return min(max(until, now) + seconds, now + MAX_PAUSE_SECONDS)
