"""The cache of answers for their TTL, with one query for all that need it at the same time.

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
from exporter.model.policy import Tlsa
from exporter.resolver.answer import DnsAnswer
from exporter.resolver.byte_limited_cache import ByteLimitedCache, SizedEntry

Key = tuple[str, str]  # name, type

# The limit of all answers together, where few targets are configured …
LEAST_BYTES: Final = 16 * 1024 * 1024
# … and for each configured target: its MX answer, and A and AAAA of two hosts of its own, are some 3,000 bytes.
BYTES_PER_TARGET: Final = 4096
# Answers for targets that are not configured. The largest has 40 KB, an ordinary one 0.7.
UNCONFIGURED_BYTES: Final = 4 * 1024 * 1024

# True while the queries are for a target that is not configured.
UNCONFIGURED: Final[ContextVar[bool]] = ContextVar("unconfigured", default=False)

# Bytes that Python needs (measured with tracemalloc, CPython 3.11): an answer without records and its place; each
# record beside its text; a failure beside its texts.
_ANSWER_BYTES: Final = 520
_RECORD_BYTES: Final = {str: 64, bytes: 48, tuple: 140, Tlsa: 150}
_FAILURE_BYTES: Final = 220


class CachedAnswer(NamedTuple):
    """An answer to a query that was sent just now."""

    answer: DnsAnswer
    at: float  # Unix time at which the query began


class AnswerCache:
    """The answers by name and type."""

    def __init__(self, max_bytes: int = LEAST_BYTES, unconfigured_bytes: int = UNCONFIGURED_BYTES) -> None:
        self._loop = asyncio.get_running_loop()
        self._answers: ByteLimitedCache[Key, DnsAnswer] = ByteLimitedCache(max_bytes)
        self._unconfigured: ByteLimitedCache[Key, DnsAnswer] = ByteLimitedCache(unconfigured_bytes)
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
        kept = self._answers.get(key) or self._get_unconfigured(key)
        return kept.value if kept is not None and kept.until > self._loop.time() else None

    def until(self, key: Key) -> float:
        """The end of the answer for `key` by the loop's clock; 0: there is none."""
        kept = self._answers.get(key) or self._unconfigured.get(key)
        return 0.0 if kept is None else kept.until

    def forget_failures(self) -> None:
        """Forget all failures, so that new queries are sent."""
        for cache in (self._answers, self._unconfigured):
            cache.drop_all(lambda answer: answer.failure is not None)

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
        digest = hash(message)
        last = self._answers.get(key) or self._get_unconfigured(key)
        answer = last.value if last is not None and last.digest == digest else reading()
        self._keep(key, 0.0, answer, digest)
        return answer

    async def _ask(self, key: Key, ask: Callable[[str, str], Awaitable[DnsAnswer]]) -> CachedAnswer:
        at = time.time()
        answer = await ask(*key)
        read = self._answers.get(key) or self._unconfigured.get(key)
        if read is not None and read.value is answer:
            self._keep(key, self._loop.time() + answer.ttl, answer, read.digest)
        elif answer.ttl > 0:
            self._keep(key, self._loop.time() + answer.ttl, answer, 0)
        return CachedAnswer(answer, at)

    def _get_unconfigured(self, key: Key) -> SizedEntry[DnsAnswer] | None:
        """An answer for targets that are not configured; when a configured target needs it, it is kept as its own."""
        kept = self._unconfigured.get(key)
        if kept is not None and not UNCONFIGURED.get():
            self._unconfigured.drop(key)
            self._answers.put(key, kept, self._loop.time())
        return kept

    def _keep(self, key: Key, until: float, answer: DnsAnswer, digest: int) -> None:
        is_unconfigured = UNCONFIGURED.get() and self._answers.get(key) is None
        cache = self._unconfigured if is_unconfigured else self._answers
        cache.put(key, SizedEntry(until, answer, size_of(key, answer), digest), self._loop.time())


def size_of(key: Key, answer: DnsAnswer) -> int:
    """About the bytes that an answer takes in memory."""
    size = _ANSWER_BYTES + len(key[0]) + len(answer.canonical)
    for record in answer.records:
        size += _RECORD_BYTES[type(record)]
        size += len(record[1] if isinstance(record, tuple) else record.data if isinstance(record, Tlsa) else record)
    for failure in (answer.failure, answer.filtered):
        if failure is not None:
            size += _FAILURE_BYTES + len(failure.detail) + len(failure.about) + sum(map(len, failure.evidence))
    return size
