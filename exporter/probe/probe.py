"""One probe of one target: lookup, addresses, a session with each, judgement.

A test tool is no friendly client: every address is tried, each once, and each has its own result.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final, Protocol

from exporter.concurrency.slots import HeldSlot, ProbeSlots
from exporter.diagnosis.domain_failure import domain_failure
from exporter.model.address import Family
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import (
    HostIdentity,
    HostOutcome,
    HostResult,
    HostTimings,
    MxHost,
    MxLookup,
    ProbeResult,
)
from exporter.model.target import Target, TargetKind
from exporter.model.warning import HostWarning
from exporter.policies.judgement import TlsSeen
from exporter.policies.lookup import Policies, PolicySearch, TargetPolicies
from exporter.probe.address_choice import AddressChoice, choose_addresses
from exporter.probe.greeting_name import greets_as_another
from exporter.probe.host_result import host_result
from exporter.probe.module_plan import PlanCache
from exporter.probe.probe_options import ProbeOptions
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import SessionRequest, TimeBudget
from exporter.probe.session_runner import CostPauseError, NoPermitError
from exporter.probe.shared_sessions import SharedSessions

# Kept from the lookup for the sessions: a host on the same continent still answers within it.
_LEAST_TIMEOUT: Final = 0.5
# Read at every probe: looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_DOMAIN: Final = TargetKind.DOMAIN


class MxResolver(Protocol):
    """The questions of a probe to the DNS; failures are values of the answers, nothing is raised."""

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        """The mail hosts of a domain."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host; an address is its own."""


@dataclass(frozen=True, slots=True)
class ProbeTools:
    """The parts that all probes share."""

    resolver: MxResolver
    slots: ProbeSlots
    sessions: SharedSessions
    plans: PlanCache
    policies: Policies | None


class Probe:
    """One probe: :meth:`run` once."""

    __slots__ = (
        "_budget",
        "_ends",
        "_options",
        "_search",
        "_slot",
        "_target",
        "_timeout",
        "_tools",
    )

    def __init__(self, tools: ProbeTools, target: Target, options: ProbeOptions) -> None:
        self._tools = tools
        self._target = target
        self._options = options
        self._ends: float | None = None  # time.perf_counter()
        self._timeout = target.settings.timeout
        self._search: PolicySearch | None = None  # of the target, where its module asks for policies
        self._slot: HeldSlot
        self._budget: TimeBudget

    async def run(self) -> ProbeResult:
        """The result. The caller holds a slot."""
        at, began = time.time(), time.perf_counter()
        settings, within = self._target.settings, self._options.within
        lookup, hosts = await self._hosts()
        if within is not None:
            self._ends = began + within
            self._timeout = min(settings.timeout, self._ends - time.perf_counter())
        choice = choose_addresses(hosts, settings)
        self._search = self._search_policies(choice)
        results = await self._probe_addresses(choice)
        search = self._search
        found = search.found if search is not None else TargetPolicies()
        results += [found.judge(result, settings, None, asked=False) for result in choice.settled]
        ordered = _in_order(results, self._target.kind, lookup)
        return ProbeResult(
            at=at,
            duration=_end_of_sessions(search) - began,
            lookup=lookup,
            hosts=ordered,
            addresses=sum([len(host.addresses) + host.more for host in hosts]),
            failure=domain_failure(ordered, lookup.failure if lookup is not None else None, lookup),
            mta_sts=found.mta_sts,
            tls_rpt=found.tls_rpt,
            named=() if lookup is not None else hosts,
        )

    async def _hosts(self) -> tuple[MxLookup | None, tuple[MxHost, ...]]:
        """The hosts of the target, for a domain with the lookup that gave them."""
        within = self._options.within
        if within is None:
            return await self._look_up()
        seconds = within - min(_LEAST_TIMEOUT, within / 2)
        target = self._target
        try:
            async with asyncio.timeout(seconds):
                return await self._look_up()
        except TimeoutError:
            # The resolver has more time of its own, and did not answer in the time of this request.
            failure = Failure(Stage.DNS, FailureClass.DNS_TIMEOUT, f"the lookup did not end within {seconds:g} s")
        if target.kind is not _DOMAIN:
            return None, (MxHost(target.name, 0, failure=failure),)
        return MxLookup(target.host, failure=failure, duration=seconds), ()

    async def _look_up(self) -> tuple[MxLookup | None, tuple[MxHost, ...]]:
        target, resolver = self._target, self._tools.resolver
        if target.kind is _DOMAIN:
            lookup = await resolver.lookup_mx(target.host, target.settings.families)
            return lookup, lookup.hosts
        found = await resolver.lookup_host(target.host, target.settings.families)
        # The series carry the name as the user wrote it.
        return None, (replace(found, name=target.name, preference=0, is_cname=False),)

    def _search_policies(self, choice: AddressChoice) -> PolicySearch | None:
        policies = self._tools.policies
        if policies is None or not self._target.settings.module.policies:
            return None
        hosts = [host.name for host, _ in choice.to_probe]
        return policies.begin(self._target, hosts, None if self._ends is None else self._ends - time.perf_counter())

    async def _probe_addresses(self, choice: AddressChoice) -> list[HostResult]:
        self._slot = slot = HeldSlot(self._tools.slots, len(choice.to_probe))
        self._budget = TimeBudget(self._ends, slot.paused)
        try:
            if len(choice.to_probe) == 1:  # a task each only where there is more than one to wait for
                return [await self._probe_address(*choice.to_probe[0])]
            results = await asyncio.gather(*[self._probe_address(host, address) for host, address in choice.to_probe])
            if self._search is not None and not results:
                await self._search.wait(slot.paused)
            return results
        finally:
            slot.close()

    async def _probe_address(self, host: MxHost, address: str) -> HostResult:
        tools, settings, search = self._tools, self._target.settings, self._search
        options = self._options
        try:
            record = await tools.sessions.record(self._request(host, address), self._budget, fresh=options.fresh)
            if search is not None:
                # The slot is free for others during the wait for a policy host.
                await search.wait(self._slot.paused)
        except NoPermitError as error:
            return _no_session(host, address, error)
        finally:
            self._slot.part_ended()
        result = host_result(host, address, settings.port, record, transcript=options.transcript)
        if options.transcripts is not None:
            options.transcripts[host.name, address] = record.transcript
        if result.up and await greets_as_another(tools.resolver, host, address, record, self._budget):
            result = _warned(result, HostWarning.BANNER_NAME_MISMATCH)
        if search is None:
            return result
        asked = record.plan is not None and record.plan.tls is not None
        return search.found.judge(result, settings, _tls_seen(record), asked=asked)

    def _request(self, host: MxHost, address: str) -> SessionRequest:
        target = self._target
        settings = target.settings
        # A target named by its host counts with the domains that have it as their MX; the port is part of the name.
        name = host.name if target.kind is _DOMAIN else target.host
        return SessionRequest(
            address=address,
            port=settings.port,
            name=f"{name}:{settings.port}",
            source=settings.source_ipv6 if ":" in address else settings.source_ipv4,
            plan=self._tools.plans.plan(target, host),
            canary=settings.module.data,
            timeout=self._timeout,
            interval=settings.interval,
            transcript=self._options.records_transcripts,
        )


def _end_of_sessions(search: PolicySearch | None) -> float:
    """The moment, near the end of a probe, up to which it took the time of mail hosts: not that of policy hosts."""
    waited_since = search.waited_since if search is not None else 0.0
    return waited_since or time.perf_counter()


def _tls_seen(record: SessionRecord) -> TlsSeen | None:
    if record.tls is None:
        return None
    return TlsSeen(record.tls.chain, record.tls.trust.faults, record.tls.trust.common_name)


def _no_session(host: MxHost, address: str, why: NoPermitError) -> HostResult:
    failure = Failure(Stage.CONNECT, FailureClass.NO_TURN, str(why))
    warnings = (HostWarning.COSTLY,) if isinstance(why, CostPauseError) else ()
    identity = HostIdentity(host.name, address, host.preference)
    return HostResult(identity, HostOutcome(failure, failure, warnings), timings=HostTimings(at=time.time()))


def _in_order(results: list[HostResult], kind: TargetKind, lookup: MxLookup | None) -> tuple[HostResult, ...]:
    """The results of a target in their order, with the warning that its lookup means for each."""
    if kind is not _DOMAIN:
        results = [replace(each, identity=replace(each.identity, preference=None)) for each in results]
    if len(results) > 1:
        results.sort(key=_place)
    if lookup is not None and lookup.null_mx_among_others:
        results = [_warned(result, HostWarning.NULL_MX_AMONG_OTHERS) for result in results]
    return tuple(results)


def _place(result: HostResult) -> tuple[int, int, int, str]:
    """Sort order of results: preference, then address (those without one last)."""
    if not result.address:
        return (result.identity.preference or 0, 9, 0, result.mx)
    address = ip_address(result.address)
    return (result.identity.preference or 0, address.version, int(address), result.mx)


def _warned(result: HostResult, warning: HostWarning) -> HostResult:
    """`result` with `warning`, if the host is up."""
    if not result.up:
        return result
    return replace(result, outcome=replace(result.outcome, warnings=(*result.outcome.warnings, warning)))
