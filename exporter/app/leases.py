"""The leases: targets that a client asks for by `/probe` or on the command line, which hold hosts for a while.

A lease shares the hosts of the schedule, and other leases share its own: what one client asked for answers the next one
that asks within the interval. A configured target that is asked for as it is configured needs no lease.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from exporter.concurrency.spread_work import SpreadWork
from exporter.model.target import Settings, Target, TargetKind
from exporter.probe.domain_turn import DomainTurn

# Any client may name targets: of more, those that were not asked for longest go.
MAX_LEASES: Final = 10_000

_Key = tuple[TargetKind, str, int]


class _Lease:
    """A lease, and the moment at which it ends: never, as long as somebody waits for it."""

    __slots__ = ("ends", "key", "settings", "timeout", "turn", "users")

    def __init__(self, key: _Key, turn: DomainTurn, timeout: float) -> None:
        self.key = key
        self.turn = turn
        self.timeout = timeout
        self.settings: Settings = turn.target.settings
        self.users = 0
        self.ends = math.inf


class Leases:
    """The leases in force. One event loop's."""

    def __init__(
        self,
        begin: Callable[[Target, float], DomainTurn],
        end: Callable[[DomainTurn], None],
        *,
        forever: bool,
        on_internal_error: Callable[[], None],
    ) -> None:
        """`begin` makes the turn of a target with a timeout, `end` gives it up.

        `forever`: no lease ends before the process. `on_internal_error`: see :class:`SpreadWork`.
        """
        self._begin = begin
        self._give_up = end
        self._forever = forever
        self._loop = asyncio.get_running_loop()
        self._leases: OrderedDict[_Lease, None] = OrderedDict()  # the longest unused first
        self._by_key: dict[_Key, list[_Lease]] = {}  # with other settings or another timeout it is another lease
        self._ends = SpreadWork("ends of leases", self._end_if_over, on_internal_error)

    def __len__(self) -> int:
        return len(self._leases)

    def of(self, target: Target, timeout: float) -> DomainTurn:
        """The lease of `target`, begun or prolonged now, whose sessions may take `timeout` seconds."""
        lease = self._lease(target, timeout)
        self._prolong(lease)
        return lease.turn

    @contextmanager
    def used(self, target: Target, timeout: float) -> Iterator[DomainTurn]:
        """The lease of `target` for somebody who waits: it lasts until then, and its interval from then on."""
        lease = self._lease(target, timeout)
        lease.users += 1
        lease.ends = math.inf
        try:
            yield lease.turn
        finally:
            lease.users -= 1
            self._prolong(lease)

    def end_expired(self) -> None:
        """End the leases whose time is over, some milliseconds of work at a time."""
        now = self._loop.time()
        self._ends.add([lease for lease in self._leases if lease.ends <= now])

    def close(self) -> None:
        """End none any more."""
        self._ends.close()

    def _lease(self, target: Target, timeout: float) -> _Lease:
        key = target.kind, target.host, target.settings.port
        same_key = self._by_key.get(key, ())
        lease = next((each for each in same_key if each.timeout == timeout and each.settings == target.settings), None)
        if lease is not None:
            self._leases.move_to_end(lease)
            return lease
        lease = _Lease(key, self._begin(target, timeout), timeout)
        self._leases[lease] = None
        self._by_key.setdefault(key, []).append(lease)
        if len(self._leases) > MAX_LEASES and not self._forever:
            self._end_oldest()
        return lease

    def _prolong(self, lease: _Lease) -> None:
        if not self._forever and not lease.users:
            lease.ends = self._loop.time() + lease.settings.interval

    def _end_oldest(self) -> None:
        """End the lease that was not asked for longest; one that is waited for, as few are, stays."""
        oldest = next((lease for lease in self._leases if lease.ends < math.inf), None)
        if oldest is not None:
            self._end(oldest)

    def _end_if_over(self, lease: _Lease) -> None:
        if lease in self._leases and lease.ends <= self._loop.time():
            self._end(lease)

    def _end(self, lease: _Lease) -> None:
        del self._leases[lease]
        same_key = self._by_key[lease.key]
        same_key.remove(lease)
        if not same_key:
            del self._by_key[lease.key]
        self._give_up(lease.turn)
