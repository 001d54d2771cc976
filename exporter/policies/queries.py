"""The DNS queries of the policy lookups, and the reasons why an answer is not known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, Protocol, TypeVar

from exporter.model.address import Family
from exporter.model.failure import Failure
from exporter.model.policy import TlsaLookup
from exporter.model.result import MxHost
from exporter.model.zone import DirectAnswer
from exporter.resolver.answer import DnsAnswer

_T = TypeVar("_T")
NOT_YET: Final = "not known within the time of the probe"
# Names of a policy, and addresses for reports, that a result shows.
MAX_SHOWN: Final = 64


class PolicyQueries(Protocol):
    """The resolver, as far as policies need it; DNS faults are values and raise nothing."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host."""

    async def lookup_txt(self, name: str) -> DnsAnswer:
        """The TXT records of a name."""

    async def lookup_tlsa(self, host: str, port: int, families: tuple[Family, ...]) -> TlsaLookup:
        """The TLSA records of a host."""


class ZoneQueries(Protocol):
    """The resolver, as far as zones need it, and the way past it to their name servers."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host."""

    async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
        """The records of one type."""

    async def lookup_mx_set(self, domain: str) -> tuple[DnsAnswer, float]:
        """The MX records as our resolver serves them, and the seconds for which it may go on with them."""

    async def ask_nameserver(self, server: tuple[str, int], name: str) -> DirectAnswer:
        """The MX records of a name at one name server."""


async def within(seconds: float, work: Awaitable[_T]) -> _T | None:
    """The result of `work`; None where it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return None


def failure_of(answer: DnsAnswer) -> Failure | None:
    """The reason why it is not known whether there are records; NXDOMAIN says that there are none."""
    return None if answer.is_absent else answer.failure


def texts_of(answer: DnsAnswer) -> list[bytes]:
    """The texts of TXT records."""
    return [record for record in answer.records if isinstance(record, bytes)]
