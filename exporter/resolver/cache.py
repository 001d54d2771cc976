"""The cache of answers for their TTL, and of the lookups made from them; one query for all that need it at one time.

Strangers choose names and answers, so the cache has a limit in bytes, as far as they can be counted. Answers for
targets that are not configured (`/probe` of any name) have a small cache of their own: however many they are, they
displace none that the configured targets will need again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Final, NamedTuple

from exporter.concurrency.single_flight import SingleFlight
from exporter.model.address import Family
from exporter.model.result import MxHost, MxLookup
from exporter.resolver.answer import DnsAnswer
from exporter.resolver.byte_limited_cache import ByteLimitedCache
from exporter.resolver.kept import KeptAnswer, KeptLookup

Key = tuple[str, str]  # name, type

# The limit of all answers together, where few targets are configured …
LEAST_BYTES: Final = 24 * 1024 * 1024
# … and for each configured target: its lookup with five MX hosts, each of which counts as if no other domain had it,
# is some 2,000 bytes, and A and AAAA of two hosts of its own as many.
BYTES_PER_TARGET: Final = 6144
# Answers for targets that are not configured. The largest has 40 KB, an ordinary one 0.7.
UNCONFIGURED_BYTES: Final = 4 * 1024 * 1024

# True while the queries are for a target that is not configured.
UNCONFIGURED: Final[ContextVar[bool]] = ContextVar("unconfigured", default=False)

# 60 bits of a hash are two digits of a Python integer, 64 are three.
_DIGEST_BITS: Final = (1 << 60) - 1
# Hosts and addresses of a lookup that may be another's as well.
_FEW: Final = 32

_Kept = KeptAnswer | KeptLookup


class CachedAnswer(NamedTuple):
    """An answer to a query that was sent just now."""

    answer: DnsAnswer
    at: float  # Unix time at which the query began


class AnswerCache:
    """The answers by name and type."""

    def __init__(self, max_bytes: int = LEAST_BYTES, unconfigured_bytes: int = UNCONFIGURED_BYTES) -> None:
        self._loop = asyncio.get_running_loop()
        self._answers: ByteLimitedCache[_Kept] = ByteLimitedCache(max_bytes)
        self._unconfigured: ByteLimitedCache[_Kept] = ByteLimitedCache(unconfigured_bytes)
        self._domains = self._answers.of("MX")
        self._single_flights: dict[Key, SingleFlight[CachedAnswer]] = {}

    @property
    def size(self) -> int:
        """Bytes that all answers count for."""
        return self._answers.size + self._unconfigured.size

    def make_room_for(self, targets: int) -> None:
        """Set the number of configured targets, by which the limit goes."""
        self._answers.limit = max(LEAST_BYTES, BYTES_PER_TARGET * targets)

    def known(self, key: Key) -> DnsAnswer | None:
        """The answer, within its TTL."""
        kept = self._find(key)
        return kept.answer if kept is not None and kept.until > self._loop.time() else None

    def until(self, key: Key) -> float:
        """The end of the answer for `key` by the loop's clock; 0: there is none."""
        kept = self._answers.get(*key) or self._unconfigured.get(*key)
        return 0.0 if kept is None else kept.until

    def last_lookup(self, domain: str, families: tuple[Family, ...]) -> KeptLookup | None:
        """The last lookup of `domain` that was kept; it may have ended."""
        kept = self._domains.get(domain)
        return kept if isinstance(kept, KeptLookup) and kept.families == families else None

    def known_lookup(self, domain: str, families: tuple[Family, ...]) -> MxLookup | None:
        """The lookup of `domain`, the same object each time, until the first of its answers ends."""
        kept = self._domains.get(domain)
        if isinstance(kept, KeptLookup) and kept.lookup_until > self._loop.time() and kept.families == families:
            return kept.lookup
        return None

    def keep_lookup(self, lookup: MxLookup, families: tuple[Family, ...], until: float) -> None:
        """Keep a lookup of a configured domain with its MX answer, if that is kept."""
        kept = self._domains.get(lookup.domain)
        if kept is not None:
            lookup_of = KeptLookup(kept, lookup, families, until)
            self._answers.put(lookup.domain, "MX", lookup_of, self._loop.time())

    def shared(self, hosts: tuple[MxHost, ...]) -> tuple[MxHost, ...]:
        """These MX hosts of a configured domain, as one object for all domains with the same.

        It is kept with the addresses of the first: a hundred thousand domains have the MX hosts of one provider.
        """
        if not hosts or sum([1 + len(host.addresses) for host in hosts]) > _FEW:
            return hosts
        name = hosts[0].name
        for kind in ("A", "AAAA"):
            kept = self._answers.get(name, kind)
            if isinstance(kept, KeptAnswer):
                if kept.hosts == hosts:
                    return kept.hosts
                with_hosts = KeptAnswer(kept.answer, kept.until, kept.digest, hosts)
                self._answers.put(name, kind, with_hosts, self._loop.time())
                break
        return hosts

    def forget_failures(self) -> None:
        """Forget all failures, so that new queries are sent."""
        for cache in (self._answers, self._unconfigured):
            cache.drop_all(lambda kept: kept.is_failure)
        for domain, kept in [*self._domains.items()]:
            if isinstance(kept, KeptLookup) and kept.has_failed:
                self._answers.put(domain, "MX", KeptAnswer(kept.answer, kept.until, kept.digest), self._loop.time())

    async def learn(self, key: Key, ask: Callable[[str, str], Awaitable[DnsAnswer]]) -> CachedAnswer:
        """Send a query with `ask`, or wait for the one that is under way."""
        flight = self._single_flights.get(key)
        if flight is None:
            flight = self._single_flights[key] = SingleFlight()
        try:
            return await flight.run(lambda: self._ask(key, ask))
        finally:
            if not flight.under_way:
                self._single_flights.pop(key, None)

    def read(self, key: Key, message: tuple[bytes, str], reading: Callable[[], DnsAnswer]) -> DnsAnswer:
        """The answer in `message`: parsed by `reading`, unless the message is the same as the last one for `key`.

        `message` is the bytes without the id, and the nameserver. A zone that has not changed gives the same bytes
        again, and to parse them takes 50 µs. The hash is SipHash with a secret key: no stranger can make two messages
        with one hash.
        """
        digest = hash(message) & _DIGEST_BITS
        last = self._find(key)
        answer = last.answer if last is not None and last.digest == digest else reading()
        self._keep(key, 0.0, answer, digest)
        return answer

    async def _ask(self, key: Key, ask: Callable[[str, str], Awaitable[DnsAnswer]]) -> CachedAnswer:
        at = time.time()
        answer = await ask(*key)
        read = self._answers.get(*key) or self._unconfigured.get(*key)
        if read is not None and read.answer is answer:
            self._keep(key, self._loop.time() + answer.ttl, answer, read.digest)
        elif answer.ttl > 0:
            self._keep(key, self._loop.time() + answer.ttl, answer, 0)
        return CachedAnswer(answer, at)

    def _find(self, key: Key) -> _Kept | None:
        """An entry. One that was kept for other targets is kept as its own when a configured target needs it."""
        kept = self._answers.get(*key)
        if kept is not None:
            return kept
        kept = self._unconfigured.get(*key)
        if kept is not None and not UNCONFIGURED.get():
            self._unconfigured.drop(*key)
            self._answers.put(*key, kept, self._loop.time())
        return kept

    def _keep(self, key: Key, until: float, answer: DnsAnswer, digest: int) -> None:
        last = self._answers.get(*key)
        cache = self._unconfigured if last is None and UNCONFIGURED.get() else self._answers
        kept: _Kept = KeptAnswer(answer, until, digest, () if last is None else last.hosts)
        if isinstance(last, KeptLookup):
            kept = KeptLookup(kept, last.lookup, last.families, 0.0)
        cache.put(*key, kept, self._loop.time())
