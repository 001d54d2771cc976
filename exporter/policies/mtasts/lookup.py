"""The lookup of a domain's MTA-STS policy: record, policy host, policy file (RFC 8461 3)."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from functools import partial

from exporter.model.failure import Failure, Verdict
from exporter.model.policy import MtaSts, MtaStsMode, MtaStsProblem
from exporter.model.printable import printable
from exporter.model.target import Settings, Target
from exporter.net.special_addresses import forbidden
from exporter.policies.mtasts.cache import PolicyCache
from exporter.policies.mtasts.fetch import HTTPS_PORT, FetchFault, fetch, tls_context
from exporter.policies.mtasts.policy import MtaStsPolicy
from exporter.policies.mtasts.record import policy_id
from exporter.policies.queries import MAX_SHOWN, NOT_YET, PolicyQueries, failure_of, texts_of, within
from exporter.tls.roots import system_roots

_P = MtaStsProblem
MtaStsFinding = tuple[MtaSts, MtaStsPolicy | None]  # the fact as a result shows it, and the policy that holds


class MtaStsLookup:
    """Looks up MTA-STS policies. `cache` outlives it: a policy holds although the configuration is reloaded."""

    def __init__(self, queries: PolicyQueries, cache: PolicyCache, https_port: int = HTTPS_PORT) -> None:
        self._queries = queries
        self._cache = cache
        self._https_port = https_port
        self._context: asyncio.Task[ssl.SSLContext] | None = None

    async def find(self, target: Target) -> MtaStsFinding:
        """The policy of the domain `target`, within its timeout."""
        found = await within(target.settings.timeout, self._find(target))
        return found if found is not None else self.held(target.host)

    def held(self, domain: str) -> MtaStsFinding:
        """The policy that holds for `domain`, while the present one is not known yet."""
        policy = self._cache.held(domain)
        return replace(_described(policy), valid=None, detail=f"the policy is {NOT_YET}"), policy

    async def _find(self, target: Target) -> MtaStsFinding:
        domain = target.host
        held = self._cache.held(domain)
        answer = await self._queries.lookup_txt(f"_mta-sts.{domain}")
        failure = failure_of(answer)
        if failure is not None:
            return _faulty(held, FetchFault(_problem(failure, _P.RECORD_LOOKUP), failure.detail)), held
        try:
            identity = policy_id(texts_of(answer))
        except ValueError as error:
            return _faulty(held, FetchFault(_P.RECORD_INVALID, str(error))), held
        if identity is None:
            # RFC 8461 8.3: a domain that leaves MTA-STS publishes the mode none until the old policy is over.
            if held is None or held.mode == "none":
                return MtaSts(MtaStsMode.ABSENT), None
            return _faulty(held, FetchFault(_P.RECORD_ABSENT, "the record is gone, and the policy still holds")), held
        cached = await self._cache.policy(domain, identity, partial(self._fetch, domain, target.settings))
        described = _described(cached.policy) if cached.fault is None else _faulty(cached.policy, cached.fault)
        return replace(described, id=identity), cached.policy

    async def _fetch(self, domain: str, settings: Settings) -> bytes | FetchFault:
        name = f"mta-sts.{domain}"
        host = await self._queries.lookup_host(name, settings.families)
        if host.failure is not None:
            return FetchFault(_problem(host.failure, _P.HOST_LOOKUP), host.failure.detail)
        reasons = {address: forbidden(address, settings.allow_addresses) for address in host.addresses}
        allowed = [address for address, reason in reasons.items() if reason is None]
        if not allowed:
            address, reason = next(iter(reasons.items()))
            return FetchFault(_P.ADDRESS_FORBIDDEN, f"{name} has the address {address}, which is {reason}")
        if self._context is None:
            # It reads a few hundred files, which may take a moment.
            self._context = asyncio.ensure_future(asyncio.to_thread(tls_context))
        sources = (settings.source_ipv4, settings.source_ipv6)
        work = partial(fetch, name, allowed, await self._context, port=self._https_port, sources=sources)
        fetched = await self._cache.slots.fetch(name, allowed[0], work)
        if isinstance(fetched, FetchFault) and fetched.problem is _P.CERTIFICATE:
            roots = await asyncio.to_thread(system_roots)
            if not roots.certificates:  # a container without ca-certificates
                return FetchFault(
                    _P.LOCAL, "this system trusts no authority (see SSL_CERT_FILE), so no certificate is valid"
                )
        return fetched


def _problem(failure: Failure, problem: MtaStsProblem) -> MtaStsProblem:
    """`problem`, unless the failed query is a fault on our side."""
    return _P.LOCAL if failure.verdict is Verdict.LOCAL else problem


def _described(policy: MtaStsPolicy | None) -> MtaSts:
    if policy is None:
        return MtaSts(MtaStsMode.UNKNOWN)
    return MtaSts(MtaStsMode(policy.mode), valid=True, mx=policy.mx[:MAX_SHOWN], max_age=policy.max_age)


def _faulty(held: MtaStsPolicy | None, fault: FetchFault) -> MtaSts:
    """The policy that holds, although the published one is wrong, or is not known for reasons of our own."""
    valid = None if fault.problem is _P.LOCAL else False
    return replace(_described(held), valid=valid, problem=fault.problem, detail=printable(fault.detail))
