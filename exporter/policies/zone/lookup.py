"""The lookup of the zone of a domain's MX records: its name servers, each asked directly for them.

Name servers are strangers' machines: few are asked, seldom, without recursion, and never at a special address.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.address import Family, family_of, is_address
from exporter.model.result import MxHost
from exporter.model.target import Settings, Target
from exporter.model.zone import DirectAnswer, DirectOutcome, MxSet, MxZone
from exporter.net.special_addresses import forbidden
from exporter.policies.queries import NOT_YET, ZoneQueries, failure_of, within
from exporter.policies.zone.judgement import AskedServer, ServedMx, as_other_view, judge, unreached
from exporter.policies.zone.reach import KnownServer, Reach, Way, way_of
from exporter.resolver.answer import DnsAnswer

DNS_PORT: Final = 53
# One zone is asked about so often; the first time spreads all others.
INTERVAL_SECONDS: Final = 1800.0
_SPREAD: Final = 0.1  # of the interval, so that zones of one begin drift apart
# Name servers of a zone by name, and addresses of each; the root has 13 names, and registrars allow as many.
MAX_NAMES: Final = 13
MAX_ADDRESSES_OF_NAME: Final = 2  # of each family
# Of one zone all together; and questions under way at once, of one zone and of all. A zone whose servers are all silent
# takes four times the timeout of a question, and holds up no other.
MAX_SERVERS: Final = 32
_AT_ONCE_OF_ZONE: Final = 8
_AT_ONCE: Final = 64
# Of the time of the probe; then what has not answered is not known, and the rest is for the witnesses.
_SHARE_FOR_SERVERS: Final = 0.75
# Servers that are asked again, where others do not answer: they have answered before.
_WITNESSES: Final = 2
_MUTE: Final = (DirectOutcome.SILENT, DirectOutcome.LAME)
_NO_TIME: Final = "it has not answered within the time of the probe"
_FAMILY_NAMES: Final = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}
# Labels above a domain that may be its zone; the names of mail domains have two or three.
_MAX_DEPTH: Final = 8
_MAX_KEPT: Final = 50_000

ZoneKey = tuple[str, tuple[Family, ...]]


class ZoneLookup:
    """Looks up zones. `kept` outlives it: a reload asks no server again."""

    def __init__(self, queries: ZoneQueries, kept: KeptZones, dns_port: int = DNS_PORT) -> None:
        self._queries = queries
        self._kept = kept
        self._port = dns_port
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def find(self, target: Target) -> MxZone:
        """The zone of the domain `target`, from servers that were asked within the interval."""
        key = (target.host, target.settings.families)
        kept = self._kept.current(key)
        if kept is not None:
            return kept
        found = await within(target.settings.timeout, self._find(target))
        if found is None:
            return self._kept.last(key) or MxZone(detail=f"the zone is {NOT_YET}")
        self._kept.keep(key, found)
        return found

    def held(self, target: Target) -> MxZone:
        """The last finding about the domain `target`."""
        return self._kept.last((target.host, target.settings.families)) or MxZone(detail=f"the zone is {NOT_YET}")

    async def _find(self, target: Target) -> MxZone:
        at, began = time.time(), time.monotonic()
        served, seconds = await self._queries.lookup_mx_set(target.host)
        owner = served.canonical or target.host
        zone, names, why = await self._zone_of(owner)
        if not zone:
            return MxZone(detail=why, at=at)
        shown = names[:MAX_NAMES]
        # Of both families: a server without an address of ours is not one without any.
        hosts = await asyncio.gather(*(self._queries.lookup_host(name, tuple(Family)) for name in shown))
        servers = [*_servers(hosts, target.settings)]
        due = began + target.settings.timeout * _SHARE_FOR_SERVERS
        asked_since = time.monotonic()
        asked = await self._ask_all(servers[:MAX_SERVERS], owner, due - asked_since)
        asked = await self._reached(asked, asked_since)
        more = len(names) - len(shown) + len(servers) - len(asked) + sum(map(_beyond, hosts))
        current = None if served.failure or served.filtered else ServedMx(_mx_set(served), at + seconds)
        found = replace(judge(zone, asked, current, at), more=more)
        return as_other_view(found, self._kept.last((target.host, target.settings.families)))

    async def _zone_of(self, name: str) -> tuple[str, list[str], str]:
        """The zone that `name` is in, the names of its servers, and why it is not known."""
        parts = name.split(".")
        for depth in range(min(max(1, len(parts) - 1), _MAX_DEPTH)):  # a top-level domain holds no domain's records
            zone = ".".join(parts[depth:])
            answer = await self._queries.lookup_records(zone, "NS")
            names = sorted(record for record in answer.records if isinstance(record, str))
            if names and not answer.is_alias:
                return zone, names, ""
            failure = failure_of(answer)
            if failure is not None:
                return "", [], failure.detail
        return "", [], f"no zone of {name} is found"

    async def _ask_all(self, servers: Sequence[AskedServer], name: str, seconds: float) -> list[AskedServer]:
        """The servers with their answers; those that have not answered in so many seconds with that reason.

        An address is asked once, whatever number of names it has.
        """
        slots = asyncio.Semaphore(_AT_ONCE_OF_ZONE)
        addresses = dict.fromkeys(server.address for server in servers if server.address and not server.reason)
        tasks = {each: asyncio.ensure_future(self._ask(KnownServer(each, name), slots)) for each in addresses}
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=max(0.0, seconds))
            return [_with_answer(server, tasks.get(server.address)) for server in servers]
        finally:
            for task in tasks.values():
                task.cancel()

    async def _ask(self, server: KnownServer, slots: asyncio.Semaphore) -> DirectAnswer:
        async with slots, self._slots:
            answer = await self._queries.ask_nameserver((server.address, self._port), server.name)
        self._kept.reach.take(server, answer, time.monotonic())
        return answer

    async def _reached(self, asked: Sequence[AskedServer], since: float) -> list[AskedServer]:
        """`asked`, without the silence and the lameness of servers to which the way is not open.

        Where none has answered since then, servers of other zones are asked, which have answered before.
        """
        reach = self._kept.reach
        mute = {way for each in asked if (way := _mute_way(each)) is not None}
        unheard = [way for way in mute if not reach.has_answered(way, since)]
        slots = asyncio.Semaphore(_AT_ONCE_OF_ZONE)
        witnesses = {witness for way in unheard for witness in reach.witnesses(way)[:_WITNESSES]}
        await asyncio.gather(*(self._ask(witness, slots) for witness in witnesses))
        shut = {way for way in mute if not reach.is_open(way, since)}
        return [
            each._replace(answer=unreached(each.answer)) if each.answer and _mute_way(each) in shut else each
            for each in asked
        ]


class KeptZones:
    """The last finding about each zone, and the ways over which name servers answer us."""

    def __init__(self) -> None:
        self._found: BoundedDict[ZoneKey, tuple[float, MxZone]] = BoundedDict(_MAX_KEPT)
        self.reach = Reach()

    def current(self, key: ZoneKey) -> MxZone | None:
        """The finding, within the interval; None: the servers are to be asked."""
        due, zone = self._found.get(key, (0.0, None))
        return zone if due > time.monotonic() else None

    def last(self, key: ZoneKey) -> MxZone | None:
        """The finding, however old."""
        kept = self._found.get(key)
        return None if kept is None else kept[1]

    def keep(self, key: ZoneKey, zone: MxZone) -> None:
        """Keep a finding."""
        spread = 1 + random.uniform(-_SPREAD, _SPREAD)  # noqa: S311 - no secret
        self._found[key] = (time.monotonic() + INTERVAL_SECONDS * spread, zone)


def _mx_set(answer: DnsAnswer) -> MxSet:
    return frozenset(record for record in answer.records if isinstance(record, tuple))


def _with_answer(server: AskedServer, task: asyncio.Future[DirectAnswer] | None) -> AskedServer:
    """The server with the answer of its address; `task`: None where that is not asked."""
    if task is None or server.reason:
        return server
    return server._replace(answer=task.result()) if task.done() else server._replace(reason=_NO_TIME)


def _mute_way(asked: AskedServer) -> Way | None:
    """The way of a server that was silent or lame."""
    answer = asked.answer
    return way_of(asked.address, answer) if answer is not None and answer.outcome in _MUTE else None


def _servers(hosts: Sequence[MxHost], settings: Settings) -> Iterator[AskedServer]:
    """The addresses to ask, each with the reason why it may not be asked."""
    for host in hosts:
        if is_address(
            host.name.strip("[]")
        ):  # looks like one; the DNS has a name alone here, and no top-level domain is a number
            yield AskedServer(host.name, "")
            continue
        if not host.addresses:
            # A name whose lookup failed for our part, or for a moment, may well have one.
            reason = host.failure.detail if host.failure is not None and host.incomplete else ""
            yield AskedServer(host.name, "", reason)
        for address in _few(host):
            yield AskedServer(host.name, address, _not_asked(address, settings))


def _not_asked(address: str, settings: Settings) -> str:
    """The reason why an address is not asked; empty where it is."""
    family = family_of(address)
    if family not in settings.families:
        return f"{_FAMILY_NAMES[family]} is not probed here: it is not asked"
    special = forbidden(address, settings.allow_addresses)
    return "" if special is None else f"{address} is {special}: it is not asked"


def _few(host: MxHost) -> Iterator[str]:
    counts = dict.fromkeys(Family, 0)
    for address in host.addresses:
        family = family_of(address)
        counts[family] += 1
        if counts[family] <= MAX_ADDRESSES_OF_NAME:
            yield address


def _beyond(host: MxHost) -> int:
    return len(host.addresses) - sum(1 for _ in _few(host)) + host.more
