"""How we behave towards one address and one MX name: few sessions at once, not too often, one for all who share it.

Big providers answer for thousands of domains with the same addresses. What one session shows of an address holds for
every domain behind it, so the domains share it for the length of an interval.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final, Generic, TypeVar

from exporter.flights import Flight

T = TypeVar("T")

# Timers and loops are a little early or late. Without slack the domain whose turn it is would now and then find its
# own last session a millisecond too young, and see results twice as old as it should.
_SHARE_FRACTION: Final = 0.95
# Sessions begun before the forgotten are looked for again; a purge walks all that are remembered.
_PURGE_EVERY: Final = 10_000
# Addresses of which something is known at once, whoever invents them: of more, those of before are forgotten. An entry
# without a result takes 300 bytes.
MAX_ENTRIES: Final = 200_000


class Pass:
    """A session's way through the turnstile: its place at one address, and the turn of the MX name."""

    __slots__ = ("_address", "_has_name", "_name", "_returning", "_turnstile")

    def __init__(self, turnstile: Turnstile, address: str, name: str) -> None:
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

    def __init__(self, address: str, name: str, turn: asyncio.Future[Pass]) -> None:
        self.address = address
        self.name = name
        self.turn = turn


_Waiters = dict[_Waiter, None]  # in the order of asking


class Turnstile:
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

    def enter_nowait(self, address: str, name: str = "") -> Pass | None:
        """Go through to `address` of the MX host `name`, if nobody is in the way."""
        if address in self._by_address or not self._may(address, name):
            return None
        return self._go(address, name)

    async def enter(self, address: str, name: str = "") -> Pass:
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
            return await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled():
                waiter.turn.result().leave()
            else:
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

    def _go(self, address: str, name: str) -> Pass:
        self._inside[address] = self._inside.get(address, 0) + 1
        if name:
            self._talking[name] = self._talking.get(name, 0) + 1
        if self._interval:
            now = self._loop.time()
            self._next_start[address] = now + self._interval
            self._entered += 1
            if self._entered % _PURGE_EVERY == 0:
                self._next_start = {kept: when for kept, when in self._next_start.items() if when > now}
        return Pass(self, address, name)

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


class Slots:
    """How many probes may be under way. Whoever waits here was under way before, so goes before the newly due."""

    def __init__(self, limit: int, on_free: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self.used = 0
        self._on_free = on_free
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_nowait(self) -> bool:
        """Take a slot if one is free."""
        if self.used >= self.limit or self._waiting:
            return False
        self.used += 1
        return True

    async def take(self) -> None:
        """Take a slot; every take needs its :meth:`free`."""
        if self.take_nowait():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.free()
            raise

    def take_over(self) -> None:
        """Take a slot even if none is free: for one that is given back at once."""
        self.used += 1

    def free(self) -> None:
        """Give a slot back."""
        self.used -= 1
        while self._waiting and self.used < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.used += 1
                turn.set_result(None)
        if self.used < self.limit:
            self._on_free()


class Lease:
    """A probe's hold on its slot, while its parts, the sessions with its addresses, may wait for others.

    The slot is given back while no part is at work. So whoever holds one gets on: if a slot were held by who waits for
    a turn, and that turn by who waits for a slot, they would wait for each other for good.
    """

    def __init__(self, slots: Slots, parts: int) -> None:
        """The slot is held already, and every part at work."""
        self._slots = slots
        self._left = self._at_work = parts
        self._held = True
        self._closed = False

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """A part waits for somebody else meanwhile, and then for the slot if that was given away."""
        self._at_work -= 1
        self._give_back_idle()
        try:
            yield
            if self._lacks_slot():
                await self._slots.take()
                if self._lacks_slot():
                    self._held = True
                else:  # another part was first, or all is over
                    self._slots.free()
        finally:
            self._at_work += 1

    def part_ended(self) -> None:
        """A part is done; the others may all be waiting."""
        self._left -= 1
        self._at_work -= 1
        self._give_back_idle()

    def close(self) -> None:
        """The probe is over, or given up: its slot is there for the caller to give back."""
        self._closed = True
        if not self._held:
            self._held = True
            self._slots.take_over()

    def _lacks_slot(self) -> bool:
        return not self._held and not self._closed

    def _give_back_idle(self) -> None:
        if not self._at_work and self._left and self._held and not self._closed:
            self._held = False
            self._slots.free()


class _Entry(Generic[T]):
    """What is known of one key: the flight under way, and the latest result if somebody may want it."""

    __slots__ = ("began", "flight", "interval", "result", "wanted")

    def __init__(self) -> None:
        self.flight: Flight[T] = Flight()
        self.result: T | None = None
        self.began = -math.inf
        self.interval = 0.0
        self.wanted = True  # by another than who began it, as far as is known


class Shared(Generic[T]):
    """One piece of work per key and interval, whoever asks; askers meanwhile wait for the one under way.

    A result that nobody else asked for in its interval is the last that is kept, until somebody does: most hosts serve
    one domain, and 100,000 results would be as many kilobytes.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()
        self._since = -math.inf

    def __len__(self) -> int:
        return len(self._entries)

    def expire(self) -> None:
        """No result of what was begun before now is given to anybody any more."""
        self._since = self._loop.time()

    async def get(
        self,
        key: Hashable,
        interval: float,
        begin: Callable[[], Awaitable[T]],
        while_waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> T:
        """The result of the work for `key` begun within the last `interval` seconds, or of one begun now.

        Where another has begun it, that is waited for within `while_waiting`.
        """
        now = self._loop.time()
        entry = self._entries.get(key)
        if entry is None:
            self._forget_some(now)
            entry = self._entries[key] = _Entry()
        if entry.began >= self._since and now - entry.began < interval * _SHARE_FRACTION:
            entry.wanted = True
            if entry.result is not None:
                return entry.result
        if entry.flight.under_way:
            entry.wanted = True
            async with while_waiting():
                return await entry.flight.join(begin)
        keep, entry.wanted = entry.wanted, False
        entry.interval = interval
        result = await entry.flight.join(begin)
        entry.began = now
        entry.result = result if keep or entry.wanted else None
        return result

    def _forget_some(self, now: float) -> None:
        """Look at the two that were not looked at for the longest: so no more than twice what is of use is kept."""
        for _ in range(min(2, len(self._entries))):
            key, entry = next(iter(self._entries.items()))
            fresh = now - entry.began < entry.interval and len(self._entries) < MAX_ENTRIES
            if fresh or entry.flight.under_way:
                self._entries.move_to_end(key)
            else:
                del self._entries[key]
