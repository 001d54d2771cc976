"""The policies of a domain for the senders of its mail and its zone, looked up beside its turns."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from exporter.model.address import Family
from exporter.model.target import PolicyKind, Target, TargetKind
from exporter.policies.domain_judgement import FoundPolicies, judge_for_domain
from exporter.policies.mtasts.cache import PolicyCache
from exporter.policies.mtasts.fetch import HTTPS_PORT
from exporter.policies.mtasts.lookup import MtaStsLookup
from exporter.policies.queries import PolicyQueries
from exporter.policies.search import PATIENCE_SECONDS, PolicySearch, Searches
from exporter.policies.tlsrpt import lookup as tls_rpt_lookup
from exporter.policies.zone.lookup import ZoneLookup

__all__ = ["DomainKey", "DomainPolicies", "FoundPolicies", "judge_for_domain"]

# Everything that the result of a search depends on.
DomainKey = tuple[str, tuple[Family, ...], tuple[PolicyKind, ...]]
_DOMAIN: Final = TargetKind.DOMAIN
# The others are those of a host.
_OF_DOMAINS: Final = (PolicyKind.MTA_STS, PolicyKind.TLS_RPT, PolicyKind.ZONE)


class DomainPolicies:
    """Looks up policies. `cache` and `searches` outlive it: a policy holds although the configuration is reloaded."""

    def __init__(
        self,
        queries: PolicyQueries,
        cache: PolicyCache,
        https_port: int = HTTPS_PORT,
        *,
        patience: float = PATIENCE_SECONDS,
        searches: Searches[DomainKey, FoundPolicies] | None = None,
        zones: ZoneLookup | None = None,
    ) -> None:
        """`patience`: seconds for which a turn waits; infinite where there is no next result."""
        self._queries = queries
        self._mta_sts = MtaStsLookup(queries, cache, https_port)
        self._zones = zones
        self._patience = patience
        self._searches = searches if searches is not None else Searches()

    def begin(self, target: Target) -> PolicySearch[FoundPolicies] | None:
        """Begin the search for the policies that the module of `target` names; None: there are none to look up."""
        kinds = wanted(target)
        if not kinds:
            return None
        key = (target.host, target.settings.families, kinds)
        search = self._searches.get_or_start(key, partial(self.find, target))
        due = asyncio.get_running_loop().time() + self._patience
        return PolicySearch(search, due, partial(self._known, target, key))

    async def find(self, target: Target) -> FoundPolicies:
        """The policies that the module of `target` names, within its timeout."""
        kinds = wanted(target)
        mta_sts, tls_rpt, zone = await asyncio.gather(
            self._mta_sts.find(target) if PolicyKind.MTA_STS in kinds else _nothing(),
            tls_rpt_lookup.lookup_tls_rpt(self._queries, target) if PolicyKind.TLS_RPT in kinds else _nothing(),
            self._zones.find(target) if self._zones is not None and PolicyKind.ZONE in kinds else _nothing(),
        )
        described, policy = mta_sts or (None, None)
        return FoundPolicies(described, policy, tls_rpt, zone)

    def _known(self, target: Target, key: DomainKey) -> FoundPolicies:
        """The result of the last search; without one the policy that holds, and the rest as unknown."""
        last = self._searches.last(key)
        if last is not None:
            return last
        kinds = key[-1]
        mta_sts, policy = self._mta_sts.held(target.host) if PolicyKind.MTA_STS in kinds else (None, None)
        tls_rpt = tls_rpt_lookup.UNKNOWN if PolicyKind.TLS_RPT in kinds else None
        zone = self._zones.held(target) if self._zones is not None and PolicyKind.ZONE in kinds else None
        return FoundPolicies(mta_sts, policy, tls_rpt, zone)


def wanted(target: Target) -> tuple[PolicyKind, ...]:
    """The policies of the domain itself that its module names; a host has no policy of a domain."""
    policies = target.settings.module.policies
    if not policies or target.kind is not _DOMAIN:
        return ()
    return tuple(kind for kind in policies if kind in _OF_DOMAINS)


async def _nothing() -> None:
    return None
