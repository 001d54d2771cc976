"""Policies kept for their max_age (RFC 8461 3.3, 5.1, 10.2), and one fetch for all who ask at the same time.

A policy once fetched holds until its max_age is over, whatever becomes of the record or the policy host meanwhile: that
is what protects its senders from a forger, and what a domain must live with that removes its policy carelessly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from exporter.mtasts.fetch import Fault
from exporter.mtasts.places import Places
from exporter.mtasts.policy import Policy, parse_policy
from exporter.result import MtaStsProblem

# RFC 8461 10.2: a policy is fetched again once a day, so that one that is about to be lost is noticed in time.
REFRESH_SECONDS: Final = 86400.0
# RFC 8461 3.3: after a failure the policy host is left alone for five minutes.
RETRY_SECONDS: Final = 300.0
# A policy host that keeps us waiting is left alone for twice as long each time, up to this.
MAX_RETRY_SECONDS: Final = 3600.0
# Domains with a policy or a failure; beyond it the oldest are forgotten. A bound, not a working size.
MAX_DOMAINS: Final = 1_000_000
# Of all policies together. One of 64 KiB is worth that of a hundred ordinary ones, so the large ones go first.
MAX_POLICIES_BYTES: Final = 64 * 1024 * 1024
_LARGE_BYTES: Final = 4096

Fetch = Callable[[], Awaitable[bytes | Fault]]


@dataclass(frozen=True, slots=True)
class Held:
    """A policy that holds, if any, and the fault of the last try to fetch the present one, if it failed."""

    policy: Policy | None = None
    fault: Fault | None = None


@dataclass(slots=True)
class _Entry:
    """What is known of a domain. Times are the loop's."""

    policy: Policy | None = None
    policy_id: str = ""
    until: float = 0.0  # the policy holds
    refresh: float = 0.0  # it is fetched again
    fault: Fault | None = None
    fault_id: str = ""
    retry: float = 0.0  # after the fault
    silences: int = 0  # tries in turn for which the policy host kept us waiting in vain


class PolicyMemory:
    """Policies by domain. Create it in the event loop that uses it."""

    def __init__(self, max_domains: int = MAX_DOMAINS, max_bytes: int = MAX_POLICIES_BYTES) -> None:
        self._loop = asyncio.get_running_loop()
        self._max_domains = max_domains
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: dict[str, _Entry] = {}
        self._large: dict[str, None] = {}  # domains with large policies, the oldest first
        self._in_flight: dict[tuple[str, str], asyncio.Task[None]] = {}
        self.places = Places()

    def held(self, domain: str) -> Policy | None:
        """The policy that holds for `domain` though nobody says so now."""
        entry = self._entries.get(domain)
        return entry.policy if entry is not None and self._loop.time() < entry.until else None

    async def policy(self, domain: str, policy_id: str, fetch: Fetch) -> Held:
        """The policy that holds, `policy_id` being that of the record now; `fetch` is asked if that is a new one."""
        entry = self._entries.get(domain)
        if entry is None or not self._is_settled(entry, policy_id):
            key = (domain, policy_id)
            task = self._in_flight.get(key)
            if task is None:
                task = self._in_flight[key] = asyncio.ensure_future(self._learn(domain, policy_id, fetch))
            # Whoever gives up waiting does not end the fetch of the others.
            await asyncio.shield(task)
            entry = self._entries.get(domain, _Entry())
        if entry.fault is not None and (entry.fault_id == policy_id or entry.silences):
            return Held(self.held(domain), entry.fault)
        # Just fetched, or within its time: even one with a max_age of 0 counts for the moment.
        return Held(entry.policy)

    async def close(self) -> None:
        """End the fetches under way."""
        tasks = tuple(self._in_flight.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_settled(self, entry: _Entry, policy_id: str) -> bool:
        now = self._loop.time()
        # A host that keeps us waiting is not asked sooner because its record changes all the time.
        if entry.fault is not None and (entry.fault_id == policy_id or entry.silences):
            return now < entry.retry
        return entry.policy is not None and entry.policy_id == policy_id and now < entry.refresh

    async def _learn(self, domain: str, policy_id: str, fetch: Fetch) -> None:
        try:
            fetched = await fetch()
        finally:
            del self._in_flight[domain, policy_id]
        policy = fetched if isinstance(fetched, Fault) else _parsed(fetched)
        # To the end of the order, which is that of age.
        entry = self._forget(domain) or _Entry()
        now = self._loop.time()
        if isinstance(policy, Fault):
            entry.silences = entry.silences + 1 if policy.silent else 0
            pause = min(RETRY_SECONDS * 2.0 ** min(entry.silences - 1, 10), MAX_RETRY_SECONDS)
            entry.fault, entry.fault_id, entry.retry = policy, policy_id, now + max(RETRY_SECONDS, pause)
        else:
            entry.fault, entry.fault_id, entry.silences = None, "", 0
            entry.policy, entry.policy_id = policy, policy_id
            entry.until = now + policy.max_age
            # A max_age of minutes is no reason to ask more often than after a failure.
            entry.refresh = now + max(RETRY_SECONDS, min(REFRESH_SECONDS, policy.max_age / 2))
        self._keep(domain, entry)

    def _keep(self, domain: str, entry: _Entry) -> None:
        self._entries[domain] = entry
        size = _bytes_of(entry.policy)
        self._bytes += size
        if size > _LARGE_BYTES:
            self._large[domain] = None
        while len(self._entries) > self._max_domains:
            self._forget(next(iter(self._entries)))
        while self._bytes > self._max_bytes and self._entries:
            self._forget(next(iter(self._large or self._entries)))

    def _forget(self, domain: str) -> _Entry | None:
        entry = self._entries.pop(domain, None)
        if entry is not None:
            self._bytes -= _bytes_of(entry.policy)
            self._large.pop(domain, None)
        return entry


def _bytes_of(policy: Policy | None) -> int:
    """About what it takes in memory: an object and its text for each name."""
    return 0 if policy is None else 256 + sum(64 + len(name) for name in policy.mx)


def _parsed(data: bytes) -> Policy | Fault:
    try:
        return parse_policy(data)
    except ValueError as error:
        return Fault(MtaStsProblem.POLICY_INVALID, str(error))
