"""Slots for policy fetches by past behaviour, so that slow policy hosts cannot take the slots of prompt ones.

A fetch from a host that is new, or that answered the last time, gets one of :data:`PROMPT_SLOTS`, for
:data:`PROMPT_SECONDS` at most; a fetch that is not done by then continues in one of :data:`SLOW_SLOTS`. Where those are
taken, the fetch that has had one for the longest time is cancelled. A host that was slow the last time begins in a slow
slot or not at all. Hosts at one address share :data:`SLOTS_PER_ADDRESS`, and the addresses are served in turn.
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

# Fetches that are expected to go on soon: each is a TLS handshake in the event loop of the probes.
PROMPT_SLOTS: Final = 16
# Round trips for TCP, TLS, the request and a policy, each of 100 ms.
PROMPT_SECONDS: Final = 0.5
# Fetches that wait for a slow host: a socket each, and nothing else. With 300 silent hosts at once, of which 32 a
# second get here, each of them stays for three seconds and more.
SLOW_SLOTS: Final = 112
# Prompt slots that the hosts of one address may have: a provider with the policies of thousands answers promptly.
SLOTS_PER_ADDRESS: Final = 4
# A fetch that took so long marks its host as slow.
LONG_SECONDS: Final = 5.0
# Hosts and addresses whose behaviour is remembered; beyond it the oldest are forgotten.
MAX_REMEMBERED: Final = 100_000

Work = Callable[[], Awaitable[bytes | FetchFault]]
_Task = asyncio.Future[bytes | FetchFault]
_Waiting = dict[str, Waiters[None]]


class FetchSlots:
    """The slots of all fetches, for one event loop."""

    def __init__(self, prompt: int = PROMPT_SLOTS, slow: int = SLOW_SLOTS, of_address: int = SLOTS_PER_ADDRESS) -> None:
        self._free = prompt
        self._slow_slots = slow
        self._of_address = of_address
        self._at_address: Counter[str] = Counter()  # prompt slots taken
        # Fetches that wait for a prompt slot, by address: first those from hosts that are known to answer.
        self._waiting: tuple[_Waiting, _Waiting] = ({}, {})
        self._slow: dict[_Task, None] = {}  # the oldest first
        self._prompt_hosts: BoundedDict[str, None] = BoundedDict(MAX_REMEMBERED)
        self._slow_peers: BoundedDict[str, None] = BoundedDict(MAX_REMEMBERED)  # hosts and addresses

    async def fetch(self, host: str, address: str, work: Work) -> bytes | FetchFault:
        """The result of `work`, a fetch from the policy host `host` at `address`, as soon as it has a slot."""
        task: _Task | None = None
        if not self._is_slow(host, address):
            task = await self._promptly(host, address, work)
        if task is None:
            if len(self._slow) >= self._slow_slots:
                return FetchFault(MtaStsProblem.LOCAL, f"too many policy hosts keep us waiting, those of {address} too")
            task = asyncio.ensure_future(work())
        return await self._finish(host, address, task)

    async def _promptly(self, host: str, address: str, work: Work) -> _Task | None:
        """The task of `work`, begun in a prompt slot, done or not by :data:`PROMPT_SECONDS`.

        None where other hosts at the address have been slow since this fetch came.
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
            self._slow_peers[address] = None  # until it answers
        return task

    async def _enter(self, area: str, *, known: bool) -> None:
        waiters = self._waiting[not known].setdefault(area, Waiters(lambda _: self._leave(area)))
        waiting = waiters.wait()
        self._grant()
        await waiting

    def _leave(self, area: str) -> None:
        self._free += 1
        self._at_address[area] -= 1
        if not self._at_address[area]:
            del self._at_address[area]
        self._grant()

    def _grant(self) -> None:
        """Give the free slots to waiting fetches, one address after the other."""
        while self._free:
            # Few addresses can have all their slots taken, so few are passed over here.
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
            if waiters.queue:
                waiting[area] = waiters  # behind the others

    async def _finish(self, host: str, address: str, task: _Task) -> bytes | FetchFault:
        """The result of `task`, which continues in a slow slot if it is not done."""
        began = asyncio.get_running_loop().time()
        if not task.done():
            await self._slowly(task)
        if task.cancelled():
            outcome: bytes | FetchFault = FetchFault(
                MtaStsProblem.LOCAL, f"{host} kept us waiting, and so did too many others", timed_out=True
            )
        else:
            outcome = task.result()
        if isinstance(outcome, FetchFault) and outcome.problem is MtaStsProblem.LOCAL and not outcome.timed_out:
            return outcome  # has no meaning for the host
        took_long = asyncio.get_running_loop().time() - began > LONG_SECONDS
        if took_long or (isinstance(outcome, FetchFault) and outcome.timed_out):
            self._prompt_hosts.pop(host)
            self._slow_peers[host] = self._slow_peers[address] = None
        else:
            self._slow_peers.pop(host)
            self._slow_peers.pop(address)
        return outcome

    async def _slowly(self, task: _Task) -> None:
        if len(self._slow) >= self._slow_slots:
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
        """True of a host that was slow, and of an unknown host at an address where others were."""
        if host in self._slow_peers:
            return True
        return address in self._slow_peers and host not in self._prompt_hosts


def _area(address: str) -> str:
    """The network that one owner gets without effort: an IPv4 address; of IPv6 a /48."""
    return str(ip_network((address, 48), strict=False)) if ":" in address else address
