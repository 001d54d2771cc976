"""The limit of sessions to one address and one MX name, and the least time between two."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from exporter.concurrency.waiters import granted

# Sessions begun before the start times that are over are dropped again; a purge walks all that are remembered.
_PURGE_EVERY: Final = 10_000


class SessionPermit:
    """The permit of one session: a place at its address, and one of its MX name, which it may lend."""

    __slots__ = ("_address", "_has_name", "_limiter", "_name", "_waits_for_name")

    def __init__(self, limiter: SessionLimiter, address: str, name: str) -> None:
        self._limiter = limiter
        self._address = address
        self._name = name
        self._has_name = bool(name)
        self._waits_for_name = False

    def lend_name(self) -> None:
        """Let others of the name go first while the connect is unanswered."""
        if self._has_name:
            self._has_name = False
            self._limiter.free_name(self._name)

    def regain_name(self, on_regained: Callable[[], None]) -> bool:
        """Take the place of the name again before the first word: at once, or call `on_regained` when it is free."""
        if self._has_name or not self._name:
            return True
        self._has_name = self._limiter.take_name(self._name, lambda: self._regained(on_regained))
        self._waits_for_name = not self._has_name
        return self._has_name

    def release(self) -> None:
        """The session is over."""
        has_name, self._has_name, self._waits_for_name = self._has_name, False, False
        self._limiter.free(self._address, self._name if has_name else "")

    def _regained(self, on_regained: Callable[[], None]) -> bool:
        """Take the place that is free now; False if the session is over."""
        if not self._waits_for_name:
            return False
        self._waits_for_name, self._has_name = False, True
        on_regained()
        return True


class _Waiter:
    """A session that waits for its permit."""

    __slots__ = ("address", "grant", "name")

    def __init__(self, address: str, name: str, grant: asyncio.Future[SessionPermit]) -> None:
        self.address = address
        self.name = name
        self.grant = grant


_Waiters = dict[_Waiter, None]  # in the order of asking


class SessionLimiter:
    """At most `at_once` sessions with one address, begun at least `interval` seconds apart.

    At most as many with all addresses of one MX name, for a farm counts its clients together. Both places are given
    together, so that no session holds the one and waits for the other.
    """

    def __init__(self, at_once: int, interval: float) -> None:
        self._at_once = at_once
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._at_address: dict[str, int] = {}  # sessions under way
        self._at_name: dict[str, int] = {}  # those of them that have not lent their place
        self._next_start: dict[str, float] = {}
        self._by_address: dict[str, _Waiters] = {}
        self._by_name: dict[str, _Waiters] = {}
        self._returning: dict[str, deque[Callable[[], bool]]] = {}  # sessions that want the place of the name back
        self._timers: dict[str, asyncio.TimerHandle] = {}  # their queues are looked at when the interval is over
        self._begun = 0

    def configure(self, at_once: int, interval: float) -> None:
        """Set other limits. Sessions under way go on; a start that is past keeps its distance by the new interval."""
        shorter = self._interval - interval
        self._at_once, self._interval = at_once, interval
        if shorter:
            self._next_start = {address: when - shorter for address, when in self._next_start.items()}
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
        for address in [*self._by_address]:
            self._serve_address(address)

    def acquire_nowait(self, address: str, name: str = "") -> SessionPermit | None:
        """A permit for `address` of the MX host `name`, if none waits for one and the limits allow it."""
        if address in self._by_address:
            return None
        if not self._interval and address not in self._at_address and name not in self._at_name:  # as nearly always
            self._at_address[address] = 1
            if name:
                self._at_name[name] = 1
            return SessionPermit(self, address, name)
        return self._permit(address, name) if self._may_begin(address, name) else None

    async def acquire(self, address: str, name: str = "") -> SessionPermit:
        """A permit, in the order of asking; each needs its `release`."""
        found = self.acquire_nowait(address, name)
        if found is not None:
            return found
        waiter = _Waiter(address, name, self._loop.create_future())
        self._by_address.setdefault(address, {})[waiter] = None
        if name:
            self._by_name.setdefault(name, {})[waiter] = None
        self._serve_address(address)
        try:
            return await granted(waiter.grant, SessionPermit.release)
        except asyncio.CancelledError:
            self._forget(waiter)
            raise

    def free(self, address: str, name: str) -> None:
        """A session with `address` is over; `name`: its place among those of the name, if it had one."""
        if self._at_address[address] == 1:
            del self._at_address[address]
        else:
            self._at_address[address] -= 1
        if address in self._by_address:
            self._serve_address(address)
        if name:
            self.free_name(name)

    def take_name(self, name: str, on_free: Callable[[], bool]) -> bool:
        """Take a place of `name`, before all that have not begun; if none is free, `on_free` is called when one is."""
        if self._at_name.get(name, 0) >= self._at_once or name in self._returning:
            self._returning.setdefault(name, deque()).append(on_free)
            return False
        self._at_name[name] = self._at_name.get(name, 0) + 1
        return True

    def free_name(self, name: str) -> None:
        """Give a place of `name` to the next session that wants it."""
        if name not in self._returning and name not in self._by_name:  # as nearly always
            _count_down(self._at_name, name)
            return
        returning = self._returning.get(name)
        while returning:
            on_free = returning.popleft()
            if not returning:
                del self._returning[name]
            if on_free():
                return
        _count_down(self._at_name, name)
        while (waiters := self._by_name.get(name)) and self._at_name.get(name, 0) < self._at_once:
            if not self._serve_one(waiters):
                break

    def _may_begin(self, address: str, name: str) -> bool:
        if self._at_address.get(address, 0) >= self._at_once:
            return False
        if self._interval and self._seconds_until_next(address) > 0:
            return False
        return not name or self._at_name.get(name, 0) < self._at_once

    def _seconds_until_next(self, address: str) -> float:
        return self._next_start.get(address, 0.0) - self._loop.time() if self._interval else 0.0

    def _permit(self, address: str, name: str) -> SessionPermit:
        self._at_address[address] = self._at_address.get(address, 0) + 1
        if name:
            self._at_name[name] = self._at_name.get(name, 0) + 1
        if self._interval:
            now = self._loop.time()
            self._next_start[address] = now + self._interval
            self._begun += 1
            if self._begun % _PURGE_EVERY == 0:
                self._next_start = {kept: when for kept, when in self._next_start.items() if when > now}
        return SessionPermit(self, address, name)

    def _serve_address(self, address: str) -> None:
        while (waiters := self._by_address.get(address)) and self._may_begin(address, ""):
            if not self._serve_one(waiters):
                break
        self._set_timer(address)

    def _serve_one(self, waiters: _Waiters) -> bool:
        """Give the first of them that may begin its permit; one that was cancelled a moment ago is still among them."""
        waiting = (waiter for waiter in waiters if not waiter.grant.done())
        found = next((waiter for waiter in waiting if self._may_begin(waiter.address, waiter.name)), None)
        if found is None:
            return False
        self._forget(found)
        found.grant.set_result(self._permit(found.address, found.name))
        return True

    def _forget(self, waiter: _Waiter) -> None:
        for queues, key in ((self._by_address, waiter.address), (self._by_name, waiter.name)):
            waiters = queues.get(key)
            if waiters is not None:
                waiters.pop(waiter, None)
                if not waiters:
                    del queues[key]

    def _set_timer(self, address: str) -> None:
        """Serve `address` again when its interval is over, if any session waits for that."""
        if address not in self._by_address or address in self._timers:
            return
        seconds = self._seconds_until_next(address)
        if seconds > 0:
            self._timers[address] = self._loop.call_later(seconds, self._interval_over, address)

    def _interval_over(self, address: str) -> None:
        del self._timers[address]
        self._serve_address(address)


def _count_down(counts: dict[str, int], key: str) -> None:
    if counts[key] == 1:
        del counts[key]
    else:
        counts[key] -= 1
