"""The policies that a target publishes for senders: DANE, MTA-STS and TLS-RPT, looked up beside its sessions.

No session waits for a policy: the queries run at the same time, answers come from caches where they can, and a slow
server delays a probe until :data:`PATIENCE_SECONDS` after its begin at most, if the sessions are done by then. A policy
that is not known in time is reported as the last time, or as unknown; the search goes on for the next result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from exporter.model.target import PolicyKind, Target, TargetKind
from exporter.policies.dane.lookup import lookup_tlsa_records
from exporter.policies.mtasts.cache import PolicyCache
from exporter.policies.mtasts.fetch import HTTPS_PORT
from exporter.policies.mtasts.lookup import MtaStsLookup
from exporter.policies.queries import PolicyQueries
from exporter.policies.search import PolicySearch, Searches, SearchKey, key_of
from exporter.policies.target_policies import TargetPolicies
from exporter.policies.tlsrpt import lookup as tls_rpt_lookup

__all__ = ["PATIENCE_SECONDS", "Policies", "PolicySearch", "Searches", "TargetPolicies"]

# From the begin of a search; a policy host far away takes a second.
PATIENCE_SECONDS: Final = 2.0


class Policies:
    """Looks up policies. `cache` and `searches` outlive it: a policy holds although the configuration is reloaded."""

    def __init__(
        self,
        queries: PolicyQueries,
        cache: PolicyCache,
        https_port: int = HTTPS_PORT,
        *,
        patience: float = PATIENCE_SECONDS,
        searches: Searches | None = None,
    ) -> None:
        """`patience`: seconds for which a probe waits; infinite where there is no next result."""
        self._queries = queries
        self._mta_sts = MtaStsLookup(queries, cache, https_port)
        self._patience = patience
        self._searches = searches or Searches()

    def begin(self, target: Target, hosts: Sequence[str], within: float | None = None) -> PolicySearch:
        """Begin the search for the policies that the module of `target` names; `hosts` are the MX hosts to be probed.

        `within`: seconds that the probe has left.
        """
        key = key_of(target)
        search = self._searches.get_or_start(key, partial(self.find, target, hosts))
        patience = self._patience if within is None else min(self._patience, within)
        due = asyncio.get_running_loop().time() + patience
        return PolicySearch(search, due, partial(self._known, target, hosts, key))

    async def find(self, target: Target, hosts: Sequence[str]) -> TargetPolicies:
        """The policies that the module of `target` names, within its timeout."""
        mta_sts, tls_rpt, tlsa = await asyncio.gather(
            self._mta_sts.find(target) if _wants(target, PolicyKind.MTA_STS) else _nothing(),
            tls_rpt_lookup.lookup_tls_rpt(self._queries, target) if _wants(target, PolicyKind.TLS_RPT) else _nothing(),
            lookup_tlsa_records(self._queries, target, hosts) if _wants(target, PolicyKind.DANE) else _nothing(),
        )
        described, policy = mta_sts or (None, None)
        return TargetPolicies(described, policy, tls_rpt, tlsa or {})

    def _known(self, target: Target, hosts: Sequence[str], key: SearchKey) -> TargetPolicies:
        """The result of the last search; without one the policy that holds, and the rest as unknown."""
        awaited = dict.fromkeys(hosts) if _wants(target, PolicyKind.DANE) else {}
        last = self._searches.last(key)
        if last is not None:
            return replace(last, tlsa={**awaited, **last.tlsa})
        found = TargetPolicies(tlsa=awaited)
        if _wants(target, PolicyKind.MTA_STS):
            mta_sts, policy = self._mta_sts.held(target.host)
            found = replace(found, mta_sts=mta_sts, policy=policy)
        if _wants(target, PolicyKind.TLS_RPT):
            found = replace(found, tls_rpt=tls_rpt_lookup.UNKNOWN)
        return found


def _wants(target: Target, kind: PolicyKind) -> bool:
    """True where the module names the policy and the target can have one: a host has no policy of a domain."""
    applies = kind is PolicyKind.DANE or target.kind is TargetKind.DOMAIN
    return applies and kind in target.settings.module.policies


async def _nothing() -> None:
    return None
