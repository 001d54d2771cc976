"""The egress state of one address family, judged from the outcomes of sessions with unrelated networks. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from typing import Final

from exporter.diagnosis.common_cause import CommonFailure, SourceOutcomes
from exporter.diagnosis.egress_observation import OUTCOMES, EgressObservation, FailureKind
from exporter.diagnosis.failing_sources import OWNERS_NEEDED, SourceOutcome
from exporter.diagnosis.fingerprints import SharedFingerprints, Suspect
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence

# Networks on which no other port answers either, before that counts as a failure of this host.
_SILENT_NEEDED: Final = 3
# Forgotten addresses without a witness that are kept before all are looked through.
_SPARE: Final = 1000
_NOT_OPEN: Final = frozenset({EgressState.BLOCKED, EgressState.INTERCEPTED, EgressState.OFFLINE})
_CLOSED: Final = frozenset({EgressState.BLOCKED, EgressState.OFFLINE})


class InspectionResult(Enum):
    """Results of the interception check of a suspect."""

    PROVEN = "proven"  # an answer comes from a place before the host
    FOREIGN = "foreign"  # the hosts have another fingerprint on other ports
    OWN = "own"  # the fingerprint is the hosts' own
    OPEN = "open"  # no evidence either way


class FamilyEgressJudge:
    """The outcomes of one address family, and the view that they give."""

    def __init__(self, port: int) -> None:
        self._unknown = EgressView(port=port)
        self.view = self._unknown
        self._latest = self._unknown  # as of the last judgement: equal to the view but for what decides nothing
        self.suspect: Suspect | None = None
        self.findings: dict[str, tuple[float, InspectionResult]] = {}  # by fingerprint
        self.fingerprints = SharedFingerprints()
        # An attempt without a route does not speak about packets that left.
        self.outcomes = SourceOutcomes(inconclusive={FailureKind.NO_ROUTE})
        self._without_witness: set[str] = set()  # addresses on which no other port answered
        # Another port, or the like, that got out, with the time until which that counts.
        self._other_egress: tuple[float, str] | None = None
        self._success_unix = 0.0  # Unix time of the last success
        self._success_before_closing = -math.inf
        self.waits = False  # for the references, without which no common failure is called ours

    def record(self, observation: EgressObservation) -> bool:
        """Record a session; True for the first failure after a success, at an address that succeeded."""
        address = observation.address
        before = self.outcomes.newest(address)
        if observation.is_inconclusive:
            return False
        # A greeting proves the egress open at the moment when the connect was answered.
        began, kind, mx = observation.began, observation.failure_kind, observation.mx
        # The owner is looked up in the Public Suffix List: not at each session of 100,000 hosts.
        owner = before.owner if before is not None and before.name == mx else observation.owner
        is_reference = bool(observation.reference)
        outcome = SourceOutcome(owner, began, observation.recorded_at, kind, is_reference, name=mx)
        if self.outcomes.record(address, outcome) is None:
            return False
        self._without_witness.discard(address)
        if kind is None:
            self._success_unix = max(self._success_unix, observation.began_unix)
            return False
        if observation.evidence.witnesses and not observation.witness:
            self._without_witness.add(address)
        return before is not None and before.failure_kind is None and began > self.outcomes.last_success

    def record_other_egress(self, until: float, subject: str) -> None:
        """`subject`, another port or the like, got out; this counts until then."""
        if self._other_egress is None or until >= self._other_egress[0]:
            self._other_egress = (until, subject)

    def forget_before(self, seen: float, now: float) -> None:
        """Forget outcomes recorded before `seen`, and other egress that no longer counts."""
        self.outcomes.forget_before(seen)
        if len(self._without_witness) > 2 * len(self.outcomes) + _SPARE:
            self._without_witness = {address for address in self._without_witness if address in self.outcomes}
        if self._other_egress is not None and self._other_egress[0] < now:
            self._other_egress = None

    def judge(self, references: Iterable[str], unix: float, *, ready: bool, repeats: bool) -> bool:
        """Judge anew; True where the view has changed. See EgressJudge.judge."""
        view = self._latest = self._judged(references, ready=ready)
        if _decisive(view) == _decisive(self.view):
            return False
        if view.state in _CLOSED:
            self._success_before_closing = self.outcomes.last_success
        elif not repeats:
            pass
        elif self.view.state in _NOT_OPEN and view.state not in _NOT_OPEN:
            # The connect that shows the opening may have begun before it, for a SYN is repeated; one that began after
            # that connect may have failed before the opening.
            view = replace(view, before=replace(self.view, before=None), opened=unix)
        elif self.view.before is not None and view.state is EgressState.OPEN:
            view = replace(view, before=self.view.before, opened=unix)
        self.view = replace(view, since=unix if view.state is not self.view.state else self.view.since)
        return True

    @property
    def current(self) -> EgressView:
        """The view with the evidence of now; from any thread. Hosts are judged by that of the turn, so as to agree."""
        view, latest = self.view, self._latest
        if _decisive(latest) != _decisive(view):
            latest = view
        return replace(
            view,
            networks=latest.networks,
            references=latest.references,
            passing_traffic=latest.passing_traffic,
            heard=len(self.outcomes),
            last_success=self._success_unix,
        )

    def set_clock(self, seconds: float) -> None:
        """See EgressJudge.set_clock."""
        since = self.view.since
        # Set ahead, a session begun before is older than the opening without any correction.
        back = min(0.0, seconds)
        self._success_unix += back
        self.view = replace(self.view, opened=self.view.opened + back, since=since + seconds if since else since)

    def confirm_reset(self, address: str, offset: float) -> None:
        """See EgressJudge.confirm_reset."""
        outcome = self.outcomes.newest(address)
        if outcome is not None and outcome.failure_kind == FailureKind.RESET:
            self.outcomes.record(address, outcome._replace(failure_kind=None))
            self._success_unix = max(self._success_unix, outcome.began + offset)

    def _judged(self, references: Iterable[str], *, ready: bool) -> EgressView:
        common = self.outcomes.common_failure()
        self.waits = common is not None and not ready
        if common is not None and ready and (view := self._closed(common)) is not None:
            return view
        # A success of before the egress closed does not show that it has opened.
        if self.outcomes.any_succeeds and self.outcomes.last_success > self._success_before_closing:
            return self._answered()
        kind, failing = self.outcomes.only_kind, self.outcomes.failed_since_success
        if kind == FailureKind.NO_ROUTE:
            # A single address without a route may be kept out on purpose.
            confidence = Confidence.CERTAIN if failing >= OWNERS_NEEDED else Confidence.LIKELY
            return replace(
                self._unknown,
                state=EgressState.OFFLINE,
                confidence=confidence,
                outcomes=OUTCOMES[kind],
                networks=failing,
                references=sum(reference in self.outcomes for reference in references),
            )
        # Fewer outcomes are left than it took, and all of them fail as before: no reason to judge otherwise.
        if self.view.state in _CLOSED and kind is not None and self.view.outcomes == OUTCOMES[kind]:
            networks, known = self.outcomes.failing_so(kind)
            return replace(self.view, networks=networks, references=known, passing_traffic=self._passing_traffic)
        return self._unknown

    def _closed(self, common: CommonFailure) -> EgressView | None:
        """The view of a common failure; None where a block and being offline look alike."""
        kind = common.kind
        confidence = Confidence.CERTAIN if common.is_certain else Confidence.LIKELY
        view = replace(
            self._unknown,
            confidence=confidence,
            outcomes=OUTCOMES[kind],
            networks=common.owners,
            references=common.references,
        )
        if kind == FailureKind.NO_ROUTE:
            return replace(view, state=EgressState.OFFLINE, confidence=Confidence.CERTAIN)
        other = self._passing_traffic
        if other or kind == FailureKind.WORDLESS:
            return replace(view, state=EgressState.BLOCKED, passing_traffic=other)
        if kind == FailureKind.RESET and self.outcomes.last_success > -math.inf:
            # RSTs come back, so this host is not offline; and hosts that answered before did not all close at once.
            return replace(view, state=EgressState.BLOCKED, confidence=Confidence.LIKELY)
        if kind == FailureKind.DROPPED and len(self._without_witness) >= _SILENT_NEEDED:
            return replace(view, state=EgressState.OFFLINE)
        return None

    @property
    def _passing_traffic(self) -> str:
        return self._other_egress[1] if self._other_egress is not None else ""

    def _answered(self) -> EgressView:
        """The view while connects are answered: open or intercepted."""
        suspect = self.suspect
        if suspect is not None:
            finding = self.findings.get(suspect.mark, (0.0, None))[1]
            proven = finding in (InspectionResult.PROVEN, InspectionResult.FOREIGN)
            if proven or (finding is InspectionResult.OPEN and suspect.everywhere and not suspect.needs_proof):
                sure = suspect.references > 0 or finding is InspectionResult.PROVEN or (proven and suspect.may_be_own)
                return replace(
                    self._unknown,
                    state=EgressState.INTERCEPTED,
                    confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
                    networks=len(suspect.addresses),
                    references=suspect.references,
                    common_fingerprint=suspect.mark,
                )
        return replace(self._unknown, state=EgressState.OPEN, confidence=Confidence.CERTAIN)


def _decisive(view: EgressView) -> tuple[object, ...]:
    """The parts of a view that change the diagnosis of hosts."""
    return view.state, view.confidence, view.outcomes, view.common_fingerprint
