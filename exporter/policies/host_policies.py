"""The policies of a mail host: its TLSA records, looked up once for all of its addresses (RFC 7672 2.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final

from exporter.model.address import Family, is_address
from exporter.model.policy import TlsaLookup, TlsaStatus
from exporter.policies.judgement import TlsSeen, judge_host
from exporter.policies.queries import PolicyQueries, within
from exporter.policies.search import PATIENCE_SECONDS, PolicySearch, Searches

__all__ = ["TlsSeen", "TlsaSearches", "judge_host", "with_domains"]

# TLSA data of one host that is remembered: thirty digests and a certificate.
_MAX_TLSA_BYTES: Final = 4096
# Domains of one host whose name the certificate may have; big hosts have thousands, and no certificate has.
_MAX_DOMAINS: Final = 64

TlsaKey = tuple[str, int, tuple[Family, ...]]


class TlsaSearches:
    """Looks up the TLSA records of mail hosts."""

    def __init__(
        self,
        queries: PolicyQueries,
        *,
        patience: float = PATIENCE_SECONDS,
        searches: Searches[TlsaKey, TlsaLookup | None] | None = None,
    ) -> None:
        """`patience`: seconds for which a session waits; infinite where there is no next result.

        `searches` outlives it: what is known stays known over a reload.
        """
        self._queries = queries
        self._patience = patience
        self._searches = searches if searches is not None else searches_of_tlsa()

    def begin(
        self, mx: str, port: int, families: tuple[Family, ...], timeout: float
    ) -> PolicySearch[TlsaLookup | None] | None:
        """Begin the search for the records of a host, which ends after `timeout` seconds with None: not known.

        None for an address: there is no name to look records up by (RFC 7672 2.2.2).
        """
        if is_address(mx):
            return None
        key = (mx, port, families)
        search = self._searches.get_or_start(key, partial(self._find, key, timeout))
        due = asyncio.get_running_loop().time() + self._patience
        return PolicySearch(search, due, partial(self._searches.last, key))

    async def _find(self, key: TlsaKey, seconds: float) -> TlsaLookup | None:
        return await within(seconds, self._queries.lookup_tlsa(*key))


def searches_of_tlsa() -> Searches[TlsaKey, TlsaLookup | None]:
    """Searches that forget large records."""
    return Searches(_small)


def with_domains(lookup: TlsaLookup | None, domains: Iterable[str]) -> TlsaLookup | None:
    """`lookup` with the domains whose mail the host takes: its certificate may have their names (RFC 7672 3.2.2)."""
    if lookup is None or lookup.status is not TlsaStatus.FOUND:
        return lookup
    names = tuple(dict.fromkeys((*lookup.names, *islice(domains, _MAX_DOMAINS))))
    return lookup if names == lookup.names else replace(lookup, names=names)


def _small(lookup: TlsaLookup | None) -> TlsaLookup | None:
    if lookup is None or sum(len(record.data) for record in lookup.records) > _MAX_TLSA_BYTES:
        return None
    return lookup
