"""Who may fetch a policy now: places by past behaviour, so that hosts that keep us waiting cannot take those of others.

A fetch of a host that is new, or that answered the last time, gets one of :data:`PROMPT_PLACES`, for
:data:`PROMPT_SECONDS` at most; one that is not done by then goes on at one of :data:`SLOW_PLACES`. Where those are
taken, the longest at one is ended for it. A host that kept us waiting the last time begins at a slow place or not at
all. Hosts at one address share :data:`PLACES_OF_ADDRESS`, and addresses take turns.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.concurrency.waiters import Waiters
from exporter.model.policy import MtaStsProblem
from exporter.policies.mtasts.fetch import FetchFault

# Fetches that are expected to do something soon: each is a TLS handshake in the loop of the probes.
PROMPT_PLACES: Final = 16
# Round trips for TCP, TLS, the request and a policy, each of 100 ms.
PROMPT_SECONDS: Final = 0.5
# Fetches that wait for a slow host: a socket each, and nothing else. With 300 silent hosts at once, of which 32 a
# second get here, each of them stays for three seconds and more.
SLOW_PLACES: Final = 112
# Prompt places that the hosts of one address may have: a provider with the policies of thousands answers promptly.
PLACES_OF_ADDRESS: Final = 4
# Fetches that took so long are those of a host that keeps us waiting.
LONG_SECONDS: Final = 5.0
# Hosts and addresses whose behaviour is remembered; beyond it the oldest are forgotten.
MAX_REMEMBERED: Final = 100_000

Work = Callable[[], Awaitable[bytes | FetchFault]]
_Task = asyncio.Future[bytes | FetchFault]
_Waiting = dict[str, Waiters[None]]


class FetchSlots:
    """The places of all fetches. Used by one event loop."""

    def __init__(
        self, prompt: int = PROMPT_PLACES, slow: int = SLOW_PLACES, of_address: int = PLACES_OF_ADDRESS
    ) -> None:
        self._free = prompt
        self._slow_places = slow
        self._of_address = of_address
        self._at_address: Counter[str] = Counter()  # prompt places taken
        # Who waits for a prompt place, by address: those first that are known to answer.
        self._waiting: tuple[_Waiting, _Waiting] = ({}, {})
        self._slow: dict[_Task, None] = {}  # the longest there first
        self._prompt_hosts: BoundedDict[str, None] = BoundedDict(MAX_REMEMBERED)
        self._keep_us_waiting: BoundedDict[str, None] = BoundedDict(MAX_REMEMBERED)  # hosts and addresses

    async def fetch(self, host: str, address: str, work: Work) -> bytes | FetchFault:
        """What `work` fetches from the policy host `host` at `address`, when there is a place for it."""
        task: _Task | None = None
        if not self._is_slow(host, address):
            task = await self._promptly(host, address, work)
        if task is None:
            if len(self._slow) >= self._slow_places:
                return FetchFault(MtaStsProblem.LOCAL, f"too many policy hosts keep us waiting, those of {address} too")
            task = asyncio.ensure_future(work())
        return await self._finish(host, address, task)

    async def _promptly(self, host: str, address: str, work: Work) -> _Task | None:
        """`work`, begun at a prompt place and done, or not done in the time that those are for.

        None where others have kept us waiting at the address since this one came.
        """
        area = _area(address)
        await self._enter(area, known=host in self._prompt_hosts)
        task = None
        try:
            if self._is_slow(host, address):
                return None
            task = asyncio.ensure_future(work())
            await asyncio.wait((task,), timeout=PROMPT_SECONDS)
        except asyncio.CancelledError:
            if task is not None:
                task.cancel()
            raise
        finally:
            self._leave(area)
        if task.done():
            self._prompt_hosts[host] = None
        else:
            self._prompt_hosts.pop(host)
            self._keep_us_waiting[address] = None  # until it answers
        return task

    async def _enter(self, area: str, *, known: bool) -> None:
        waiters = self._waiting[not known].setdefault(area, Waiters(lambda _: self._leave(area)))
        waiting = waiters.wait()
        self._call()
        await waiting

    def _leave(self, area: str) -> None:
        self._free += 1
        self._at_address[area] -= 1
        if not self._at_address[area]:
            del self._at_address[area]
        self._call()

    def _call(self) -> None:
        """Give the free places to those who wait, an address after the other."""
        while self._free:
            # Few can have all places of an address, so few are passed over here.
            found = next(
                (
                    (waiting, area)
                    for waiting in self._waiting
                    for area in waiting
                    if self._at_address[area] < self._of_address
                ),
                None,
            )
            if found is None:
                return
            waiting, area = found
            waiters = waiting.pop(area)
            if waiters.serve(None):
                self._free -= 1
                self._at_address[area] += 1
            if waiters:
                waiting[area] = waiters  # behind the others

    async def _finish(self, host: str, address: str, task: _Task) -> bytes | FetchFault:
        """The result of `task`, at a slow place as far as it takes one."""
        began = asyncio.get_running_loop().time()
        if not task.done():
            await self._slowly(task)
        if task.cancelled():
            outcome: bytes | FetchFault = FetchFault(
                MtaStsProblem.LOCAL, f"{host} kept us waiting, and so did too many others", silent=True
            )
        else:
            outcome = task.result()
        if isinstance(outcome, FetchFault) and outcome.problem is MtaStsProblem.LOCAL and not outcome.silent:
            return outcome  # says nothing about the host
        took_long = asyncio.get_running_loop().time() - began > LONG_SECONDS
        if took_long or (isinstance(outcome, FetchFault) and outcome.silent):
            self._prompt_hosts.pop(host)
            self._keep_us_waiting[host] = self._keep_us_waiting[address] = None
        else:
            self._keep_us_waiting.pop(host)
            self._keep_us_waiting.pop(address)
        return outcome

    async def _slowly(self, task: _Task) -> None:
        if len(self._slow) >= self._slow_places:
            longest = next(iter(self._slow))
            del self._slow[longest]
            longest.cancel()
        self._slow[task] = None
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._slow.pop(task, None)

    def _is_slow(self, host: str, address: str) -> bool:
        """Whether it kept us waiting, or is a stranger at an address where others did."""
        if host in self._keep_us_waiting:
            return True
        return address in self._keep_us_waiting and host not in self._prompt_hosts


def _area(address: str) -> str:
    """What one owner has without effort: an IPv4 address; of IPv6 a /48."""
    return str(ip_network((address, 48), strict=False)) if ":" in address else address
