"""The evaluation of SPF for one address (RFC 7208 4.6): check_host(), within its limits.

No library is used: the kept ones of today only validate records, and the one that evaluates (pyspf) had its last
release in 2020, blocks a thread at each query and asks the DNS by itself. Here each query goes through the resolver,
their number is bounded by the limits of the RFC, and the whole by a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Protocol

from exporter.model.standing import SpfResult
from exporter.policies.queries import failure_of
from exporter.policies.spf.macros import UNKNOWN, MacroValues, expand, is_name, wants_validated_name
from exporter.policies.spf.record import Directive, SpfRecord, SpfSyntaxError, parse, select
from exporter.resolver.answer import DnsAnswer

# RFC 7208 4.6.4: terms that ask the DNS, names of one mx or ptr, and terms with a lookup that finds no records.
MAX_TERMS: Final = 10
MAX_NAMES: Final = 10
MAX_VOID: Final = 2
# RFC 7208 4.6.4: at least 20 seconds for all of it.
MAX_SECONDS: Final = 20.0
_ASKING: Final = frozenset({"include", "a", "mx", "ptr", "exists"})
_R: Final = SpfResult


class SpfQueries(Protocol):
    """The resolver, as far as SPF needs it; DNS faults are values and raise nothing."""

    async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
        """The records of one type."""


@dataclass(frozen=True, slots=True)
class SpfVerdict:
    """A result with its reason, half a sentence; empty where the result says all."""

    result: SpfResult
    reason: str = ""


class _Ended(Exception):  # noqa: N818 - no error of the program
    """The evaluation ends here, whatever mechanisms are around."""

    def __init__(self, result: SpfResult, reason: str) -> None:
        super().__init__(reason)
        self.verdict = SpfVerdict(result, reason)


async def check_host(queries: SpfQueries, address: str, sender: str, helo: str) -> SpfVerdict:
    """The result for mail from `sender` (empty: the null sender, RFC 7208 2.4) that comes from `address`."""
    local_part, _, domain = sender.rpartition("@")
    domain = (domain or helo).removesuffix(".")
    # RFC 7208 4.3: without a local part it is "postmaster"; what is no name of several labels has no policy.
    if not is_name(domain) or "." not in domain:
        return SpfVerdict(_R.NONE)
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:  # RFC 7208 5
        ip = ip.ipv4_mapped
    values = MacroValues(ip, local_part or "postmaster", domain, domain, helo)
    try:
        async with asyncio.timeout(MAX_SECONDS):
            return await _Evaluation(queries, values).check(domain)
    except _Ended as end:
        return end.verdict
    except TimeoutError:
        return SpfVerdict(_R.TEMPERROR, f"not known within {MAX_SECONDS:.0f} s")


class _Evaluation:
    """One evaluation, with what it has asked so far."""

    def __init__(self, queries: SpfQueries, values: MacroValues) -> None:
        self._queries = queries
        self._values = values
        self._terms = 0
        self._void: set[int] = set()  # the numbers of these terms
        self._validated: tuple[str, ...] | None = None

    async def check(self, domain: str) -> SpfVerdict:
        """check_host() for the policy of `domain`. Raises _Ended for errors."""
        record = await self._record(domain)
        if record is None:
            return SpfVerdict(_R.NONE)
        for directive in record.directives:
            if await self._matches(directive, domain):
                return SpfVerdict(directive.result)
        if not record.redirect:
            return SpfVerdict(_R.NEUTRAL)  # RFC 7208 4.7
        self._count_term()
        target = await self._expanded(record.redirect, domain)
        verdict = await self.check(target) if is_name(target) else SpfVerdict(_R.NONE)
        if verdict.result is _R.NONE:  # RFC 7208 6.1
            raise _Ended(_R.PERMERROR, f"redirect leads to {target[:64]!r}, which has no policy")
        return verdict

    async def _record(self, domain: str) -> SpfRecord | None:
        answer = await self._asked(domain, "TXT")
        try:
            text = select([record for record in answer.records if isinstance(record, bytes)])
            return None if text is None else parse(text)
        except SpfSyntaxError as error:
            raise _Ended(_R.PERMERROR, f"the policy of {domain}: {error}") from None

    async def _matches(self, directive: Directive, domain: str) -> bool:
        mechanism = directive.mechanism
        if mechanism in _ASKING:
            self._count_term()
        match mechanism:
            case "all":
                return True
            case "ip4" | "ip6":
                network, ip = directive.network, self._values.ip
                return network is not None and ip.version == network.version and ip in network
        target = await self._expanded(directive.domain, domain) if directive.domain else domain
        match mechanism:
            case "include":
                return await self._includes(target)
            case "a":
                return self._is_in(await self._addresses(target), directive)
            case "mx":
                return await self._is_mx(target, directive)
            case "ptr":
                return any(_is_within(name, target) for name in await self._validated_names())
        return bool((await self._looked_up(target, "A")).records)  # RFC 7208 5.7: A, whatever the family

    async def _includes(self, target: str) -> bool:
        """RFC 7208 5.2: a pass matches; no policy there is a mistake here."""
        verdict = await self.check(target) if is_name(target) else SpfVerdict(_R.NONE)
        if verdict.result is _R.NONE:
            raise _Ended(_R.PERMERROR, f"include names {target[:64]!r}, which has no policy")
        return verdict.result is _R.PASS

    async def _is_mx(self, target: str, directive: Directive) -> bool:
        answer = await self._looked_up(target, "MX")
        names = [record[1] for record in answer.records if isinstance(record, tuple)]
        if len(names) + answer.more > MAX_NAMES:
            raise _Ended(_R.PERMERROR, f"{target} has more than {MAX_NAMES} MX records")
        for name in names:
            if self._is_in(await self._addresses(name), directive):
                return True
        return False

    async def _addresses(self, name: str) -> tuple[IPv4Address | IPv6Address, ...]:
        answer = await self._looked_up(name, "A" if self._values.ip.version == 4 else "AAAA")
        return _addresses_of(answer)

    def _is_in(self, addresses: Iterable[IPv4Address | IPv6Address], directive: Directive) -> bool:
        ip = self._values.ip
        length = directive.prefixes[0] if ip.version == 4 else directive.prefixes[1]
        return any(ip in ip_network(f"{address}/{length}", strict=False) for address in addresses)

    async def _validated_names(self) -> tuple[str, ...]:
        """The names of the address that resolve back to it (RFC 7208 5.5); an error here is no name."""
        if self._validated is None:
            self._validated = ()
            answer = await self._queries.lookup_records(self._values.ip.reverse_pointer, "PTR")
            self._count_void(answer)
            names = [record for record in answer.records if isinstance(record, str)]
            kind = "A" if self._values.ip.version == 4 else "AAAA"
            for name in names[:MAX_NAMES]:
                found = await self._queries.lookup_records(name, kind) if is_name(name) else DnsAnswer()
                if self._values.ip in _addresses_of(found):
                    self._validated = (*self._validated, name)
        return self._validated

    async def _expanded(self, text: str, domain: str) -> str:
        values = replace(self._values, domain=domain)
        if wants_validated_name(text):
            values = replace(values, validated=_best(await self._validated_names(), domain))
        return expand(text, values)

    async def _looked_up(self, name: str, kind: str) -> DnsAnswer:
        """The answer of a mechanism's query."""
        if not is_name(name):
            return DnsAnswer()
        answer = await self._asked(name, kind)
        self._count_void(answer)
        return answer

    async def _asked(self, name: str, kind: str) -> DnsAnswer:
        """The answer to a query; NXDOMAIN is one without records."""
        answer = await self._queries.lookup_records(name, kind)
        failure = failure_of(answer) or answer.filtered
        if failure is not None:
            raise _Ended(_R.TEMPERROR, failure.detail)
        return answer

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise _Ended(_R.PERMERROR, f"the policy needs more than {MAX_TERMS} terms that ask the DNS")

    def _count_void(self, answer: DnsAnswer) -> None:
        """Count the term at most once: of one mx no host may have an IPv6 address. A DNS error is no void lookup."""
        if not answer.records and failure_of(answer) is None:
            self._void.add(self._terms)
        if len(self._void) > MAX_VOID:
            raise _Ended(_R.PERMERROR, f"more than {MAX_VOID} terms of the policy name what has no records")


def _addresses_of(answer: DnsAnswer) -> tuple[IPv4Address | IPv6Address, ...]:
    return tuple([ip_address(record) for record in answer.records if isinstance(record, str)])


def _is_within(name: str, domain: str) -> bool:
    name, domain = name.lower(), domain.lower()
    return name == domain or name.endswith(f".{domain}")


def _best(names: Iterable[str], domain: str) -> str:
    """RFC 7208 7.3: the domain itself, else a name below it, else any."""
    ranked = sorted(names, key=lambda name: (name.lower() != domain.lower(), not _is_within(name, domain)))
    return ranked[0] if ranked else UNKNOWN
