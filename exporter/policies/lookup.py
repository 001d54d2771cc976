"""What a target asks of those who send mail to it: DANE, MTA-STS and TLS-RPT, looked up beside its sessions.

Nothing here is on the way of a session: the questions run while the sessions do, the answers come from memory where
they can, and who is slow keeps a probe waiting until :data:`PATIENCE_SECONDS` after its begin, if the sessions are done
by then. What is not known yet is told as it was the last time, or left open; the search goes on for the next result.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.concurrency.shared_tasks import SharedTasks
from exporter.model.address import Family, is_address
from exporter.model.failure import Failure, FailureClass, Verdict
from exporter.model.policy import MtaSts, MtaStsMode, MtaStsProblem, TlsaLookup, TlsRpt
from exporter.model.printable import printable
from exporter.model.result import HostResult, MxHost
from exporter.model.target import PolicyKind, Settings, Target, TargetKind
from exporter.net.special_addresses import forbidden
from exporter.policies.judgement import Demands, TlsSeen, judge
from exporter.policies.mtasts import policy as mta_sts_policy
from exporter.policies.mtasts.cache import PolicyCache
from exporter.policies.mtasts.fetch import HTTPS_PORT, FetchFault, fetch, tls_context
from exporter.policies.mtasts.record import policy_id
from exporter.policies.tlsrpt import report_addresses
from exporter.resolver.answer import DnsAnswer
from exporter.tls.roots import system_roots

_P = MtaStsProblem
_T = TypeVar("_T")
_Key = tuple[TargetKind, str, int, tuple[Family, ...], tuple[PolicyKind, ...]]
_NOT_YET: Final = "not known within the time of the probe"
# From the begin of a search; a policy host far away takes a second.
PATIENCE_SECONDS: Final = 2.0
# Searches at once, of which each ends with the timeout of its target: 300 probes a second that all wait for 30 s.
MAX_SEARCHES: Final = 10_000
# Targets of which the last answer is kept; beyond it the oldest are forgotten.
MAX_REMEMBERED: Final = 50_000
# TLSA data of one host that is kept so: thirty digests and a certificate.
_MAX_TLSA_BYTES: Final = 4096
# Names of a policy, and addresses for reports, that are told.
_MAX_TOLD: Final = 64


class PolicyLookup(Protocol):
    """The questions asked of the DNS; nothing is raised for what goes wrong there."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host."""

    async def lookup_txt(self, name: str) -> DnsAnswer:
        """The TXT records of a name."""

    async def lookup_tlsa(
        self, host: str, port: int, families: tuple[Family, ...], domain: str | None = None
    ) -> TlsaLookup:
        """The TLSA records of a host."""


@dataclass(frozen=True, slots=True)
class TargetPolicies:
    """What was found out about a target. Empty: nothing was asked."""

    mta_sts: MtaSts | None = None
    policy: mta_sts_policy.MtaStsPolicy | None = None  # that holds
    tls_rpt: TlsRpt | None = None
    tlsa: Mapping[str, TlsaLookup | None] = field(default_factory=lambda: MappingProxyType({}))  # by MX host

    def judge(self, result: HostResult, settings: Settings, tls: TlsSeen | None, *, asked: bool) -> HostResult:
        """`result`, held against it; `tls` is that of its session, `asked` whether the session asked for it."""
        tlsa = self.tlsa.get(result.mx)
        demands = Demands(tlsa, self.policy, tlsa is None and result.mx in self.tlsa)
        require = settings.module.starttls.verify == "require"
        return judge(result, demands, tls, asked=asked, require=require, at=result.timings.at)

    def without_large_records(self) -> TargetPolicies:
        """To keep: a host whose TLSA records are large is one of which nothing is known."""
        if all(lookup is None or _bytes_of(lookup) <= _MAX_TLSA_BYTES for lookup in self.tlsa.values()):
            return self
        kept = {name: lookup for name, lookup in self.tlsa.items() if lookup and _bytes_of(lookup) <= _MAX_TLSA_BYTES}
        return replace(self, tlsa=kept)


class PolicySearch:
    """A search beside the sessions of a probe. What it gave is settled once, for all of them."""

    __slots__ = ("_due", "_found", "_known", "_search", "waited_since")

    def __init__(
        self, search: asyncio.Task[TargetPolicies] | None, due: float, known: Callable[[], TargetPolicies]
    ) -> None:
        """`due`: the loop's time beyond which nobody waits; then `known` says what was known before."""
        self._search = search
        self._due = due
        self._known = known
        self._found: TargetPolicies | None = None
        self.waited_since = 0.0  # time.perf_counter() when the last of the sessions was done

    async def wait(self, paused: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        """Wait, `paused`, until all is found or it is due."""
        self.waited_since = time.perf_counter()
        search = self._search
        left = self._due - asyncio.get_running_loop().time()
        if self._found is None and search is not None and not search.done() and left > 0:
            async with paused():
                await asyncio.wait((search,), timeout=None if left == math.inf else left)

    @property
    def found(self) -> TargetPolicies:
        """What was found, or was known before."""
        if self._found is None:
            done = self._search is not None and self._search.done()
            self._found = self._search.result() if self._search is not None and done else self._known()
        return self._found


class Searches:
    """Searches under way, some of which nobody waits for any more, and what the last of each target found."""

    def __init__(self) -> None:
        self._running: SharedTasks[_Key, TargetPolicies] = SharedTasks(self._ended)
        self._last: BoundedDict[_Key, TargetPolicies] = BoundedDict(MAX_REMEMBERED)

    def join(
        self, key: _Key, search: Callable[[], Coroutine[Any, Any, TargetPolicies]]
    ) -> asyncio.Task[TargetPolicies] | None:
        """The search of `key` that is under way, or is begun now; None if there are too many."""
        task = self._running.get(key)
        if task is None and len(self._running) < MAX_SEARCHES:
            task = self._running.start(key, search())
        return task

    def last(self, key: _Key) -> TargetPolicies | None:
        """What the last search of `key` found."""
        return self._last.get(key)

    async def close(self) -> None:
        """End those under way."""
        await self._running.close()

    def _ended(self, key: _Key, task: asyncio.Task[TargetPolicies]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:  # a bug of ours, which perhaps nobody waits for any more
            about = {"message": "a search for policies failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(about)
            return
        self._last[key] = task.result().without_large_records()


class Policies:
    """Looks up policies. `memory` and `searches` outlive it: a policy holds whatever is reloaded."""

    def __init__(
        self,
        lookup: PolicyLookup,
        memory: PolicyCache,
        https_port: int = HTTPS_PORT,
        *,
        patience: float = PATIENCE_SECONDS,
        searches: Searches | None = None,
    ) -> None:
        """`patience`: seconds for which a probe waits; infinite where there is no next result."""
        self._lookup = lookup
        self._memory = memory
        self._https_port = https_port
        self._patience = patience
        self._searches = searches or Searches()
        self._context: asyncio.Task[ssl.SSLContext] | None = None

    def begin(self, target: Target, hosts: Sequence[str], within: float | None = None) -> PolicySearch:
        """Search for what the module of `target` names; `hosts` are the MX hosts that are probed.

        `within`: seconds that the probe has left.
        """
        settings = target.settings
        key = (target.kind, target.host, settings.port, settings.families, settings.module.policies)
        search = self._searches.join(key, partial(self.find, target, hosts))
        patience = self._patience if within is None else min(self._patience, within)
        due = asyncio.get_running_loop().time() + patience
        return PolicySearch(search, due, partial(self._known, target, hosts, key))

    async def find(self, target: Target, hosts: Sequence[str]) -> TargetPolicies:
        """What the module of `target` names, within its timeout."""
        settings = target.settings
        wanted = settings.module.policies
        is_domain = target.kind is TargetKind.DOMAIN
        sts, tls_rpt, tlsa = await asyncio.gather(
            self._mta_sts(target) if is_domain and PolicyKind.MTA_STS in wanted else _nothing(),
            self._tls_rpt(target) if is_domain and PolicyKind.TLS_RPT in wanted else _nothing(),
            self._tlsa(target, hosts) if PolicyKind.DANE in wanted else _nothing(),
        )
        mta_sts, policy = sts or (None, None)
        return TargetPolicies(mta_sts, policy, tls_rpt, tlsa or {})

    def _known(self, target: Target, hosts: Sequence[str], key: _Key) -> TargetPolicies:
        """What was found the last time; the first time, what holds, and that the rest is open."""
        wanted = target.settings.module.policies
        awaited = dict.fromkeys(hosts) if PolicyKind.DANE in wanted else {}
        last = self._searches.last(key)
        if last is not None:
            return replace(last, tlsa={**awaited, **last.tlsa})
        found = TargetPolicies(tlsa=awaited)
        if target.kind is TargetKind.DOMAIN and PolicyKind.MTA_STS in wanted:
            mta_sts, policy = self._held(target.host)
            found = replace(found, mta_sts=mta_sts, policy=policy)
        if target.kind is TargetKind.DOMAIN and PolicyKind.TLS_RPT in wanted:
            found = replace(found, tls_rpt=TlsRpt(None, detail=_NOT_YET))
        return found

    # DANE

    async def _tlsa(self, target: Target, hosts: Sequence[str]) -> Mapping[str, TlsaLookup | None]:
        settings = target.settings
        names = tuple(dict.fromkeys(hosts))
        domain = target.host if target.kind is TargetKind.DOMAIN else None
        if domain is None and is_address(target.host):
            return {}  # RFC 7672 2.2.2: there is no name to look records up by
        lookups = [
            _within(
                settings.timeout,
                # The series of a host target carry the name as the user wrote it; the DNS knows its host.
                self._lookup.lookup_tlsa(name if domain else target.host, settings.port, settings.families, domain),
            )
            for name in names
        ]
        return dict(zip(names, await asyncio.gather(*lookups), strict=True))

    # TLS-RPT

    async def _tls_rpt(self, target: Target) -> TlsRpt:
        answer = await _within(target.settings.timeout, self._lookup.lookup_txt(f"_smtp._tls.{target.host}"))
        if answer is None:
            return TlsRpt(None, detail=_NOT_YET)
        failure = _trouble(answer)
        if failure is not None:
            return TlsRpt(None, detail=failure.detail)
        try:
            rua = report_addresses(_texts(answer))
        except ValueError as error:
            return TlsRpt(True, False, printable(str(error)))
        return TlsRpt(False) if rua is None else TlsRpt(True, True, rua=rua[:_MAX_TOLD])

    # MTA-STS

    async def _mta_sts(self, target: Target) -> tuple[MtaSts, mta_sts_policy.MtaStsPolicy | None]:
        domain = target.host
        found = await _within(target.settings.timeout, self._ask_mta_sts(target))
        if found is not None:
            return found
        return self._held(domain)

    def _held(self, domain: str) -> tuple[MtaSts, mta_sts_policy.MtaStsPolicy | None]:
        policy = self._memory.held(domain)
        return replace(_described(policy), valid=None, detail=f"the policy is {_NOT_YET}"), policy

    async def _ask_mta_sts(self, target: Target) -> tuple[MtaSts, mta_sts_policy.MtaStsPolicy | None]:
        domain = target.host
        held = self._memory.held(domain)
        answer = await self._lookup.lookup_txt(f"_mta-sts.{domain}")
        failure = _trouble(answer)
        if failure is not None:
            return _faulty(held, FetchFault(_blame(failure, _P.RECORD_LOOKUP), failure.detail)), held
        try:
            identity = policy_id(_texts(answer))
        except ValueError as error:
            return _faulty(held, FetchFault(_P.RECORD_INVALID, str(error))), held
        if identity is None:
            # RFC 8461 8.3: a domain that leaves MTA-STS publishes the mode none until the old policy is over.
            if held is None or held.mode == "none":
                return MtaSts(MtaStsMode.ABSENT), None
            return _faulty(held, FetchFault(_P.RECORD_ABSENT, "the record is gone, and the policy still holds")), held
        now = await self._memory.policy(domain, identity, partial(self._fetch, domain, target.settings))
        described = _described(now.policy) if now.fault is None else _faulty(now.policy, now.fault)
        return replace(described, id=identity), now.policy

    async def _fetch(self, domain: str, settings: Settings) -> bytes | FetchFault:
        name = f"mta-sts.{domain}"
        host = await self._lookup.lookup_host(name, settings.families)
        if host.failure is not None:
            return FetchFault(_blame(host.failure, _P.HOST_LOOKUP), host.failure.detail)
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
        fetched = await self._memory.places.fetch(name, allowed[0], work)
        if isinstance(fetched, FetchFault) and fetched.problem is _P.CERTIFICATE:
            roots = await asyncio.to_thread(system_roots)
            if not roots.certificates:  # a container without ca-certificates
                return FetchFault(
                    _P.LOCAL, "this system trusts no authority (see SSL_CERT_FILE), so no certificate is valid"
                )
        return fetched


def _bytes_of(lookup: TlsaLookup) -> int:
    return sum(len(record.data) for record in lookup.records)


async def _nothing() -> None:
    return None


async def _within(seconds: float, work: Awaitable[_T]) -> _T | None:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return None


def _trouble(answer: DnsAnswer) -> Failure | None:
    """Why it is not known whether there are records."""
    failure = answer.failure
    return None if failure is None or failure.failure_class is FailureClass.DNS_NXDOMAIN else failure


def _blame(failure: Failure, theirs: MtaStsProblem) -> MtaStsProblem:
    return _P.LOCAL if failure.verdict is Verdict.LOCAL else theirs


def _texts(answer: DnsAnswer) -> list[bytes]:
    return [record for record in answer.records if isinstance(record, bytes)]


def _described(policy: mta_sts_policy.MtaStsPolicy | None) -> MtaSts:
    if policy is None:
        return MtaSts(MtaStsMode.UNKNOWN)
    return MtaSts(MtaStsMode(policy.mode), valid=True, mx=policy.mx[:_MAX_TOLD], max_age=policy.max_age)


def _faulty(held: mta_sts_policy.MtaStsPolicy | None, fault: FetchFault) -> MtaSts:
    """What holds, though what is published now is wrong, or is not known for reasons of our own."""
    valid = None if fault.problem is _P.LOCAL else False
    return replace(_described(held), valid=valid, problem=fault.problem, detail=printable(fault.detail))
