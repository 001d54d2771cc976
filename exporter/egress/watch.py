"""The watch over the egress and the resolver: every host and every lookup is judged by their states.

A session adds to the evidence once, by :meth:`EgressWatch.observe`, however many hosts share it; then each of these is
judged by all that is known. When a state changes, the listener, which owns the results, has them judged again. Nothing
is probed again for that; but the references are, when the first host that answered does not, and hosts behind a closed
egress, when it has opened.

The parts: a session becomes an observation (evidence), observations become states (states), timeouts wait for the
answer of another host (unproven_timeouts), hosts that time out get a path (paths), and a fingerprint that unrelated
hosts share is checked on another port (interception_check).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from exporter.diagnosis.connect_errors import outcome_of_session
from exporter.diagnosis.diagnose import EGRESS_CLASSES, OwnStanding, diagnose
from exporter.diagnosis.egress_state import InspectionResult
from exporter.diagnosis.resolver_state import questions
from exporter.egress.clocks import Clocks, Now
from exporter.egress.evidence import is_own_reset, is_recent, observation_of
from exporter.egress.interception_check import InterceptionChecks
from exporter.egress.listener import EgressListener
from exporter.egress.paths import HostPaths
from exporter.egress.settings import WatchSettings
from exporter.egress.states import JudgedStates
from exporter.egress.traces import KEPT_SECONDS
from exporter.egress.unproven_timeouts import UnprovenTimeouts
from exporter.model.address import Family, family_of
from exporter.model.egress import EgressByFamily, EgressState, EgressStateChange
from exporter.model.evidence import ConnectOutcome
from exporter.model.failure import FailureClass
from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.resolver import ResolverState, ResolverView
from exporter.model.result import DomainResult, HostIdentity, HostResult, MxHost, MxLookup
from exporter.model.standing import NO_STANDING, StandingView

# A fingerprint is checked again after so long: a proxy may have come or gone.
_CHECKED_SECONDS: Final = 600.0
# The references are probed out of schedule at most so often: hosts that time out one after the other are no news.
_REFERENCES_SECONDS: Final = 5.0
_ANSWERED, _OPEN = ConnectOutcome.ANSWERED, EgressState.OPEN


class EgressWatch:
    """Takes evidence in, keeps the states that it shows, and judges by them. One event loop's."""

    def __init__(self, settings: WatchSettings, listener: EgressListener) -> None:
        self._settings = settings
        self._listener = listener
        self._clocks = Clocks()
        self._states = JudgedStates(settings)
        self._timeouts = UnprovenTimeouts(self._states, self._clocks, listener.evidence_found)
        self._paths = HostPaths(settings.egress, self._path_found)
        self._checks = InterceptionChecks(self._paths, self._interception_checked)
        self._references_wanted_at = -math.inf
        self.standing: StandingView = NO_STANDING  # set by whoever looks at it; hosts are to be judged again then
        # The moment, by the loop's clock, at which the egress or the resolver was last seen to have changed: results of
        # turns and sessions begun before are of another time.
        self.routes_changed_at = -math.inf

    @property
    def egress(self) -> EgressByFamily:
        """The state of the egress, by family."""
        return self._states.egress

    @property
    def resolver(self) -> ResolverView:
        """The state of the resolver."""
        return self._states.resolver

    @property
    def evidence(self) -> tuple[EgressByFamily, ResolverView]:
        """The states of the egress and of the resolver with the evidence of now; from any thread."""
        return self._states.evidence

    @property
    def changes(self) -> tuple[EgressStateChange, ...]:
        """The last changes of the egress, the oldest first."""
        return self._states.changes

    @property
    def references_up(self) -> Mapping[str, bool]:
        """The references that have a result."""
        return self._states.references_up

    def configure(self, settings: WatchSettings) -> None:
        """Follow other settings from now on; the evidence stays."""
        self._settings = settings
        self._paths.settings = settings.egress
        self._states.configure(settings)

    def observe(self, host: HostResult, reference: str = "") -> None:
        """Take in a session as evidence: once, by the host that led it. `reference`: the one it is with, if any."""
        now = self._clocks.now()
        self._follow_clock(now)
        if self._observe(host, now, reference):
            self._judge(now)

    def observe_lookup(
        self, lookup: MxLookup | None, named: tuple[MxHost, ...] = (), *, reference: bool = False
    ) -> None:
        """Take in the lookup of a turn as evidence, as far as the resolver was asked for it."""
        asked = tuple(questions(lookup, named, reference=reference))
        if not asked:
            return
        now = self._clocks.now()
        self._follow_clock(now)
        if self._states.observe_questions(asked, now):
            self._judge(now)

    def judge_host(self, host: HostResult, source: str = "", *, request: bool) -> HostResult:
        """A result of a host, judged by the states now; the same object where nothing changes.

        `request`: it is new, so a path that it lacks is traced, from the address `source`.
        """
        if host.failure is None and not self._states.is_intercepted:  # nothing could change it, as with nearly all
            self._timeouts.drop(host.identity)
            return host
        judged = diagnose(
            self._paths.with_path(host, source, request=request),
            self.egress,
            self._success_by_others,
            OwnStanding(self.standing, source),
        )
        self._timeouts.see(judged, self._settings.is_outside)
        return judged

    def reference_probed(self, name: str, *, up: bool) -> None:
        """A reference has a result: of all its hosts, or of a lookup that failed."""
        were_known = self._states.references_are_known
        self._states.reference_probed(name, up=up)
        if self._states.references_are_known and not were_known:
            self._judge(self._clocks.now())

    def is_outdated(self, host: HostResult) -> bool:
        """True if a session began before the egress opened, so that a new one is due."""
        failure = host.outcome.failure
        if failure is None:
            return False
        view = self.egress[family_of(host.address)]
        if view.before is None:
            return False
        return host.timings.at < view.opened and failure.failure_class in EGRESS_CLASSES

    def is_outdated_lookup(self, result: DomainResult) -> bool:
        """True if a lookup failed for want of the resolver, which has answered since, so that a new turn is due."""
        failure, resolver = result.failure, self.resolver
        if failure is None or failure.failure_class is not FailureClass.RESOLVER_FAILING or resolver.before is None:
            return False
        asked_at = result.lookup.asked_at if result.lookup is not None else None
        return (asked_at or result.at) < resolver.opened

    def wanted_paths(self, hosts: Iterable[HostResult]) -> list[tuple[str, int]]:
        """The addresses and ports that :meth:`trace_all` traces the path to."""
        return self._paths.wanted(hosts)

    async def trace_all(self, hosts: Iterable[HostResult], source: Callable[[str], str]) -> None:
        """Trace now the path of each host that wants one. `source`: the address to connect from to an address."""
        await self._paths.trace_all(hosts, source)

    def tick(self, answered: Mapping[str, float]) -> None:
        """Once a second: forget evidence that is too old, and check shared fingerprints.

        `answered`: when each nameserver answered last, by the loop's clock.
        """
        now = self._clocks.now()
        self._follow_clock(now)
        judge = self._states.egress_judge
        for nameserver, at in answered.items():
            if self._settings.is_outside(nameserver):
                judge.record_other_egress(family_of(nameserver), at, f"the nameserver {nameserver}")
        judge.forget_interception_checks(now.loop - _CHECKED_SECONDS)
        for family, suspect in judge.suspects(now.loop):
            self._checks.begin(family, suspect, self._settings)
        self._judge(now)

    async def finish_checks(self) -> None:
        """Wait for the interception checks under way, and judge anew."""
        await self._checks.finish()
        self._judge(self._clocks.now())

    async def close(self) -> None:
        """Cancel all tasks under way."""
        await self._checks.close()
        await self._paths.close()

    def _success_by_others(self, host: HostResult) -> float:
        return self._states.success_by_others(host, self._clocks.now())

    def _observe(self, host: HostResult, now: Now, reference: str) -> bool:
        """Take the evidence of a session in; whether the state of the egress may have changed by it."""
        evidence = host.evidence
        if evidence is None:
            return False
        outcome = outcome_of_session(evidence)
        if evidence.connect is None:
            self._paths.forget(host.address, evidence.port)
        judge = self._states.egress_judge
        if not is_recent(host, evidence, now, judge.window) or not self._settings.is_outside(host.address):
            return False
        path = self._paths.known(host.address, evidence.port) if outcome is ConnectOutcome.RESET else None
        reset_is_own = is_own_reset(host.address, evidence, outcome, path)
        if judge.record(observation_of(host, evidence, outcome, now, reference=reference, is_own_reset=reset_is_own)):
            self._want_references(now)
        if outcome is _ANSWERED or reset_is_own:
            self._timeouts.host_answered()
        # One more answer while the egress is open is no news; hosts that no longer answer are looked for at each tick.
        return outcome is not _ANSWERED or self.egress[family_of(host.address)].state is not _OPEN

    def _follow_clock(self, now: Now) -> None:
        if ahead := self._clocks.step(now):
            self._states.clock_set(ahead)

    def _want_references(self, now: Now) -> None:
        """A host that answered does not: whether it is alone with it, the references show."""
        if now.loop - self._references_wanted_at >= min(_REFERENCES_SECONDS, self._settings.interval / 2):
            self._references_wanted_at = now.loop
            self._listener.references_wanted()

    def _judge(self, now: Now) -> None:
        was = self.resolver
        if self._states.judge_resolver(now):
            if was.state is not ResolverState.UNKNOWN or was.before is not None:
                self.routes_changed_at = now.loop
            self._listener.resolver_changed(self.resolver)
        before = self.egress
        changed = self._states.judge_egress(now)
        if self._states.wants_references:
            self._want_references(now)
        if not changed:
            return
        if any(before[family].state is not EgressState.UNKNOWN for family in changed):
            self.routes_changed_at = now.loop
            # A filter that a path showed was the filter of before.
            self._paths.forget_all()
        self._listener.egress_changed(self.egress)

    def _path_found(self, address: str, path: PathTrace, identities: frozenset[HostIdentity]) -> None:
        now, other, judge = self._clocks.now(), path.against, self._states.egress_judge
        if path.reached is None and other is not None and self._settings.is_outside(address):
            # Witness ports are not asked where the port is reset, and time out on most mail hosts; the trace has
            # asked one all the same, and seen how far it gets.
            reached = other.reached is not None
            if reached or path.stops_at_a_router:
                what = f"port {other.port} {'of' if reached else 'towards'} {address}"
                judge.record_other_egress(family_of(address), now.loop, what, lasts=KEPT_SECONDS)
                self._judge(now)
        if path.reached is not None and path.answered is not None and path.answered.kind is HopKind.REFUSED:
            self._follow_clock(now)
            judge.confirm_reset(address, now.offset)
            self._timeouts.host_answered()
            self._judge(now)
        self._listener.evidence_found(identities)

    def _interception_checked(self, family: Family, mark: str, result: InspectionResult) -> None:
        self._states.egress_judge.record_check(family, mark, result, self._clocks.now().loop)
