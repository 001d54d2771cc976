"""The cache of MTA-STS policies by their max_age (RFC 8461 3.3, 5.1, 10.2), with one fetch for simultaneous queries.

A fetched policy holds until its max_age is over, even if the record or the policy host is gone: this protects senders
from a forger, and it binds a domain that removes its policy carelessly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from exporter.concurrency.shared_tasks import SharedTasks
from exporter.model.policy import MtaStsProblem
from exporter.policies.mtasts.fetch import FetchFault
from exporter.policies.mtasts.fetch_slots import FetchSlots
from exporter.policies.mtasts.policy import MtaStsPolicy, parse_policy

# RFC 8461 10.2: a policy is fetched again once a day, so that a fault is noticed before the policy ends.
REFRESH_SECONDS: Final = 86400.0
# RFC 8461 3.3: after a failure the policy host is left alone for five minutes.
RETRY_SECONDS: Final = 300.0
# After each timeout in a row the pause doubles, up to this.
MAX_RETRY_SECONDS: Final = 3600.0
# Failures in a row up to which a new id of the record is a reason to fetch at once: a mended policy has a new id.
MAX_QUICK_TRIES: Final = 3
# Of all policies and failures together; beyond it those without a query for the longest time go, large ones first: one
# of 64 KiB takes as much memory as a hundred ordinary ones of 600 bytes.
MAX_POLICIES_BYTES: Final = 32 * 1024 * 1024
_LARGE_BYTES: Final = 4096

Fetch = Callable[[], Awaitable[bytes | FetchFault]]


@dataclass(frozen=True, slots=True)
class CachedPolicy:
    """A policy that holds, if any, and the fault of the last try to fetch the present one, if it failed."""

    policy: MtaStsPolicy | None = None
    fault: FetchFault | None = None


@dataclass(slots=True)
class _DomainPolicy:
    """The policy of a domain and the last failed fetches. Times are the loop's."""

    policy: MtaStsPolicy | None = None
    policy_id: str = ""
    until: float = 0.0  # the policy holds
    refresh: float = 0.0  # it is fetched again
    fault: FetchFault | None = None
    fault_id: str = ""
    retry: float = 0.0  # after the fault
    failures: int = 0  # in a row
    timeouts: int = 0  # of them the latest, in which the policy host timed out

    def fails(self, policy_id: str) -> bool:
        """True where the last fetch failed, and `policy_id` is no reason to fetch before the pause is over."""
        # A host that times out is not asked sooner although its record changes all the time.
        held_back = self.timeouts or self.failures >= MAX_QUICK_TRIES
        return self.fault is not None and (self.fault_id == policy_id or bool(held_back))


class PolicyCache:
    """Policies by domain. Create it in the event loop that uses it."""

    def __init__(self, max_bytes: int = MAX_POLICIES_BYTES) -> None:
        self._loop = asyncio.get_running_loop()
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: dict[str, _DomainPolicy] = {}  # the longest without a query first
        self._large: dict[str, None] = {}  # domains with large policies, likewise
        self._in_flight: SharedTasks[tuple[str, str], None] = SharedTasks()
        self.slots = FetchSlots()

    def held(self, domain: str) -> MtaStsPolicy | None:
        """The policy that holds for `domain`, without a query for the present one."""
        entry = self._entries.get(domain)
        return entry.policy if entry is not None and self._loop.time() < entry.until else None

    async def policy(self, domain: str, policy_id: str, fetch: Fetch) -> CachedPolicy:
        """The policy that holds, `policy_id` being that of the present record; `fetch` is called if the id is new."""
        entry = self._entries.get(domain)
        if entry is None or not self._is_settled(entry, policy_id):
            key = (domain, policy_id)
            task = self._in_flight.get(key)
            if task is None:
                task = self._in_flight.start(key, self._learn(domain, policy_id, fetch))
            # A caller that stops waiting does not end the fetch of the others.
            await asyncio.shield(task)
            entry = self._entries.get(domain, _DomainPolicy())
        self._touch(domain)
        if entry.fails(policy_id):
            return CachedPolicy(self.held(domain), entry.fault)
        # Just fetched, or within its time: even one with a max_age of 0 counts for the moment.
        return CachedPolicy(entry.policy)

    async def close(self) -> None:
        """End the fetches under way."""
        await self._in_flight.close()

    def _is_settled(self, entry: _DomainPolicy, policy_id: str) -> bool:
        now = self._loop.time()
        if entry.fails(policy_id):
            return now < entry.retry
        return entry.policy is not None and entry.policy_id == policy_id and now < entry.refresh

    async def _learn(self, domain: str, policy_id: str, fetch: Fetch) -> None:
        fetched = await fetch()
        policy = fetched if isinstance(fetched, FetchFault) else _parsed(fetched)
        entry = self._forget(domain) or _DomainPolicy()
        now = self._loop.time()
        if isinstance(policy, FetchFault):
            entry.failures += 1
            entry.timeouts = entry.timeouts + 1 if policy.timed_out else 0
            pause = min(RETRY_SECONDS * 2.0 ** min(entry.timeouts - 1, 10), MAX_RETRY_SECONDS)
            entry.fault, entry.fault_id, entry.retry = policy, policy_id, now + max(RETRY_SECONDS, pause)
        else:
            entry.fault, entry.fault_id, entry.failures, entry.timeouts = None, "", 0, 0
            entry.policy, entry.policy_id = policy, policy_id
            entry.until = now + policy.max_age
            # A max_age of minutes is no reason to ask more often than after a failure.
            entry.refresh = now + max(RETRY_SECONDS, min(REFRESH_SECONDS, policy.max_age / 2))
        self._keep(domain, entry)

    def _keep(self, domain: str, entry: _DomainPolicy) -> None:
        self._entries[domain] = entry
        size = _bytes_of(entry)
        self._bytes += size
        if size > _LARGE_BYTES:
            self._large[domain] = None
        while self._bytes > self._max_bytes and self._entries:
            self._forget(next(iter(self._large or self._entries)))

    def _forget(self, domain: str) -> _DomainPolicy | None:
        entry = self._entries.pop(domain, None)
        if entry is not None:
            self._bytes -= _bytes_of(entry)
            self._large.pop(domain, None)
        return entry

    def _touch(self, domain: str) -> None:
        for kept in (self._entries, self._large):
            if domain in kept:
                _to_the_end(kept, domain)


def _to_the_end(kept: dict[str, Any], domain: str) -> None:
    kept[domain] = kept.pop(domain)


def _bytes_of(entry: _DomainPolicy) -> int:
    """About the memory of an entry: some objects, and the text of each name."""
    return 600 + (sum(64 + len(name) for name in entry.policy.mx) if entry.policy is not None else 0)


def _parsed(data: bytes) -> MtaStsPolicy | FetchFault:
    try:
        return parse_policy(data)
    except ValueError as error:
        return FetchFault(MtaStsProblem.POLICY_INVALID, str(error))
