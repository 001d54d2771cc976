"""The mail hosts of a domain by the rules of RFC 5321 5.1, RFC 7505 and RFC 2181 10.3, over plain queries."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Final, Protocol

from exporter.model.address import Family
from exporter.model.failure import Failure, FailureClass, Stage, Verdict
from exporter.model.result import MxHost, MxLookup
from exporter.model.zone import earliest
from exporter.resolver.answer import DnsAnswer
from exporter.resolver.filtering import Sinkhole, control_name, judge, sinkhole
from exporter.resolver.mx_faults import (
    final_dot,
    is_address,
    is_doubled,
    means_no_host,
    no_host_name,
    no_mx_nor_address,
    null_mx_by_name,
    unresolvable,
    without_suffix,
)

# Hosts whose addresses are looked up, the most preferred first. Large providers have a dozen; hundreds are a mistake or
# an attempt to load the resolver.
MAX_HOSTS: Final = 64
_HOSTS_AT_ONCE: Final = 8
# Addresses of all hosts of a domain that are kept, those of the most preferred first; the others are counted. To
# check so many, none of which may be connected to, takes 3 ms.
MAX_ADDRESSES: Final = 512

_C = FailureClass
_IPV6: Final = Family.IPV6
_TYPES: Final = {Family.IPV4: "A", Family.IPV6: "AAAA"}
_FAMILY_NAMES: Final = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}


class DnsQueries(Protocol):
    """Queries by name and type."""

    async def ask(self, name: str, kind: str) -> DnsAnswer:
        """The answer about one type."""

    async def ask_both(self, name: str, kinds: Sequence[str]) -> Sequence[DnsAnswer]:
        """The answers about two types of one name, queried at the same time."""


async def lookup_mx(queries: DnsQueries, domain: str, families: tuple[Family, ...]) -> MxLookup:
    """The mail hosts of `domain`, by preference, then name."""
    answer = await queries.ask(domain, "MX")
    lookup = MxLookup(
        domain,
        failure=answer.failure or answer.filtered,
        mx_records=0 if answer.failure or answer.filtered else len(answer.records) + answer.more,
        authenticated=answer.authenticated,
        nameserver=answer.nameserver,
        cause=None if answer.failure is None else answer.failure.failure_class,
        filtered=answer.filtered,
        alias_of=answer.canonical,
        mx_signature=answer.signature,
        signature=answer.signature,
    )
    if lookup.failure is not None:
        return replace(lookup, authenticated=False)
    if not answer.records:
        return await _implicit(queries, lookup, families)
    exchanges = _exchanges(answer)
    no_hosts = [name for _, name in _pairs(answer) if means_no_host(name)]
    if not exchanges:
        # RFC 7505 3: the domain takes no mail.
        detail = f"the null MX record says that {domain} takes no mail"
        failure = null_mx_by_name(domain, no_hosts[0]) if no_hosts else Failure(Stage.DNS, _C.DNS_NULL_MX, detail)
        return replace(lookup, failure=failure)
    hosts = await _hosts(queries, domain, exchanges[:MAX_HOSTS], families)
    if all(_is_no_host(domain, host) for host in hosts):
        return replace(lookup, failure=null_mx_by_name(domain, hosts[0].name))
    hosts = await _explained(queries, domain, hosts, families)
    null_mx = bool(no_hosts) or any(not name for _, name in _pairs(answer))
    more = max(0, len(exchanges) - MAX_HOSTS)
    return replace(
        lookup,
        hosts=hosts,
        failure=_no_host(hosts),
        null_mx_among_others=null_mx,
        more=more,
        signature=earliest([answer.signature, *(host.signature for host in hosts)]),
    )


async def lookup_host(queries: DnsQueries, name: str, preference: int, families: tuple[Family, ...]) -> MxHost:
    """The addresses of one host. `name` may itself be an address."""
    literal = _literal(name)
    if literal is not None:
        return MxHost(name, preference, addresses=(literal,))
    answers = await queries.ask_both(name, [_TYPES[family] for family in families])
    records = [record for answer in answers if answer.filtered is None for record in answer.records]
    addresses = {record for record in records if isinstance(record, str)}
    filtered = None if addresses else next((answer.filtered for answer in answers if answer.filtered is not None), None)
    failure = None if addresses else filtered or _no_address(name, families, answers)
    asked_in_vain = failure is not None and any(answer.failure is not None for answer in answers)
    host = MxHost(
        name,
        preference,
        addresses=tuple(sorted(addresses, key=_order) if len(addresses) > 1 else addresses),
        failure=failure,
        alias_of=next((answer.canonical for answer in answers if answer.is_alias), ""),
        nameserver=next((answer.nameserver for answer in reversed(answers)), ""),
        cause=failure.failure_class if failure is not None and asked_in_vain else None,
        filtered=filtered,
        more=sum(answer.more for answer in answers if answer.filtered is None),
        more_ipv6=sum(
            answer.more
            for answer, family in zip(answers, families, strict=True)
            if family is _IPV6 and answer.filtered is None
        ),
        incomplete=any(map(_is_unknown, answers)),
        signature=earliest([answer.signature for answer in answers]),
    )
    kind = sinkhole(answers, host.addresses)
    return host if kind is None else await _if_filtered(queries, host, kind, families)


async def _if_filtered(queries: DnsQueries, host: MxHost, kind: Sinkhole, families: tuple[Family, ...]) -> MxHost:
    """`host` with the failure if the resolver made its addresses up; a query about one more name shows that."""
    control = control_name(host.name)
    controls: Sequence[DnsAnswer] = ()
    if control is not None:
        controls = await queries.ask_both(control, [_TYPES[family] for family in families])
    return replace(host, filtered=judge(host.name, kind, host.addresses, controls, host.nameserver))


async def _implicit(queries: DnsQueries, lookup: MxLookup, families: tuple[Family, ...]) -> MxLookup:
    """RFC 5321 5.1: without an MX record the domain itself is its mail host, with preference 0."""
    domain = lookup.domain
    host = await lookup_host(queries, domain, 0, families)
    # An alias is no fault here: the rule about aliases is for the targets of MX records.
    host = replace(host, alias_of="")
    if host.failure is None:
        return replace(lookup, hosts=(host,), signature=host.signature)
    failure = host.failure
    if failure.failure_class in (_C.DNS_NO_ADDRESS, _C.DNS_NXDOMAIN):
        failure = no_mx_nor_address(lookup, failure)
    return replace(lookup, failure=failure, filtered=host.filtered)


async def _hosts(
    queries: DnsQueries, domain: str, exchanges: list[tuple[int, str]], families: tuple[Family, ...]
) -> tuple[MxHost, ...]:
    if len(exchanges) == 1:
        return (await _exchange(queries, domain, *exchanges[0], families),)
    limit = asyncio.Semaphore(_HOSTS_AT_ONCE)

    async def one(preference: int, name: str) -> MxHost:
        async with limit:
            return await _exchange(queries, domain, preference, name, families)

    return tuple(_bounded(await asyncio.gather(*(one(*exchange) for exchange in exchanges))))


def _bounded(hosts: Sequence[MxHost]) -> Iterator[MxHost]:
    """`hosts` with at most MAX_ADDRESSES together."""
    left = MAX_ADDRESSES
    for host in hosts:
        kept = host.addresses[:left]
        left -= len(kept)
        beyond = host.addresses[len(kept) :]
        if beyond:
            ipv6 = sum(":" in address for address in beyond)
            host = replace(host, addresses=kept, more=host.more + len(beyond), more_ipv6=host.more_ipv6 + ipv6)
        yield host


async def _exchange(
    queries: DnsQueries, domain: str, preference: int, name: str, families: tuple[Family, ...]
) -> MxHost:
    """The host of an MX record, with a failure by the rules for MX records."""
    literal = _literal(name)
    if literal is not None:
        return MxHost(name, preference, failure=is_address(domain, name, literal))
    if "\\" in name:
        return MxHost(name, preference, failure=no_host_name(name))
    host = await lookup_host(queries, name, preference, families)
    failure = host.failure
    if failure is None or failure.verdict is Verdict.LOCAL:
        return host
    return replace(host, failure=unresolvable(host, failure))


async def _explained(
    queries: DnsQueries, domain: str, hosts: tuple[MxHost, ...], families: tuple[Family, ...]
) -> tuple[MxHost, ...]:
    """`hosts` with an explanation of the first that does not exist, where the zone lacks its final dot."""
    place = next((place for place, host in enumerate(hosts) if _is_absent(host)), None)
    if place is None:
        return hosts
    failure = await _final_dot(queries, domain, hosts[place].name, families)
    if failure is None:
        return hosts
    return (*hosts[:place], replace(hosts[place], failure=failure), *hosts[place + 1 :])


async def _final_dot(queries: DnsQueries, domain: str, name: str, families: tuple[Family, ...]) -> Failure | None:
    for meant in without_suffix(domain, name):
        literal = _literal(meant)
        if literal is not None:
            return is_address(domain, name, literal)
        if "." not in meant:
            continue
        found = await lookup_host(queries, meant, 0, families)
        if found.addresses or is_doubled(domain, name):
            return final_dot(name, meant, exists=bool(found.addresses))
        return None
    return None


def _is_unknown(answer: DnsAnswer) -> bool:
    """True where the answer does not say whether there are records."""
    if answer.filtered is not None:
        return True
    return answer.failure is not None and answer.failure.failure_class is not _C.DNS_NXDOMAIN


def _is_absent(host: MxHost) -> bool:
    """True where the name itself does not exist; with an alias it is the other name."""
    return host.cause is _C.DNS_NXDOMAIN and not host.is_cname


def _is_no_host(domain: str, host: MxHost) -> bool:
    """True of the domain's own `localhost`, which does not exist or is loopback."""
    if not any(means_no_host(meant) for meant in without_suffix(domain, host.name)):
        return False
    if host.filtered is not None:
        return False
    if host.cause is _C.DNS_NXDOMAIN:
        return True
    return bool(host.addresses) and all(ip_address(address).is_loopback for address in host.addresses)


def _pairs(answer: DnsAnswer) -> list[tuple[int, str]]:
    return [record for record in answer.records if isinstance(record, tuple)]


def _exchanges(answer: DnsAnswer) -> list[tuple[int, str]]:
    """Each host once with its best preference, without names that mean "no host", such as the root."""
    best: dict[str, int] = {}
    for preference, name in _pairs(answer):
        if name and not means_no_host(name):
            best[name] = min(preference, best.get(name, preference))
    return sorted((preference, name) for name, preference in best.items())


def _no_host(hosts: tuple[MxHost, ...]) -> Failure | None:
    """The reason why no host has an address: a fault on our side if a query about one of them failed."""
    failures = [host.failure for host in hosts if host.failure is not None]
    if len(failures) < len(hosts):
        return None
    ours = next((failure for failure in failures if failure.verdict is Verdict.LOCAL), None)
    if ours is not None:
        return ours
    return next((failure for failure in failures if failure.failure_class is not _C.MX_IS_ADDRESS), failures[0])


def _no_address(name: str, families: tuple[Family, ...], answers: Sequence[DnsAnswer]) -> Failure:
    """The reason why a name has no address: a failed query, or no records of these families."""
    failures = [answer.failure for answer in answers if answer.failure is not None]
    if failures:
        # NXDOMAIN is about the name, so it holds for the other family too, even if that query failed.
        return next((failure for failure in failures if failure.failure_class is _C.DNS_NXDOMAIN), failures[0])
    what = " or ".join(_FAMILY_NAMES[family] for family in families)
    alias = next((answer.canonical for answer in answers if answer.canonical), "")
    who = f"{name} is an alias of {alias}, which" if alias else name
    return Failure(Stage.DNS, _C.DNS_NO_ADDRESS, f"{who} has no {what} address", about=alias)


def _literal(name: str) -> str | None:
    """The address that `name` is, in canonical form, with or without brackets; None for other names."""
    text = name.removeprefix("[").removesuffix("]")
    if ":" not in text and not text[-1:].isdigit():
        return None  # as nearly every name; the parser takes ten times as long
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _order(address: str) -> tuple[bool, bytes]:
    if ":" in address:
        return True, socket.inet_pton(socket.AF_INET6, address)
    return False, socket.inet_aton(address)
