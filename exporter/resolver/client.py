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
from exporter.model.result import MxHost, MxLookup, to_microsecond
from exporter.model.zone import DirectAnswer
from exporter.resolver import mx, tlsa
from exporter.resolver.answer import DnsAnswer, failed, read_reply, unanswered
from exporter.resolver.byte_limited_cache import ByteLimitedCache
from exporter.resolver.cache import BYTES_PER_TARGET, LEAST_BYTES, UNCONFIGURED, UNCONFIGURED_BYTES, AnswerCache, Key
from exporter.resolver.direct import DirectQueries
from exporter.resolver.domain_names import MalformedReply
from exporter.resolver.kept import KeptHost
from exporter.resolver.nameservers import Nameservers
from exporter.resolver.query import OUR_LIMITS
from exporter.resolver.query_attempt import NoReply, server_text
from exporter.resolver.system_nameservers import SystemNameservers

_ID_BYTES: Final = 2  # in which two equal answers differ
# The share of the cache's size for hosts that are looked up by their own name.
_NAMED_SHARE: Final = 16


class Resolver:
    """Looks up mail hosts and addresses, in one event loop. DNS faults are values and raise nothing."""

    def __init__(self, settings: ResolverSettings) -> None:
        nameservers = settings.nameservers
        self._exchange = Nameservers((lambda: nameservers) if nameservers else SystemNameservers(), settings.timeout)
        self._loop = asyncio.get_running_loop()
        self._memory = AnswerCache(LEAST_BYTES, UNCONFIGURED_BYTES)
        self._named: ByteLimitedCache[KeptHost] = ByteLimitedCache(LEAST_BYTES // _NAMED_SHARE)  # by families

    def known_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup | None:
        """The mail hosts of `domain` as they were looked up, within the TTL the same object; None: look them up."""
        return self._memory.known_lookup(domain, families)

    def known_host(self, name: str, families: tuple[Family, ...]) -> MxHost | None:
        """The addresses of a host as they were looked up, within the TTL the same object; None: look them up."""
        kept = self._named.get(name, families)
        return kept.host if kept is not None and kept.until > self._loop.time() else None

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        """The mail hosts of `domain` (RFC 5321 5.1), by preference, each with its addresses."""
        known = self.known_mx(domain, families)
        if known is not None:
            return known
        last = self._memory.last_lookup(domain, families)
        queries = _LookupQueries(self._memory, self._exchange)
        began = time.perf_counter()
        lookup = await mx.lookup_mx(queries, domain, families)
        if queries.asked:
            lookup = replace(lookup, duration=to_microsecond(time.perf_counter() - began))
        elif last is not None:
            lookup = replace(lookup, duration=last.lookup.duration)
        if lookup.duration is not None and not UNCONFIGURED.get():
            lookup = replace(lookup, hosts=self._memory.shared(lookup.hosts))
            self._memory.keep_lookup(lookup, families, queries.until)
        return queries.timed(lookup)

    def make_room_for(self, targets: int) -> None:
        """Set the number of configured targets, by which the limits of the caches go."""
        self._memory.make_room_for(targets)
        self._named.limit = max(LEAST_BYTES, BYTES_PER_TARGET * targets) // _NAMED_SHARE

    @property
    def kept_bytes(self) -> int:
        """About the bytes of all cached answers."""
        return self._memory.size + self._named.size

    @staticmethod
    @contextmanager
    def for_unconfigured_target() -> Iterator[None]:
        """A context for lookups of a target that is not configured: they displace no answers of configured ones."""
        token = UNCONFIGURED.set(True)
        try:
            yield
        finally:
            UNCONFIGURED.reset(token)

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of `name`, which may itself be one."""
        known = self.known_host(name, families)
        if known is not None:
            return known
        queries = _LookupQueries(self._memory, self._exchange)
        host = await mx.lookup_host(queries, name, 0, families)
        if not UNCONFIGURED.get():
            self._named.put(name, families, KeptHost(host, queries.until), self._loop.time())
        return queries.timed_host(host)

    def forget_failures(self) -> None:
        """Forget all failures, so that new queries are sent: the nameservers were at fault, and work again."""
        self._memory.forget_failures()
        self._named.drop_all(lambda kept: kept.host.failure is not None)

    def answered(self) -> Mapping[str, float]:
        """The time of the last answer of each nameserver (its address -> the event loop's time)."""
        return {address: at for (address, _), at in self._exchange.answered.items()}

    async def lookup_txt(self, name: str) -> DnsAnswer:
        """The TXT records of `name`, each with its strings joined."""
        return await _LookupQueries(self._memory, self._exchange).ask(name, "TXT")

    async def lookup_mx_set(self, domain: str) -> tuple[DnsAnswer, float]:
        """The MX records of `domain` as our resolver serves them, and the seconds for which it may go on with them."""
        queries = _LookupQueries(self._memory, self._exchange)
        answer = await queries.ask(domain, "MX")
        return answer, max(0.0, queries.until - self._loop.time())

    async def ask_nameserver(self, server: tuple[str, int], name: str) -> DirectAnswer:
        """The MX records of `name` at one name server, asked directly."""
        return await DirectQueries(self._exchange.timeout).ask(server, name)

    async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
        """The records of one type: A, AAAA, MX, NS, PTR or TXT."""
        return await _LookupQueries(self._memory, self._exchange).ask(name, kind)

    async def lookup_tlsa(self, host: str, port: int, families: tuple[Family, ...]) -> TlsaLookup:
        """The TLSA records for `port` of the mail host `host` (RFC 7672 2.2)."""
        return await tlsa.lookup_tlsa(_LookupQueries(self._memory, self._exchange), host, port, families)

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

    def timed(self, lookup: MxLookup) -> MxLookup:
        """`lookup` with the times of the queries that were sent."""
        if not self.asked:
            return lookup
        asked_at = self.asked.get((lookup.domain, "MX"))
        return replace(lookup, asked_at=asked_at, hosts=tuple(map(self.timed_host, lookup.hosts)))

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
