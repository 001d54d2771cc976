"""The resolver: queries by name and type with a cache, and on top of them the lookups of a probe."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
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
# The share of the cache for whole lookups, which consist of the same texts as the answers: there is room for domains
# with five MX hosts each, of which each counts as if it were the only one with these.
_LOOKUPS_SHARE: Final = 2
# That for hosts that are looked up by their own name.
_NAMED_SHARE: Final = 16
# Bytes that Python needs for a lookup, a host of it, and the place of an address (measured with tracemalloc).
_LOOKUP_BYTES: Final = 500
_HOST_BYTES: Final = 250
_PLACE_BYTES: Final = 8
# Hosts and addresses of a lookup that may be another's as well: what is kept for that has a limit in bytes, too.
_FEW: Final = 32

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
        self._named: ByteLimitedCache[_LookupKey, MxHost] = ByteLimitedCache(LEAST_BYTES // _NAMED_SHARE)

    def known_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup | None:
        """The mail hosts of `domain` as they were looked up, within the TTL the same object; None: look them up."""
        key = (domain, families)
        kept = self._lookups.get(key)
        if kept is None or kept.until <= self._loop.time():
            return None
        return self._remembered(key, kept.until, kept.value)

    def known_host(self, name: str, families: tuple[Family, ...]) -> MxHost | None:
        """The addresses of a host as they were looked up, within the TTL the same object; None: look them up."""
        key = (name, families)
        kept = self._named.get(key)
        if kept is None or kept.until <= self._loop.time():
            return None
        host = kept.value
        if host.asked_at is not None:
            host = replace(host, asked_at=None)
            self._keep_named(key, kept.until, host)
        return host

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        """The mail hosts of `domain` (RFC 5321 5.1), by preference, each with its addresses."""
        known = self.known_mx(domain, families)
        if known is not None:
            return known
        key = (domain, families)
        kept = self._lookups.get(key)
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
        limit = max(LEAST_BYTES, BYTES_PER_TARGET * targets)
        self._lookups.limit = limit // _LOOKUPS_SHARE
        self._named.limit = limit // _NAMED_SHARE

    @property
    def kept_bytes(self) -> int:
        """About the bytes of all cached answers."""
        return self._memory.size + self._lookups.size + self._named.size

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

    def _keep_named(self, key: _LookupKey, until: float, host: MxHost) -> None:
        size = _HOST_BYTES + _PLACE_BYTES * len(host.addresses)
        self._named.put(key, SizedEntry(until, host, size), self._loop.time())

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of `name`, which may itself be one."""
        known = self.known_host(name, families)
        if known is not None:
            return known
        queries = _LookupQueries(self._memory, self._exchange)
        host = queries.timed_host(await mx.lookup_host(queries, name, 0, families))
        if not UNCONFIGURED.get():
            self._keep_named((name, families), queries.until, host)
        return host

    def _remembered(self, key: _LookupKey, until: float, lookup: MxLookup) -> MxLookup:
        """`lookup` for later probes, without times of queries: the same object every time."""
        asked = lookup.asked_at is not None or any(host.asked_at is not None for host in lookup.hosts)
        if asked:
            hosts = _shared(tuple([replace(host, asked_at=None) for host in lookup.hosts]))
            lookup = replace(lookup, asked_at=None, hosts=hosts)
            self._keep(key, until, lookup)
        return lookup

    def forget_failures(self) -> None:
        """Forget all failures, so that new queries are sent: the nameservers were at fault, and work again."""
        self._memory.forget_failures()
        self._lookups.drop_all(
            lambda lookup: lookup.failure is not None or any(host.failure is not None for host in lookup.hosts)
        )
        self._named.drop_all(lambda host: host.failure is not None)

    def answered(self) -> Mapping[str, float]:
        """The time of the last answer of each nameserver (its address -> the event loop's time)."""
        return {address: at for (address, _), at in self._exchange.answered.items()}

    async def lookup_txt(self, name: str) -> DnsAnswer:
        """The TXT records of `name`, each with its strings joined."""
        return await _LookupQueries(self._memory, self._exchange).ask(name, "TXT")

    async def lookup_tlsa(self, host: str, port: int, families: tuple[Family, ...]) -> TlsaLookup:
        """The TLSA records for `port` of the mail host `host` (RFC 7672 2.2)."""
        return await tlsa.lookup_tlsa(_LookupQueries(self._memory, self._exchange), host, port, families)

    def close(self) -> None:
        """Close the sockets."""
        self._exchange.close()


def _shared(hosts: tuple[MxHost, ...]) -> tuple[MxHost, ...]:
    """Equal ones are one object: a hundred thousand domains have the MX hosts of one provider."""
    return _equal_hosts(hosts) if sum([1 + len(host.addresses) for host in hosts]) <= _FEW else hosts


@lru_cache(maxsize=500)
def _equal_hosts(hosts: tuple[MxHost, ...]) -> tuple[MxHost, ...]:
    return hosts


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
            return replace(lookup, duration=took, hosts=_shared(lookup.hosts))
        hosts = _shared(tuple(map(self.timed_host, lookup.hosts)))
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
