"""The DNS records that our standing is read from, and the reason why they are not known."""

from __future__ import annotations

from typing import Final, Protocol

from exporter.model.address import Family
from exporter.model.printable import printable
from exporter.policies.queries import failure_of
from exporter.resolver.answer import DnsAnswer

ADDRESS_TYPES: Final = {Family.IPV4: "A", Family.IPV6: "AAAA"}
_MAX_REASON: Final = 200


class RecordQueries(Protocol):
    """The resolver, as far as standing needs it; DNS faults are values and raise nothing."""

    async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
        """The records of one type."""


def failure_in(answer: DnsAnswer) -> str:
    """The reason why it is not known whether there are records, half a sentence; NXDOMAIN says that there are none."""
    failure = failure_of(answer) or answer.filtered
    return "" if failure is None else printable(failure.detail, _MAX_REASON)


def texts_in(answer: DnsAnswer) -> tuple[str, ...]:
    """The addresses or names among the records, sorted."""
    return tuple(sorted([record for record in answer.records if isinstance(record, str)]))
