"""The lookup of the TLSA records of a target's mail hosts (RFC 7672 2.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from exporter.model.address import is_address
from exporter.model.policy import TlsaLookup
from exporter.model.target import Target, TargetKind
from exporter.policies.queries import PolicyQueries, within


async def lookup_tlsa_records(
    queries: PolicyQueries, target: Target, hosts: Sequence[str]
) -> Mapping[str, TlsaLookup | None]:
    """The TLSA records by mail host, within the timeout of `target`; None for a host whose answer takes longer."""
    settings = target.settings
    names = tuple(dict.fromkeys(hosts))
    domain = target.host if target.kind is TargetKind.DOMAIN else None
    if domain is None and is_address(target.host):
        return {}  # RFC 7672 2.2.2: there is no name to look records up by
    lookups = [
        within(
            settings.timeout,
            # The series of a host target carry the name as the user wrote it; the DNS knows its host.
            queries.lookup_tlsa(name if domain else target.host, settings.port, settings.families, domain),
        )
        for name in names
    ]
    return dict(zip(names, await asyncio.gather(*lookups), strict=True))
