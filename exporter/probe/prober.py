"""One target -> one ProbeResult: lookup, addresses, a session with each, judgement.

A test tool is no friendly client: every address is tried, each once, and each has its own result.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Hashable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Final, Protocol

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.concurrency.session_limiter import SessionLimiter, SessionPermit
from exporter.concurrency.shared_results import SharedResults
from exporter.concurrency.slots import HeldSlot, ProbeSlots
from exporter.diagnosis.domain_failure import domain_failure
from exporter.diagnosis.networks import organisation
from exporter.model.address import Family
from exporter.model.configuration import Limits
from exporter.model.evidence import ConnectOutcome, Witness
from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.model.result import (
    HostIdentity,
    HostOutcome,
    HostResult,
    HostTimings,
    MxHost,
    MxLookup,
    ProbeResult,
    TranscriptLine,
)
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.model.warning import HostWarning
from exporter.net.helo_name import own_address
from exporter.net.special_addresses import forbidden
from exporter.policies.judgement import TlsSeen
from exporter.policies.lookup import Policies, PolicySearch, TargetPolicies
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.host_result import greeting_names, host_result, outcome_of_record
from exporter.probe.module_plan import canary_message, is_same_for_all, mail_domain, plan_of
from exporter.probe.opportunistic_tls import joined, named, plan_in_the_clear, question, takes_finite_field, untried
from exporter.probe.session import Session
from exporter.probe.session_record import SessionRecord
from exporter.probe.witness_ports import WITNESS_SECONDS, WitnessPorts
from exporter.resolver.mx_faults import forbidden_address
from exporter.smtp.plan import Plan, State
from exporter.tls.handshake_failures import FINITE_FIELD_ALONE

# What leaves open whether the host is dead or we are blocked.
_WITNESSED: Final = frozenset(
    {ConnectOutcome.SILENT, ConnectOutcome.PROHIBITED, ConnectOutcome.MUTE, ConnectOutcome.HUNG_UP}
)
# Kept from the lookup for the sessions: a host on the same continent still answers within it.
_LEAST_TIMEOUT: Final = 0.5
# With less left of the timeout a second session would show nothing but that.
_LEAST_SECOND: Final = 0.1
# After a session that was broken off they see us leave before we come again: some count who is there.
_FAREWELL_SECONDS: Final = 0.1
# Why an offer is refused is asked once in so long, of so many hosts; of more the oldest is forgotten.
_CAUSE_SECONDS: Final = 86400.0
_MAX_CAUSES: Final = 10_000


_OTHERS_FIRST: Final = (
    "our own limits (per_address, one session at a time with an MX name) left no turn in the time given"
)

# Host names of one greeting that are looked up.
_MAX_NAMES: Final = 3
# Targets with the same module share one; each reload brings new ones, and no request of a stranger does.
_MAX_PLANS: Final = 1000
# The dialogues of a probe, by MX host and address.
Transcripts = dict[tuple[str, str], tuple[TranscriptLine, ...]]


class MxResolver(Protocol):
    """The questions a probe asks of the DNS; nothing is raised for what goes wrong there."""

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        """The mail hosts of a domain."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host; an address is its own."""


class Prober:
    """Probes targets; what they share (manners, the resolver's memory) lives here."""

    def __init__(
        self,
        lookup: MxResolver,
        limits: Limits,
        helo: str,
        slots: ProbeSlots,
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
        self._turnstile = SessionLimiter(limits.per_address, limits.per_address_interval)
        self._shared: SharedResults[SessionRecord] = SharedResults()
        self._costs: CpuCosts[SessionRecord] = CpuCosts(_weight)
        self._witnesses = WitnessPorts(witness_ports)
        # Whether a host takes finite-field Diffie-Hellman where it refused all else, and until when that is known.
        self._finite_field: BoundedDict[Hashable, tuple[float, bool]] = BoundedDict(_MAX_CAUSES)
        # By the identity of the module, which is kept here so that it stays its own, and what is said to EHLO.
        self._plans: BoundedDict[tuple[int, str], tuple[Module, Plan]] = BoundedDict(_MAX_PLANS)

    async def probe(
        self,
        target: Target,
        *,
        fresh: bool = False,
        transcript: bool = False,
        heard: Transcripts | None = None,
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
        lease = HeldSlot(self._slots, len(chosen.to_probe))
        finding = self._find_policies(target, chosen, ends)
        probes = [
            self._address(
                target, host, address, lease, finding, fresh=fresh, transcript=transcript, heard=heard, ends=ends
            )
            for host, address in chosen.to_probe
        ]
        try:
            # A task each only where there is more than one to wait for.
            results = [await probes[0]] if len(probes) == 1 else await asyncio.gather(*probes)
            if finding is not None and not probes:
                await finding.wait(lease.paused)
        finally:
            lease.close()
        found = finding.found if finding is not None else TargetPolicies()
        results += [found.judge(result, settings, None, asked=False) for result in chosen.settled]
        if target.kind is not TargetKind.DOMAIN:
            results = [replace(each, identity=replace(each.identity, preference=None)) for each in results]
        if len(results) > 1:
            results.sort(key=_place)
        if lookup is not None and lookup.null_mx_among_others:
            results = [_warned(result, HostWarning.NULL_MX_AMONG_OTHERS) for result in results]
        return ProbeResult(
            at=at,
            # The wait for a policy is no time of the mail hosts.
            duration=((finding.waited_since if finding is not None else 0.0) or time.perf_counter()) - began,
            lookup=lookup,
            hosts=tuple(results),
            addresses=sum(len(host.addresses) + host.more for host in hosts),
            failure=domain_failure(tuple(results), lookup.failure if lookup is not None else None, lookup),
            mta_sts=found.mta_sts,
            tls_rpt=found.tls_rpt,
            named=() if lookup is not None else hosts,
        )

    def share_afresh(self, *, turned: bool = False) -> None:
        """What was begun before now is shared no more: the way to all hosts may have changed.

        `turned`: it has. Then what was seen of an address that is left alone is not told again either.
        """
        self._shared.expire()
        if turned:
            self._costs.forget_seen()

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

    def _find_policies(self, target: Target, chosen: _ChosenAddresses, ends: float | None) -> PolicySearch | None:
        if self._policies is None or not target.settings.module.policies:
            return None
        hosts = [host.name for host, _ in chosen.to_probe]
        return self._policies.begin(target, hosts, None if ends is None else ends - time.perf_counter())

    async def _named_host(self, target: Target) -> MxHost:
        found = await self._lookup.lookup_host(target.host, target.settings.families)
        # The series carry the name as the user wrote it.
        return replace(found, name=target.name, preference=0, is_cname=False)

    async def _address(
        self,
        target: Target,
        host: MxHost,
        address: str,
        lease: HeldSlot,
        finding: PolicySearch | None,
        *,
        fresh: bool,
        transcript: bool,
        heard: Transcripts | None,
        ends: float | None,
    ) -> HostResult:
        wanted = transcript or heard is not None
        try:
            record = await self._record(target, host, address, lease, fresh=fresh, transcript=wanted, ends=ends)
            if finding is not None:
                # Waiting for a policy host is not being under way either.
                await finding.wait(lease.paused)
        except NoTurnError as error:
            return _no_turn(host, address, error)
        finally:
            lease.part_ended()
        result = host_result(host, host.preference, address, target.settings.port, record, transcript=transcript)
        if heard is not None:
            heard[host.name, address] = record.transcript
        if result.up and await self._greets_as_another(host, address, record, ends):
            result = _warned(result, HostWarning.BANNER_NAME_MISMATCH)
        if finding is None:
            return result
        asked = record.plan is not None and record.plan.tls is not None
        return finding.found.judge(result, target.settings, _tls_seen(record), asked=asked)

    async def _record(
        self,
        target: Target,
        host: MxHost,
        address: str,
        lease: HeldSlot,
        *,
        fresh: bool,
        transcript: bool,
        ends: float | None,
    ) -> SessionRecord:
        """What a session with `address` showed: one of its own, or one that others share."""
        settings = target.settings
        source = settings.source_ipv6 if ":" in address else settings.source_ipv4
        plan = self._plan(target, host)
        # A host of its own has the name of a domain's MX where it is one; the port is part of the manners, too.
        name = f"{host.name if target.kind is TargetKind.DOMAIN else target.host}:{settings.port}"
        approach = SessionRequest(address, name, settings, source, plan, lease, transcript, ends)

        # Who grants a host more time must not be told of the silence that another's short timeout ended.
        # And what is for one host alone goes to it alone: several may have one address, and one name in their plans.
        own = "" if plan.credentials is None and plan.canary is None else name
        key = (address, settings.port, source, plan, settings.timeout, own)
        said = (settings.port, source, plan, own)

        async def begin() -> SessionRecord:
            try:
                record = await self._as_senders_do(approach)
            except CostPauseError:
                return self._told_again(address, said)
            self._costs.settle(address, said, record.cost, record)
            return record

        if self._costs.pause(address) > 0:
            return self._told_again(address, said)
        if fresh or not self._limits.share_addresses:
            return await begin()
        return await self._shared.get(key, settings.interval, begin, lease.paused)

    def _told_again(self, address: str, key: Hashable) -> SessionRecord:
        """What was seen before of an address that is left alone for what it costs; whoever asks, in whatever way."""
        seen = self._costs.seen(address, key)
        if seen is None:
            raise CostPauseError(self._costs.pause(address))
        return seen

    async def _as_senders_do(self, approach: SessionRequest) -> SessionRecord:
        """A session; where its TLS comes to nothing and is not required, a second one without."""
        first = await self._session(approach)
        plan = plan_in_the_clear(first)
        record = first if plan is None else await self._in_the_clear(approach, first, plan)
        ask = question(first)
        return record if ask is None else await self._with_cause(approach, record, ask)

    async def _in_the_clear(self, approach: SessionRequest, first: SessionRecord, plan: Plan) -> SessionRecord:
        second = await self._further(approach, first, plan)
        if second is None:
            return untried(first, f"the timeout of {approach.settings.timeout:g} s left no time for such a session")
        if isinstance(second, NoTurnError):
            return untried(first, "our own limits left no turn in time for such a session")
        return joined(first, second)

    async def _with_cause(self, approach: SessionRequest, record: SessionRecord, ask: Plan) -> SessionRecord:
        """`record` with the cause of a handshake whose offer was refused, as far as that is known or can be asked."""
        key = (approach.address, approach.settings.port, ask.tls)
        until, known = self._finite_field.get(key, (0.0, False))
        if until < time.monotonic():
            answer = await self._further(approach, record, ask)
            told = takes_finite_field(answer) if isinstance(answer, SessionRecord) else None
            if isinstance(answer, SessionRecord):
                record = replace(record, cost=record.cost + answer.cost)
            if told is None:
                return record
            known = told
            self._finite_field[key] = (time.monotonic() + _CAUSE_SECONDS, known)
        return named(record, FINITE_FIELD_ALONE) if known else record

    async def _further(
        self, approach: SessionRequest, record: SessionRecord, plan: Plan
    ) -> SessionRecord | NoTurnError | None:
        """A session after that of `record`, in what is left of the timeout; None where that is too little."""
        left = approach.settings.timeout - record.took - _FAREWELL_SECONDS
        if left < _LEAST_SECOND:
            return None
        async with approach.lease.paused():
            await asyncio.sleep(_FAREWELL_SECONDS)
        try:
            return await self._session(replace(approach, plan=plan, settings=replace(approach.settings, timeout=left)))
        except NoTurnError as error:
            return error

    async def _session(self, approach: SessionRequest) -> SessionRecord:
        """One session, when it is its turn."""
        turnstile, address, name = self._turnstile, approach.address, approach.name
        way = turnstile.enter_nowait(address, name)
        try:
            if way is None:
                # Waiting for a turn is not being under way: others may go on meanwhile.
                async with approach.lease.paused():
                    way = await _in_time(turnstile.enter(address, name), approach.ends)
            # It may have been dear to those before us in the queue.
            if (pause := self._costs.pause(address)) > 0:
                raise CostPauseError(pause)
            settings = approach.settings
            if approach.ends is not None:
                left = max(_LEAST_SECOND, approach.ends - time.perf_counter())
                approach = replace(approach, settings=replace(settings, timeout=min(settings.timeout, left)))
            return await self._witnessed(approach, way)
        finally:
            if way is not None:
                way.leave()

    async def _witnessed(self, approach: SessionRequest, turn: SessionPermit) -> SessionRecord:
        """A session; where it draws no word or a prohibition, what other ports of the address do meanwhile."""
        loop = asyncio.get_running_loop()
        address, settings, source, plan = approach.address, approach.settings, approach.source, approach.plan
        transcript, limit = approach.transcript, self._costs.limit
        message = b""
        if State.DATA in plan.steps:
            message = canary_message(settings.module.data, plan, time.time(), own_address(address, source))
        if not self._witnesses.ports:
            alone = Session(loop, plan, transcript=transcript, message=message, turn=turn, limit=limit)
            return await alone.converse(address, settings.port, settings.timeout, source)
        ends = time.perf_counter() + settings.timeout
        asking: list[asyncio.Task[tuple[Witness, ...]]] = []

        def ask() -> None:
            seconds = min(WITNESS_SECONDS, max(0.0, ends - time.perf_counter()))
            asked = self._witnesses.ask(address, settings.port, source, interval=settings.interval, seconds=seconds)
            asking.append(loop.create_task(asked))

        session = Session(loop, plan, transcript=transcript, message=message, on_silence=ask, turn=turn, limit=limit)
        try:
            record = await session.converse(address, settings.port, settings.timeout, source)
            if outcome_of_record(record) not in _WITNESSED:
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
        settings = target.settings
        if is_same_for_all(settings.module):
            key = id(settings.module), settings.helo
            kept = self._plans.get(key)
            if kept is None:
                kept = settings.module, plan_of(settings, self._helo, domain="", server_name="")
                self._plans[key] = kept
            return kept[1]
        if target.kind is TargetKind.DOMAIN:
            return plan_of(target.settings, self._helo, domain=target.host, server_name=host.name, from_mx=True)
        return plan_of(target.settings, self._helo, domain=mail_domain(target.host), server_name=target.host)


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """How a session goes to an address: of which MX name, with what to say, and until when it must have a turn."""

    address: str
    name: str
    settings: Settings
    source: str
    plan: Plan
    lease: HeldSlot
    transcript: bool
    ends: float | None  # time.perf_counter()


class NoTurnError(Exception):
    """Our own limits left no turn in the time given; its text says which."""


class CostPauseError(NoTurnError):
    """The address is left alone for what it costs, and nothing was seen of it before that answers the question."""

    def __init__(self, pause: float) -> None:
        """`pause` is how many seconds of it are left."""
        super().__init__(
            "its last session took far more of this exporter's CPU than others do;"
            f" it is left alone for another {pause:.0f} s"
        )


def _tls_seen(record: SessionRecord) -> TlsSeen | None:
    if record.tls is None:
        return None
    return TlsSeen(record.tls.chain, record.tls.trust.faults, record.tls.trust.common_name)


def _weight(record: SessionRecord) -> int:
    """The bytes of a record that strangers have filled."""
    lines = sum(len(line) for _, reply in record.replies for line in reply.lines)
    chain = sum(map(len, record.tls.chain)) if record.tls is not None else 0
    return lines + chain + sum(len(line.data) for line in record.transcript)


async def _in_time(entering: Coroutine[Any, Any, SessionPermit], ends: float | None) -> SessionPermit:
    try:
        async with asyncio.timeout(None if ends is None else max(0.0, ends - time.perf_counter())):
            return await entering
    except TimeoutError:
        raise NoTurnError(_OTHERS_FIRST) from None


@dataclass(slots=True)
class _ChosenAddresses:
    """Which addresses are to be probed, and the results that are settled without a connection."""

    to_probe: list[tuple[MxHost, str]] = field(default_factory=list)
    settled: list[HostResult] = field(default_factory=list)


def _is_another(greeted: MxHost, address: str) -> bool:
    if greeted.failure is not None:
        return greeted.failure.verdict is not Verdict.LOCAL
    return address not in greeted.addresses


def _choose(hosts: Sequence[MxHost], settings: Settings) -> _ChosenAddresses:
    """The first `max_addresses` in order of preference; a forbidden address is never among them.

    As many again, of those that are not probed, have a result of their own: what stands in the DNS is a stranger's, and
    each result has its series, its place on the page and its part in the judgement. The others are counted.
    """
    choice, limit = _ChosenAddresses(), settings.max_addresses
    for host in hosts:
        if host.failure is not None and len(choice.settled) < limit:
            choice.settled.append(_without_session(host, "", host.failure))
        for address in host.addresses:
            if len(choice.to_probe) >= limit and len(choice.settled) >= limit:
                return choice
            reason = forbidden(address, settings.allow_addresses)
            if reason is None and not _is_made_up(host, address):
                if len(choice.to_probe) < limit:
                    choice.to_probe.append((host, address))
            elif len(choice.settled) < limit:
                failure = host.filtered or forbidden_address(host.name, address, reason or "")
                choice.settled.append(_without_session(host, address, failure))
    return choice


def _no_turn(host: MxHost, address: str, why: NoTurnError) -> HostResult:
    failure = Failure(Stage.CONNECT, FailureClass.NO_TURN, str(why))
    warnings = (HostWarning.COSTLY,) if isinstance(why, CostPauseError) else ()
    outcome = HostOutcome(failure, failure, warnings)
    return HostResult(_identity(host, address), outcome, timings=HostTimings(at=time.time()))


def _without_session(host: MxHost, address: str, failure: Failure) -> HostResult:
    return HostResult(_identity(host, address), HostOutcome(failure, failure))


def _identity(host: MxHost, address: str) -> HostIdentity:
    return HostIdentity(host.name, address, host.preference)


def _is_made_up(host: MxHost, address: str) -> bool:
    """Whether the resolver has put the address there, as far as that is known."""
    if host.filtered is None or host.filtered.confidence is Confidence.UNCERTAIN:
        return False
    # Special, and allowed: whoever has allowed it wants it probed.
    return forbidden(address, ()) is None


def _place(result: HostResult) -> tuple[int, int, int, str]:
    """Sort order of results: preference, then address (those without one last)."""
    if not result.address:
        return (result.identity.preference or 0, 9, 0, result.mx)
    address = ip_address(result.address)
    return (result.identity.preference or 0, address.version, int(address), result.mx)


def _warned(result: HostResult, warning: HostWarning) -> HostResult:
    return result if not result.up else replace(result, outcome=_with_warning(result.outcome, warning))


def _with_warning(outcome: HostOutcome, warning: HostWarning) -> HostOutcome:
    return replace(outcome, warnings=(*outcome.warnings, warning))
