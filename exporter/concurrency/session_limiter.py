"""The limit of sessions to one address and one MX name, and the least time between two."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from exporter.concurrency.waiters import granted

# Sessions begun before the forgotten are looked for again; a purge walks all that are remembered.
_PURGE_EVERY: Final = 10_000


class SessionPermit:
    """A session's way through the turnstile: its place at one address, and the turn of the MX name."""

    __slots__ = ("_address", "_has_name", "_name", "_returning", "_turnstile")

    def __init__(self, turnstile: SessionLimiter, address: str, name: str) -> None:
        self._turnstile = turnstile
        self._address = address
        self._name = name
        self._has_name = bool(name)
        self._returning = False

    def let_by(self) -> None:
        """Let others of the name go first, for there is nobody to talk to yet."""
        if self._has_name:
            self._has_name = False
            self._turnstile.free_name(self._name)

    def regain(self, told: Callable[[], None]) -> bool:
        """Take the name's turn again before one speaks: at once, or `told` is called when it has come."""
        if self._has_name or not self._name:
            return True
        self._has_name = self._turnstile.take_name(self._name, lambda: self._come(told))
        self._returning = not self._has_name
        return self._has_name

    def leave(self) -> None:
        """The session is over."""
        self._turnstile.leave(self._address)
        self._returning = False
        self.let_by()

    def _come(self, told: Callable[[], None]) -> bool:
        """The name's turn is there; whether it is still wanted."""
        if not self._returning:
            return False
        self._returning, self._has_name = False, True
        told()
        return True


class _Waiter:
    """Who waits for a pass."""

    __slots__ = ("address", "name", "turn")

    def __init__(self, address: str, name: str, turn: asyncio.Future[SessionPermit]) -> None:
        self.address = address
        self.name = name
        self.turn = turn


_Waiters = dict[_Waiter, None]  # in the order of asking


class SessionLimiter:
    """Lets at most `at_once` sessions through to one address, starts at least `interval` seconds apart.

    No more either to all addresses of one MX name, for a farm counts its clients together. Place and turn are given
    together, so nobody holds the one and waits for the other.
    """

    def __init__(self, at_once: int, interval: float) -> None:
        self._at_once = at_once
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._inside: dict[str, int] = {}  # by address
        self._talking: dict[str, int] = {}  # by name
        self._next_start: dict[str, float] = {}
        self._by_address: dict[str, _Waiters] = {}
        self._by_name: dict[str, _Waiters] = {}
        self._returning: dict[str, deque[Callable[[], bool]]] = {}
        self._alarms: set[str] = set()  # addresses whose queue a timer looks after
        self._entered = 0

    def enter_nowait(self, address: str, name: str = "") -> SessionPermit | None:
        """Go through to `address` of the MX host `name`, if nobody is in the way."""
        if address in self._by_address or not self._may(address, name):
            return None
        return self._go(address, name)

    async def enter(self, address: str, name: str = "") -> SessionPermit:
        """Go through, in the order of asking; every pass needs its `leave`."""
        found = self.enter_nowait(address, name)
        if found is not None:
            return found
        waiter = _Waiter(address, name, self._loop.create_future())
        self._by_address.setdefault(address, {})[waiter] = None
        if name:
            self._by_name.setdefault(name, {})[waiter] = None
        self._admit_to(address)
        try:
            return await granted(waiter.turn, SessionPermit.leave)
        except asyncio.CancelledError:
            self._forget(waiter)
            raise

    def leave(self, address: str) -> None:
        """A session with `address` is over."""
        _count_down(self._inside, address)
        self._admit_to(address)

    def take_name(self, name: str, come: Callable[[], bool]) -> bool:
        """Take the turn of `name`, before all who have not entered; if it is not there, `come` is called when it is."""
        if self._talking.get(name, 0) >= self._at_once or name in self._returning:
            self._returning.setdefault(name, deque()).append(come)
            return False
        self._talking[name] = self._talking.get(name, 0) + 1
        return True

    def free_name(self, name: str) -> None:
        """Give the turn of `name` to the next who wants it."""
        returning = self._returning.get(name)
        while returning:
            come = returning.popleft()
            if not returning:
                del self._returning[name]
            if come():
                return
        _count_down(self._talking, name)
        while (waiters := self._by_name.get(name)) and self._talking.get(name, 0) < self._at_once:
            if not self._admit_one(waiters):
                break

    def _may(self, address: str, name: str) -> bool:
        if self._inside.get(address, 0) >= self._at_once or self._wait(address) > 0:
            return False
        return not name or self._talking.get(name, 0) < self._at_once

    def _wait(self, address: str) -> float:
        return self._next_start.get(address, 0.0) - self._loop.time() if self._interval else 0.0

    def _go(self, address: str, name: str) -> SessionPermit:
        self._inside[address] = self._inside.get(address, 0) + 1
        if name:
            self._talking[name] = self._talking.get(name, 0) + 1
        if self._interval:
            now = self._loop.time()
            self._next_start[address] = now + self._interval
            self._entered += 1
            if self._entered % _PURGE_EVERY == 0:
                self._next_start = {kept: when for kept, when in self._next_start.items() if when > now}
        return SessionPermit(self, address, name)

    def _admit_to(self, address: str) -> None:
        while (waiters := self._by_address.get(address)) and self._may(address, ""):
            if not self._admit_one(waiters):
                break
        self._look_after(address)

    def _admit_one(self, waiters: _Waiters) -> bool:
        """Let the first of them through that may; whoever has just given up does not know it yet."""
        waiting = (waiter for waiter in waiters if not waiter.turn.done())
        found = next((waiter for waiter in waiting if self._may(waiter.address, waiter.name)), None)
        if found is None:
            return False
        self._forget(found)
        found.turn.set_result(self._go(found.address, found.name))
        return True

    def _forget(self, waiter: _Waiter) -> None:
        for queues, key in ((self._by_address, waiter.address), (self._by_name, waiter.name)):
            waiters = queues.get(key)
            if waiters is not None:
                waiters.pop(waiter, None)
                if not waiters:
                    del queues[key]

    def _look_after(self, address: str) -> None:
        """Come again when the interval of `address` is over, if somebody waits for that."""
        if address in self._by_address and address not in self._alarms and (wait := self._wait(address)) > 0:
            self._alarms.add(address)
            self._loop.call_later(wait, self._ring, address)

    def _ring(self, address: str) -> None:
        self._alarms.discard(address)
        self._admit_to(address)


def _count_down(counts: dict[str, int], key: str) -> None:
    if counts[key] == 1:
        del counts[key]
    else:
        counts[key] -= 1
