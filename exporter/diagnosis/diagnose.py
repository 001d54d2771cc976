"""The diagnosis of a host: its failure, as the state of the egress lets it be seen. Pure.

A diagnosis may be repeated at any time: nothing of an earlier one enters into the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from exporter.diagnosis.connect_errors import judge_connect, outcome_of_session
from exporter.diagnosis.decision import decide
from exporter.diagnosis.failed_connect import FailedConnect
from exporter.diagnosis.fingerprints import describe_mark, is_foreign, stage_of
from exporter.diagnosis.own_standing import with_standing
from exporter.model.address import family_of
from exporter.model.egress import EgressByFamily, EgressState, EgressView
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Failure, FailureClass
from exporter.model.result import HostResult
from exporter.model.standing import NO_STANDING, StandingView

_C = FailureClass
_INTERCEPTED: Final = EgressState.INTERCEPTED
_ANSWERED: Final = ConnectOutcome.ANSWERED
# Classes that name a cause common to all hosts: the egress.
EGRESS_CLASSES: Final = frozenset({_C.EGRESS_BLOCKED, _C.OFFLINE, _C.EGRESS_INTERCEPTED})
AGAIN: Final = "the egress has opened since: it is being probed again"

# The last success of a host unrelated to this one, in Unix time; -inf: none. See EgressJudge.success_by_others.
SuccessByOthers = Callable[[HostResult], float]


def no_success_by_others(host: HostResult) -> float:
    """No unrelated host is known to have answered."""
    return -math.inf


@dataclass(frozen=True, slots=True)
class OwnStanding:
    """Our standing for one session: `source` is the address that it was begun from, empty for the system's choice."""

    view: StandingView = NO_STANDING
    source: str = ""


_NOT_ASKED: Final = OwnStanding()


def diagnose(
    host: HostResult,
    around: EgressByFamily,
    success_by_others: SuccessByOthers = no_success_by_others,
    ours: OwnStanding = _NOT_ASKED,
) -> HostResult:
    """`host` with its failure under these egress states and our standing; the same object where nothing changes."""
    evidence = host.evidence
    if evidence is None:
        return host
    egress = around[family_of(host.address)]
    outcome = outcome_of_session(evidence)
    reopened = egress.before is not None and host.timings.at < egress.opened
    if egress.before is not None and reopened:
        egress = egress.before
    if outcome is _ANSWERED:
        own = with_standing(host.outcome.own_failure, host.address, ours.source, ours.view)
        if egress.state is not _INTERCEPTED and host.failure == own:
            return host
        failure, last_hop = _intercepted(host, evidence, egress) or own, ""
    else:
        attempt = _failed_connect(host, evidence, egress, outcome, success_by_others(host))
        failure, last_hop = decide(attempt), attempt.last_hop
    if reopened and failure is not None and failure.failure_class in EGRESS_CLASSES:
        failure = replace(failure, evidence=(*failure.evidence, AGAIN))
    if (failure, last_hop) == (host.failure, host.outcome.last_hop):
        return host
    return replace(host, outcome=replace(host.outcome, failure=failure, last_hop=last_hop))


def is_intercepted(view: EgressView) -> bool:
    """True while the egress is intercepted, or was for sessions begun before it opened."""
    return view.state is _INTERCEPTED or (view.before is not None and view.before.state is _INTERCEPTED)


def _failed_connect(
    host: HostResult, evidence: Evidence, egress: EgressView, outcome: ConnectOutcome, success_by_others: float
) -> FailedConnect:
    own = judge_connect(evidence.connect) if evidence.connect is not None else host.outcome.own_failure
    if own is None:
        raise ValueError(f"a session without a greeting that is up: {host.mx} {host.address}")
    return FailedConnect(
        evidence,
        egress,
        outcome,
        own,
        others_answered_since=success_by_others >= host.timings.at,
        others_ever_answered=success_by_others > -math.inf,
    )


def _intercepted(host: HostResult, evidence: Evidence, egress: EgressView) -> Failure | None:
    """The failure of a host in whose place the interceptor answers, by the fingerprint that both share."""
    mark = egress.common_fingerprint
    if egress.state is not _INTERCEPTED or mark not in evidence.fingerprints or not is_foreign(mark, host.mx):
        return None
    detail = (
        f"{describe_mark(mark)} answers in place of hosts on {egress.networks} unrelated networks:"
        " a transparent proxy or mail inspection of our own firewall or provider"
    )
    return Failure(stage_of(mark), _C.EGRESS_INTERCEPTED, detail, egress.confidence)
