"""The resolver: questions by name and type, remembered; and on top of them the lookups a probe makes."""

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
from exporter.resolver.byte_limited import ByteLimitedCache, SizedEntry
from exporter.resolver.cache import BYTES_PER_TARGET, LEAST_BYTES, PASSING, PASSING_BYTES, AnswerCache, Key
from exporter.resolver.nameservers import Nameservers
from exporter.resolver.question import OUR_LIMITS, NoReply, server_text
from exporter.resolver.system_nameservers import SystemNameservers
from exporter.resolver.wire_names import MalformedReply

_ID_BYTES: Final = 2  # in which an answer differs from the last though it says the same
# Of what all answers may take, what lookups may that are kept whole: they are made of the same texts.
_LOOKUPS_SHARE: Final = 4
# What Python needs for a lookup, for a host of it, and for an address's place (measured with tracemalloc).
_LOOKUP_BYTES: Final = 500
_HOST_BYTES: Final = 250
_PLACE_BYTES: Final = 8


_LookupKey = tuple[str, tuple[Family, ...]]


class Resolver:
    """Looks up mail hosts and addresses. Create it in the event loop that uses it; nothing is raised for DNS faults."""

    def __init__(self, settings: ResolverSettings) -> None:
        nameservers = settings.nameservers
        self._exchange = Nameservers((lambda: nameservers) if nameservers else SystemNameservers(), settings.timeout)
        self._loop = asyncio.get_running_loop()
        self._memory = AnswerCache(LEAST_BYTES, PASSING_BYTES)
        # Each with when the first of its answers ends: until then it would come out the same.
        self._lookups: ByteLimitedCache[_LookupKey, MxLookup] = ByteLimitedCache(LEAST_BYTES // _LOOKUPS_SHARE)

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        """The mail hosts of `domain` (RFC 5321 5.1), by preference, each with its addresses."""
        key = (domain, families)
        kept = self._lookups.get(key)
        if kept is not None and kept.until > self._loop.time():
            return self._remembered(key, kept.until, kept.value)
        questions = _Questions(self._memory, self._exchange)
        began = time.perf_counter()
        lookup = await mx.lookup_mx(questions, domain, families)
        took = kept.value.duration if kept is not None else None
        if questions.asked:
            took = time.perf_counter() - began
        lookup = questions.signed(lookup, took)
        if took is not None and not PASSING.get():
            self._keep(key, questions.until, lookup)
        return lookup

    def make_room_for(self, targets: int) -> None:
        """So many are configured from now on: what may be kept goes by it."""
        self._memory.make_room_for(targets)
        self._lookups.limit = max(LEAST_BYTES, BYTES_PER_TARGET * targets) // _LOOKUPS_SHARE

    @property
    def kept_bytes(self) -> int:
        """About what is kept of all answers."""
        return self._memory.size + self._lookups.size

    @staticmethod
    @contextmanager
    def passing() -> Iterator[None]:
        """What is asked within is for somebody who passes by, and pushes nothing out that the targets ask for."""
        token = PASSING.set(True)
        try:
            yield
        finally:
            PASSING.reset(token)

    def _keep(self, key: _LookupKey, until: float, lookup: MxLookup) -> None:
        addresses = sum(len(host.addresses) for host in lookup.hosts)
        size = _LOOKUP_BYTES + _HOST_BYTES * len(lookup.hosts) + _PLACE_BYTES * addresses
        self._lookups.put(key, SizedEntry(until, lookup, size), self._loop.time())

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of `name`; an address is its own."""
        questions = _Questions(self._memory, self._exchange)
        return questions.signed_host(await mx.lookup_host(questions, name, 0, families))

    def _remembered(self, key: _LookupKey, until: float, lookup: MxLookup) -> MxLookup:
        """`lookup` for whoever asks again: nothing of it was asked for just now. The same object every time."""
        asked = lookup.asked_at is not None or any(host.asked_at is not None for host in lookup.hosts)
        if asked:
            hosts = tuple(replace(host, asked_at=None) for host in lookup.hosts)
            lookup = replace(lookup, asked_at=None, hosts=hosts)
            self._keep(key, until, lookup)
        return lookup

    def forget_failures(self) -> None:
        """Ask again about all that drew no useful answer: that was the nameservers' doing, and they are well again."""
        self._memory.forget_failures()
        self._lookups.drop_all(
            lambda lookup: lookup.failure is not None or any(host.failure is not None for host in lookup.hosts)
        )

    def answered(self) -> Mapping[str, float]:
        """When each nameserver answered last (its address -> the event loop's time)."""
        return {address: at for (address, _), at in self._exchange.answered.items()}

    async def lookup_txt(self, name: str) -> DnsAnswer:
        """The TXT records of `name`, each with its strings joined."""
        return await _Questions(self._memory, self._exchange).ask(name, "TXT")

    async def lookup_tlsa(
        self, host: str, port: int, families: tuple[Family, ...], domain: str | None = None
    ) -> TlsaLookup:
        """What DANE has for `port` of `host`, a mail host of `domain` (RFC 7672 2.2)."""
        return await tlsa.lookup_tlsa(_Questions(self._memory, self._exchange), host, port, families, domain)

    def close(self) -> None:
        """Ask nothing more."""
        self._exchange.close()


class _Questions:
    """The questions of one lookup: from memory where possible. `asked`: those that had to be asked, with Unix times.

    `until`: when, by the loop's clock, the first of the answers ends.
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
        # A task each only where there is something to wait for.
        return await asyncio.gather(*(self.ask(name, kind) for kind in kinds))

    def signed(self, lookup: MxLookup, took: float | None) -> MxLookup:
        """`lookup` with what it took, and when its questions began, of those that had to be asked."""
        if not self.asked:
            return replace(lookup, duration=took)
        hosts = tuple(map(self.signed_host, lookup.hosts))
        return replace(lookup, duration=took, asked_at=self.asked.get((lookup.domain, "MX")), hosts=hosts)

    def signed_host(self, host: MxHost) -> MxHost:
        """`host` likewise."""
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
            # A name from an MX record or a greeting that is none of the DNS.
            return failed(FailureClass.DNS_MALFORMED, f"{name} cannot be asked about: {error}")
        except OSError as error:
            ours = error.errno in OUR_LIMITS
            return failed(
                FailureClass.LOCAL_RESOURCE if ours else FailureClass.DNS_TIMEOUT,
                f"no answer about {name}: {error.strerror}",
            )
