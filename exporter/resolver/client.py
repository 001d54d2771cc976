"""The resolver: queries by name and type with a cache, and on top of them the lookups of a probe."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import dns.exception
import dns.name
import dns.rdatatype

from exporter.model.address import Family
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import FailureClass
from exporter.model.policy import TlsaLookup
from exporter.model.result import MxHost, MxLookup
from exporter.resolver import mx, tlsa
from exporter.resolver.answer import DnsAnswer, failed, read_reply, unanswered
from exporter.resolver.byte_limited_cache import ByteLimitedCache, SizedEntry
from exporter.resolver.cache import BYTES_PER_TARGET, LEAST_BYTES, UNCONFIGURED, UNCONFIGURED_BYTES, AnswerCache, Key
from exporter.resolver.domain_names import MalformedReply
from exporter.resolver.nameservers import Nameservers
from exporter.resolver.query import OUR_LIMITS
from exporter.resolver.query_attempt import NoReply, server_text
from exporter.resolver.system_nameservers import SystemNameservers

_ID_BYTES: Final = 2  # in which two equal answers differ
# The share of the cache for whole lookups, which consist of the same texts as the answers.
_LOOKUPS_SHARE: Final = 4
# Bytes that Python needs for a lookup, a host of it, and the place of an address (measured with tracemalloc).
_LOOKUP_BYTES: Final = 500
_HOST_BYTES: Final = 250
_PLACE_BYTES: Final = 8

_LookupKey = tuple[str, tuple[Family, ...]]


class Resolver:
    """Looks up mail hosts and addresses, in one event loop. DNS faults are values and raise nothing."""

    def __init__(self, settings: ResolverSettings) -> None:
        nameservers = settings.nameservers
        self._exchange = Nameservers((lambda: nameservers) if nameservers else SystemNameservers(), settings.timeout)
        self._loop = asyncio.get_running_loop()
        self._memory = AnswerCache(LEAST_BYTES, UNCONFIGURED_BYTES)
        # Each until the first of its answers ends: before that the result would be the same.
        self._lookups: ByteLimitedCache[_LookupKey, MxLookup] = ByteLimitedCache(LEAST_BYTES // _LOOKUPS_SHARE)

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        """The mail hosts of `domain` (RFC 5321 5.1), by preference, each with its addresses."""
        key = (domain, families)
        kept = self._lookups.get(key)
        if kept is not None and kept.until > self._loop.time():
            return self._remembered(key, kept.until, kept.value)
        queries = _LookupQueries(self._memory, self._exchange)
        began = time.perf_counter()
        lookup = await mx.lookup_mx(queries, domain, families)
        took = kept.value.duration if kept is not None else None
        if queries.asked:
            took = time.perf_counter() - began
        lookup = queries.timed(lookup, took)
        if took is not None and not UNCONFIGURED.get():
            self._keep(key, queries.until, lookup)
        return lookup

    def make_room_for(self, targets: int) -> None:
        """Set the number of configured targets, by which the limits of the caches go."""
        self._memory.make_room_for(targets)
        self._lookups.limit = max(LEAST_BYTES, BYTES_PER_TARGET * targets) // _LOOKUPS_SHARE

    @property
    def kept_bytes(self) -> int:
        """About the bytes of all cached answers."""
        return self._memory.size + self._lookups.size

    @staticmethod
    @contextmanager
    def for_unconfigured_target() -> Iterator[None]:
        """A context for lookups of a target that is not configured: they displace no answers of configured ones."""
        token = UNCONFIGURED.set(True)
        try:
            yield
        finally:
            UNCONFIGURED.reset(token)

    def _keep(self, key: _LookupKey, until: float, lookup: MxLookup) -> None:
        addresses = sum(len(host.addresses) for host in lookup.hosts)
        size = _LOOKUP_BYTES + _HOST_BYTES * len(lookup.hosts) + _PLACE_BYTES * addresses
        self._lookups.put(key, SizedEntry(until, lookup, size), self._loop.time())

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of `name`, which may itself be one."""
        queries = _LookupQueries(self._memory, self._exchange)
        return queries.timed_host(await mx.lookup_host(queries, name, 0, families))

    def _remembered(self, key: _LookupKey, until: float, lookup: MxLookup) -> MxLookup:
        """`lookup` for later probes, without times of queries: the same object every time."""
        asked = lookup.asked_at is not None or any(host.asked_at is not None for host in lookup.hosts)
        if asked:
            hosts = tuple(replace(host, asked_at=None) for host in lookup.hosts)
            lookup = replace(lookup, asked_at=None, hosts=hosts)
            self._keep(key, until, lookup)
        return lookup

    def forget_failures(self) -> None:
        """Forget all failures, so that new queries are sent: the nameservers were at fault, and work again."""
        self._memory.forget_failures()
        self._lookups.drop_all(
            lambda lookup: lookup.failure is not None or any(host.failure is not None for host in lookup.hosts)
        )

    def answered(self) -> Mapping[str, float]:
        """The time of the last answer of each nameserver (its address -> the event loop's time)."""
        return {address: at for (address, _), at in self._exchange.answered.items()}

    async def lookup_txt(self, name: str) -> DnsAnswer:
        """The TXT records of `name`, each with its strings joined."""
        return await _LookupQueries(self._memory, self._exchange).ask(name, "TXT")

    async def lookup_tlsa(
        self, host: str, port: int, families: tuple[Family, ...], domain: str | None = None
    ) -> TlsaLookup:
        """The TLSA records for `port` of `host`, a mail host of `domain` (RFC 7672 2.2)."""
        return await tlsa.lookup_tlsa(_LookupQueries(self._memory, self._exchange), host, port, families, domain)

    def close(self) -> None:
        """Close the sockets."""
        self._exchange.close()


class _LookupQueries:
    """The queries of one lookup, answered from the cache where possible.

    `asked`: those that were sent, with Unix times. `until`: the end of the first answer by the loop's clock.
    """

    __slots__ = ("_exchange", "_memory", "asked", "until")

    asked: dict[Key, float]

    def __init__(self, memory: AnswerCache, exchange: Nameservers) -> None:
        self._memory = memory
        self._exchange = exchange
        self.asked = {}
        self.until = math.inf

    async def ask(self, name: str, kind: str) -> DnsAnswer:
        key = (name, kind)
        answer = self._memory.known(key)
        if answer is None:
            answer, self.asked[key] = await self._memory.learn(key, self._over_the_network)
        self.until = min(self.until, self._memory.until(key))
        return answer

    async def ask_both(self, name: str, kinds: Sequence[str]) -> Sequence[DnsAnswer]:
        if len(kinds) == 1 or all(self._memory.known((name, kind)) is not None for kind in kinds):
            return [await self.ask(name, kind) for kind in kinds]
        # Tasks only where there is something to wait for.
        return await asyncio.gather(*(self.ask(name, kind) for kind in kinds))

    def timed(self, lookup: MxLookup, took: float | None) -> MxLookup:
        """`lookup` with its duration, and the times of the queries that were sent."""
        if not self.asked:
            return replace(lookup, duration=took)
        hosts = tuple(map(self.timed_host, lookup.hosts))
        return replace(lookup, duration=took, asked_at=self.asked.get((lookup.domain, "MX")), hosts=hosts)

    def timed_host(self, host: MxHost) -> MxHost:
        """`host` with the time of the first query that was sent."""
        times = [self.asked[key] for kind in ("A", "AAAA") if (key := (host.name, kind)) in self.asked]
        return replace(host, asked_at=min(times)) if times else host

    async def _over_the_network(self, name: str, kind: str) -> DnsAnswer:
        try:
            reply = await self._exchange.ask(name, dns.rdatatype.from_text(kind))
            who = server_text(reply.server)
            return self._memory.read(
                (name, kind), (reply.data[_ID_BYTES:], who), lambda: read_reply(name, reply.data, who)
            )
        except NoReply as problem:
            return unanswered(name, problem.nameservers, str(problem))
        except MalformedReply as problem:
            return failed(FailureClass.DNS_MALFORMED, f"the answer about {name} cannot be read: {problem}")
        except (dns.exception.DNSException, UnicodeError) as error:
            # A name from an MX record that the DNS cannot have.
            return failed(FailureClass.DNS_MALFORMED, f"{name} cannot be asked about: {error}")
        except OSError as error:
            ours = error.errno in OUR_LIMITS
            return failed(
                FailureClass.LOCAL_RESOURCE if ours else FailureClass.DNS_TIMEOUT,
                f"no answer about {name}: {error.strerror}",
            )
