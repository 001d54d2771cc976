"""The TLSA records by which a sender that honours DANE verifies a mail host (RFC 7672 2.2), over plain queries.

Everything depends on the AD bit: the answers must come from a validating resolver over a trusted path (RFC 7672
2.1.3). An answer without it counts as insecure, as for a sender.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exporter.model.address import Family
from exporter.model.failure import FailureClass
from exporter.model.policy import Tlsa, TlsaLookup, TlsaStatus
from exporter.resolver.answer import DnsAnswer
from exporter.resolver.mx import DnsQueries

_TYPES: Final = {Family.IPV4: "A", Family.IPV6: "AAAA"}


async def lookup_tlsa(queries: DnsQueries, host: str, port: int, families: tuple[Family, ...]) -> TlsaLookup:
    """The TLSA records for `port` of `host`.

    RFC 7672 2.2.1: they make nothing safe for a domain whose MX answer is not authenticated. The domain judges that.
    """
    addresses = await queries.ask_both(host, [_TYPES[family] for family in families])
    bases = await _bases(queries, host, addresses)
    if isinstance(bases, TlsaLookup):
        return bases
    for base in bases:
        answer = await queries.ask(f"_{port}._tcp.{base}", "TLSA")
        if answer.failure is not None and answer.failure.failure_class is not FailureClass.DNS_NXDOMAIN:
            # RFC 7672 2.1.2: it is not known whether there are records, so a sender waits.
            return TlsaLookup(TlsaStatus.FAILED, failure=answer.failure)
        records = tuple(record for record in answer.records if isinstance(record, Tlsa))
        # RFC 7672 2.2.3: records without authentication count as absent.
        if records and answer.authenticated:
            # RFC 7672 3.2.2: the certificate may also have the name of a domain that uses the host; those come later.
            return TlsaLookup(TlsaStatus.FOUND, records, (base,), signature=answer.signature)
    return TlsaLookup(TlsaStatus.ABSENT)


async def _bases(queries: DnsQueries, host: str, addresses: Sequence[DnsAnswer]) -> Sequence[str] | TlsaLookup:
    """The TLSA base domains to try in turn, or the outcome where there are none (RFC 7672 2.2.2, 2.2.3)."""
    insecure = TlsaLookup(TlsaStatus.INSECURE, detail=f"the addresses of {host} are not authenticated")
    known = [answer for answer in addresses if answer.failure is None]
    if known and all(answer.authenticated for answer in known):
        final = next((answer.canonical for answer in known if answer.is_alias), host)
        return (final,) if final == host else (final, host)
    if not any(answer.is_alias for answer in known):
        return insecure
    # An alias in a signed zone that leads to an unsigned one: the records beside the alias still count.
    alias = await queries.ask(host, "CNAME")
    if alias.failure is not None:
        return TlsaLookup(TlsaStatus.FAILED, failure=alias.failure)
    return (host,) if alias.records and alias.authenticated else insecure
