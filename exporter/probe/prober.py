"""One target -> one ProbeResult: lookup, addresses, a session with each, judgement.

A test tool is no friendly client: every address is tried, each once, and each has its own result.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Final, Protocol

from exporter.config.model import Family, Limits, Settings, Target, TargetKind
from exporter.diagnosis.domain import domain_failure
from exporter.diagnosis.networks import organisation
from exporter.evidence import Way, Witness
from exporter.probe.helo import own_address
from exporter.probe.host import greeting_names, host_result, way_of_record
from exporter.probe.manners import Lease, Shared, Slots, Turnstile
from exporter.probe.plan import canary_message, is_same_for_all, mail_domain, plan_of
from exporter.probe.policies import Found, Policies
from exporter.probe.session import Session, SessionRecord
from exporter.probe.witness import WITNESS_SECONDS, Witnesses
from exporter.resolver.findings import forbidden_address
from exporter.resolver.special import forbidden
from exporter.result import (
    Confidence,
    Failure,
    FailureClass,
    HostResult,
    HostWarning,
    MxHost,
    MxLookup,
    ProbeResult,
    Stage,
    TranscriptLine,
    Verdict,
)
from exporter.smtp.plan import Plan, State

# What leaves open whether the host is dead or we are blocked.
_WITNESSED: Final = frozenset({Way.SILENT, Way.PROHIBITED, Way.MUTE, Way.HUNG_UP})
# Kept from the lookup for the sessions: a host on the same continent still answers within it.
_LEAST_TIMEOUT: Final = 0.5


# Host names of one greeting that are looked up.
_MAX_NAMES: Final = 3
# Targets with equal settings share one; each reload brings new ones.
_MAX_PLANS: Final = 10_000
# The dialogues of a probe, by MX host and address.
Heard = dict[tuple[str, str], tuple[TranscriptLine, ...]]


class Lookup(Protocol):
    """The questions a probe asks of the DNS; nothing is raised for what goes wrong there."""

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        """The mail hosts of a domain."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host; an address is its own."""


class Prober:
    """Probes targets; what they share (manners, the resolver's memory) lives here."""

    def __init__(
        self,
        lookup: Lookup,
        limits: Limits,
        helo: str,
        slots: Slots,
        witness_ports: tuple[int, ...] = (),
        policies: Policies | None = None,
    ) -> None:
        """`witness_ports` are asked on an address whose SMTP port is silent or prohibited.

        Without `policies` none are looked up, whatever a module names.
        """
        self._lookup = lookup
        self._limits = limits
        self._helo = helo
        self._slots = slots
        self._policies = policies
        self._turnstile = Turnstile(limits.per_address, limits.per_address_interval)
        self._shared: Shared[SessionRecord] = Shared()
        self._witnesses = Witnesses(witness_ports)
        # By the identity of the settings, which are kept here so that it stays theirs.
        self._plans: dict[int, tuple[Settings, Plan]] = {}

    async def probe(
        self,
        target: Target,
        *,
        fresh: bool = False,
        transcript: bool = False,
        heard: Heard | None = None,
        within: float | None = None,
    ) -> ProbeResult:
        """Probe `target` now. The caller holds a slot.

        `fresh`: take no other target's session for it. `transcript`: with the dialogues in the result; `heard`: put
        them there instead. `within`: seconds for everything together, the lookup too.
        """
        at, began = time.time(), time.perf_counter()
        settings = target.settings
        lookup, hosts = await self._hosts(target, within)
        ends: float | None = None
        if within is not None:
            ends = began + within
            left = ends - time.perf_counter()
            target = replace(target, settings=replace(settings, timeout=min(settings.timeout, left)))
        chosen = _choose(hosts, settings)
        lease = Lease(self._slots, len(chosen.to_probe))
        finding = self._find_policies(target, chosen)
        probes = [
            self._address(
                target, host, address, lease, finding, fresh=fresh, transcript=transcript, heard=heard, ends=ends
            )
            for host, address in chosen.to_probe
        ]
        try:
            # A task each only where there is more than one to wait for.
            results = [await probes[0]] if len(probes) == 1 else await asyncio.gather(*probes)
            found = await finding if finding is not None else Found()
        finally:
            lease.close()
            if finding is not None:
                finding.cancel()  # of no effect on what is done
        results += [found.judge(result, settings, None) for result in chosen.settled]
        if target.kind is not TargetKind.DOMAIN:
            results = [replace(result, preference=None) for result in results]
        if len(results) > 1:
            results.sort(key=_place)
        if lookup is not None and lookup.null_mx_among_others:
            results = [_warned(result, HostWarning.NULL_MX_AMONG_OTHERS) for result in results]
        return ProbeResult(
            at=at,
            duration=time.perf_counter() - began,
            lookup=lookup,
            hosts=tuple(results),
            addresses=sum(len(host.addresses) for host in hosts),
            failure=domain_failure(tuple(results), lookup.failure if lookup is not None else None),
            mta_sts=found.mta_sts,
            tls_rpt=found.tls_rpt,
            named=() if lookup is not None else hosts,
        )

    def share_afresh(self) -> None:
        """What was begun before now is shared no more: the way to all hosts has changed."""
        self._shared.expire()

    async def _hosts(self, target: Target, within: float | None) -> tuple[MxLookup | None, tuple[MxHost, ...]]:
        """The hosts of `target`, for a domain with the lookup that gave them."""
        if within is None:
            return await self._look_up(target)
        least = min(_LEAST_TIMEOUT, within / 2)
        try:
            async with asyncio.timeout(within - least):
                return await self._look_up(target)
        except TimeoutError:
            # The resolver has more time than whoever asks here; it has not answered them in theirs.
            took = within - least
            failure = Failure(Stage.DNS, FailureClass.DNS_TIMEOUT, f"the lookup did not end within {took:g} s")
        if target.kind is not TargetKind.DOMAIN:
            return None, (MxHost(target.name, 0, failure=failure),)
        return MxLookup(target.host, failure=failure, duration=took), ()

    async def _look_up(self, target: Target) -> tuple[MxLookup | None, tuple[MxHost, ...]]:
        if target.kind is not TargetKind.DOMAIN:
            return None, (await self._named_host(target),)
        lookup = await self._lookup.lookup_mx(target.host, target.settings.families)
        return lookup, lookup.hosts

    def _find_policies(self, target: Target, chosen: _Choice) -> asyncio.Task[Found] | None:
        if self._policies is None or not target.settings.module.policies:
            return None
        hosts = [host.name for host, _ in chosen.to_probe]
        return asyncio.get_running_loop().create_task(self._policies.find(target, hosts))

    async def _named_host(self, target: Target) -> MxHost:
        found = await self._lookup.lookup_host(target.host, target.settings.families)
        # The series carry the name as the user wrote it.
        return replace(found, name=target.name, preference=0, is_cname=False)

    async def _address(
        self,
        target: Target,
        host: MxHost,
        address: str,
        lease: Lease,
        finding: asyncio.Task[Found] | None,
        *,
        fresh: bool,
        transcript: bool,
        heard: Heard | None,
        ends: float | None,
    ) -> HostResult:
        wanted = transcript or heard is not None
        try:
            record = await self._record(target, host, address, lease, fresh=fresh, transcript=wanted)
            if finding is not None and not finding.done():
                # Waiting for a policy host is not being under way either.
                async with lease.paused():
                    await finding
        finally:
            lease.part_ended()
        result = host_result(host, host.preference, address, target.settings.port, record, transcript=transcript)
        if heard is not None:
            heard[host.name, address] = record.transcript
        if result.up and await self._greets_as_another(host, address, record, ends):
            result = _warned(result, HostWarning.BANNER_NAME_MISMATCH)
        return result if finding is None else finding.result().judge(result, target.settings, record)

    async def _record(
        self, target: Target, host: MxHost, address: str, lease: Lease, *, fresh: bool, transcript: bool
    ) -> SessionRecord:
        """What a session with `address` showed: one of its own, or one that others share."""
        settings = target.settings
        source = settings.source_ipv6 if ":" in address else settings.source_ipv4
        plan = self._plan(target, host)

        async def begin() -> SessionRecord:
            return await self._session(address, settings, source, plan, lease, transcript=transcript)

        if fresh or not self._limits.share_addresses:
            return await begin()
        # Who grants a host more time must not be told of the silence that another's short timeout ended.
        key = (address, settings.port, source, plan, settings.timeout)
        return await self._shared.get(key, settings.interval, begin, lease.paused)

    async def _session(
        self, address: str, settings: Settings, source: str, plan: Plan, lease: Lease, *, transcript: bool
    ) -> SessionRecord:
        entered = self._turnstile.enter_nowait(address)
        try:
            if not entered:
                # Waiting for a turn is not being under way: others may go on meanwhile.
                async with lease.paused():
                    await self._turnstile.enter(address)
                    entered = True
            return await self._witnessed(address, settings, source, plan, transcript=transcript)
        finally:
            if entered:
                self._turnstile.leave(address)

    async def _witnessed(
        self, address: str, settings: Settings, source: str, plan: Plan, *, transcript: bool
    ) -> SessionRecord:
        """A session; where it draws no word or a prohibition, what other ports of the address do meanwhile."""
        loop = asyncio.get_running_loop()
        message = b""
        if State.DATA in plan.steps:
            own = own_address(address, source)
            message = canary_message(settings.module.data, plan, time.time(), own)
        if not self._witnesses.ports:
            return await Session(loop, plan, transcript=transcript, message=message).converse(
                address, settings.port, settings.timeout, source
            )
        ends = time.perf_counter() + settings.timeout
        asking: list[asyncio.Task[tuple[Witness, ...]]] = []

        def ask() -> None:
            seconds = min(WITNESS_SECONDS, max(0.0, ends - time.perf_counter()))
            asked = self._witnesses.ask(address, settings.port, source, interval=settings.interval, seconds=seconds)
            asking.append(loop.create_task(asked))

        session = Session(loop, plan, transcript=transcript, message=message, on_silence=ask)
        try:
            record = await session.converse(address, settings.port, settings.timeout, source)
            if way_of_record(record) not in _WITNESSED:
                return record
            if not asking:
                ask()
            return replace(record, witnesses=await asking[0])
        finally:
            for task in asking:
                task.cancel()

    async def _greets_as_another(self, host: MxHost, address: str, record: SessionRecord, ends: float | None) -> bool:
        """Whether the greeting's host name has no address equal to `address`; a name nobody can look up by then has.

        A farm's nodes greet by their own names, each of the organisation that the mail host is named after.
        """
        names = greeting_names(record)
        ours = organisation(host.name)
        if not names or any(organisation(name) == ours for name in names):
            return False
        family = Family.IPV6 if ":" in address else Family.IPV4
        try:
            async with asyncio.timeout(None if ends is None else max(0.0, ends - time.perf_counter())):
                found = [await self._lookup.lookup_host(name, (family,)) for name in names[:_MAX_NAMES]]
        except TimeoutError:
            return False  # no time left to look up who greeted: a warning less
        return all(_is_another(each, address) for each in found)

    def _plan(self, target: Target, host: MxHost) -> Plan:
        if is_same_for_all(target.settings.module):
            kept = self._plans.get(id(target.settings))
            if kept is None:
                if len(self._plans) >= _MAX_PLANS:
                    self._plans.clear()
                kept = (target.settings, plan_of(target.settings, self._helo, domain="", server_name=""))
                self._plans[id(target.settings)] = kept
            return kept[1]
        if target.kind is TargetKind.DOMAIN:
            return plan_of(target.settings, self._helo, domain=target.host, server_name=host.name)
        return plan_of(target.settings, self._helo, domain=mail_domain(target.host), server_name=target.host)


@dataclass(slots=True)
class _Choice:
    """Which addresses are to be probed, and the results that are settled without a connection."""

    to_probe: list[tuple[MxHost, str]] = field(default_factory=list)
    settled: list[HostResult] = field(default_factory=list)


def _is_another(greeted: MxHost, address: str) -> bool:
    if greeted.failure is not None:
        return greeted.failure.verdict is not Verdict.LOCAL
    return address not in greeted.addresses


def _choose(hosts: Sequence[MxHost], settings: Settings) -> _Choice:
    """The first `max_addresses` in order of preference; a forbidden address is never among them."""
    choice = _Choice()
    for host in hosts:
        if host.failure is not None:
            choice.settled.append(HostResult(host.name, "", host.preference, host.failure, own_failure=host.failure))
        for address in host.addresses:
            failure = _not_to_be_probed(host, address, settings)
            if failure is not None:
                choice.settled.append(HostResult(host.name, address, host.preference, failure))
            elif len(choice.to_probe) < settings.max_addresses:
                choice.to_probe.append((host, address))
    return choice


def _not_to_be_probed(host: MxHost, address: str, settings: Settings) -> Failure | None:
    """Why `address` is not connected to: it is special, or the resolver made it up."""
    reason = forbidden(address, settings.allow_addresses)
    if reason is not None:
        return host.filtered or forbidden_address(host.name, address, reason)
    if host.filtered is None or host.filtered.confidence is Confidence.UNCERTAIN:
        return None
    # Special, and allowed: whoever has allowed it wants it probed.
    return host.filtered if forbidden(address, ()) is None else None


def _place(result: HostResult) -> tuple[int, int, int, str]:
    """Sort order of results: preference, then address (those without one last)."""
    if not result.address:
        return (result.preference or 0, 9, 0, result.mx)
    address = ip_address(result.address)
    return (result.preference or 0, address.version, int(address), result.mx)


def _warned(result: HostResult, warning: HostWarning) -> HostResult:
    return result if not result.up else replace(result, warnings=(*result.warnings, warning))
