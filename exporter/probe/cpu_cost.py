"""The CPU that sessions with a host cost, and the pause of an address that costs too much.

All sessions share one loop. Each is bounded in bytes, records and certificates, so it costs a few milliseconds; one of
ten times as much is odd, whichever limit failed to hold. So the CPU of all that could be expensive is measured:
TLS, and a dialogue in many small pieces. A costly host has the warning `costly`, a very costly session is ended, and
the host's address is left alone for so long that its share of a core stays small; so is that of all costly hosts
together. CPU time counts and not that of a clock, so a busy machine makes no host costly.
"""

from __future__ import annotations

import gc
import logging
import time
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.printable import printable

log = logging.getLogger(__name__)

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


class _CostlyHost:
    """One address that has been costly."""

    __slots__ = ("latest", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.latest = 0.0  # when the last session was settled


class CpuCosts:
    """The addresses that have been costly, and the pause of each.

    Used by one event loop. Times are those of time.monotonic().
    """

    def __init__(self) -> None:
        self._costly: BoundedDict[str, _CostlyHost] = BoundedDict(MAX_COSTLY)
        self._all_until = 0.0

    @property
    def limit(self) -> float:
        """CPU seconds after which a session is ended: few while the costly hosts together have had their share."""
        if self._all_until and self._all_until > time.monotonic():
            return COSTLY_SECONDS
        return MAX_SECONDS

    def pause(self, address: str) -> float:
        """Seconds for which `address` is left alone from now on."""
        costly = self._costly.get(address)
        if costly is None:
            return 0.0
        # Other hosts, of which there may be new ones all the time, prolong no pause beyond the longest one.
        with_others = min(self._all_until, costly.latest + MAX_PAUSE_SECONDS)
        return max(0.0, max(costly.until, with_others) - time.monotonic())

    def settle(self, address: str, seconds: float) -> None:
        """Take in the cost of a session with `address`."""
        if seconds <= COSTLY_SECONDS and self._costly.get(address) is None:
            return  # as nearly always
        pause, now = pause_after(seconds), time.monotonic()
        costly = self._costly.pop(address)
        if costly is None:
            _log_pause(address, seconds, pause)
            costly = _CostlyHost()
        elif not pause and costly.until <= now:
            return  # the host has been mended
        costly.latest = now
        self._costly[address] = costly  # at the end of the order, which is that of age
        if pause:
            self._all_until = _later(self._all_until, now, seconds / ALL_SHARE)
            costly.until = _later(costly.until, now, pause)


def _log_pause(address: str, seconds: float, pause: float) -> None:
    """Log the pause, once for as long as the address is known as costly."""
    fields = {"address": printable(address), "cpu_seconds": f"{seconds:.3f}", "paused_seconds": f"{pause:.0f}"}
    log.warning("host paused for its CPU cost", extra={"fields": fields})


def _later(until: float, now: float, seconds: float) -> float:
    return min(max(until, now) + seconds, now + MAX_PAUSE_SECONDS)
