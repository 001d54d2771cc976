"""The decision: what a session showed, and what is known around it -> class, verdict, confidence and last hop. Pure.

A table in order, the first row that holds decides. The finest statement that the evidence carries stands highest: this
host's own filter before the way out, the way out before a filter on the way, a filter before a dead host. Where no row
holds, what the attempt shows by itself (errno and ICMP, connect_errors) is all there is. It may be asked
again at any time: nothing of an earlier answer enters into the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from exporter.diagnosis.connect_errors import judge_connect, outcome_of_session
from exporter.diagnosis.domain_failure import domain_failure
from exporter.diagnosis.failed_connect import FailedConnect
from exporter.diagnosis.fingerprints import in_words, is_foreign, stage_of
from exporter.diagnosis.resolver_state import judge_lookup
from exporter.model.address import family_of
from exporter.model.egress import EgressByFamily, EgressState, EgressView
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Confidence, Failure, FailureClass
from exporter.model.path_trace import HopKind
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverView
from exporter.model.result import HostResult, ProbeResult

_C, _E = FailureClass, EgressState
_INTERCEPTED: Final = EgressState.INTERCEPTED
_ANSWERED: Final = ConnectOutcome.ANSWERED
# Classes that come from above: everything fails alike.
BY_SCOPE: Final = frozenset({_C.EGRESS_BLOCKED, _C.OFFLINE, _C.EGRESS_INTERCEPTED})
AGAIN: Final = "the way out has opened since: it is being probed again"


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """`failure_class` where `when` holds; `says` gives the sentence, `surely` how far the evidence carries."""

    failure_class: FailureClass
    when: Callable[[FailedConnect], bool]
    says: Callable[[FailedConnect], str]
    surely: Callable[[FailedConnect], Confidence]


def _certainly(case: FailedConnect) -> Confidence:
    return Confidence.CERTAIN


def _likely(case: FailedConnect) -> Confidence:
    return Confidence.LIKELY


def _uncertainly(case: FailedConnect) -> Confidence:
    return Confidence.UNCERTAIN


def _rejected(case: FailedConnect, kind: HopKind) -> bool:
    return case.rejecter is not None and case.rejecter.kind is kind


def _as_the_way_out(case: FailedConnect) -> Confidence:
    return case.egress.confidence


def _filtered_surely(case: FailedConnect) -> Confidence:
    """A filter at their end may be there for everybody: who is kept out is certain only of one that is on the way."""
    on_the_way = (
        case.others_answer and case.witness is not None and case.path is not None and case.path.stops_on_the_way
    )
    return Confidence.CERTAIN if on_the_way else case.at_most(Confidence.LIKELY)


def _refused_surely(case: FailedConnect) -> Confidence:
    return Confidence.CERTAIN if case.refuses_itself else Confidence.LIKELY


TABLE: Final = (
    # This host itself: the kernel drops each SYN; the trace has no first hop; EPERM, EACCES, an ICMP error of our own.
    DecisionRow(
        _C.LOCAL_FIREWALL,
        lambda case: case.unsent,
        lambda case: "this host's own packet filter drops the connection: no SYN leaves it",
        _certainly,
    ),
    DecisionRow(
        _C.LOCAL_FIREWALL, lambda case: case.silent and case.stays_within, FailedConnect.says_stays_within, _likely
    ),
    DecisionRow(
        _C.LOCAL_FIREWALL,
        lambda case: case.reset_within,
        lambda case: "this host's own packet filter resets the connection in the host's name: no SYN leaves it",
        _certainly,
    ),
    DecisionRow(_C.LOCAL_FIREWALL, lambda case: case.is_(_C.LOCAL_FIREWALL), lambda case: case.own.detail, _certainly),
    # The way out: everything fails in the same way at once.
    DecisionRow(
        _C.EGRESS_BLOCKED, lambda case: case.shares_fate(_E.BLOCKED), FailedConnect.says_blocked, _as_the_way_out
    ),
    DecisionRow(
        _C.OFFLINE,
        lambda case: case.silent and case.shares_fate(_E.OFFLINE),
        FailedConnect.says_offline,
        _as_the_way_out,
    ),
    # A filter on the way to this host: it says so, now or to the trace; it forges an RST; another port gets through.
    DecisionRow(
        _C.CONNECT_PROHIBITED, lambda case: case.is_(_C.CONNECT_PROHIBITED), lambda case: case.own.detail, _certainly
    ),
    DecisionRow(
        _C.CONNECT_PROHIBITED, lambda case: _rejected(case, HopKind.PROHIBITED), FailedConnect.says_rejected, _certainly
    ),
    DecisionRow(_C.CONNECT_PROHIBITED, lambda case: case.forged, FailedConnect.says_forged, _likely),
    DecisionRow(
        _C.PORT_FILTERED,
        lambda case: case.silent and (case.witness is not None or case.stops_earlier),
        FailedConnect.says_filtered,
        _filtered_surely,
    ),
    # Nothing speaks for a block.
    DecisionRow(
        _C.CONNECT_REFUSED, lambda case: case.is_(_C.CONNECT_REFUSED), lambda case: case.own.detail, _refused_surely
    ),
    DecisionRow(
        _C.CONNECT_UNREACHABLE, lambda case: _rejected(case, HopKind.UNREACHABLE), FailedConnect.says_rejected, _likely
    ),
    DecisionRow(
        _C.CONNECT_TIMEOUT,
        lambda case: case.silent and case.other_ports_silent and case.others_answer,
        lambda case: f"{case.says_silence()}, while other networks answer: the host or its network is gone",
        _likely,
    ),
    DecisionRow(
        _C.CONNECT_TIMEOUT,
        lambda case: case.silent,
        lambda case: f"{case.says_silence()}, and too little is known to tell a dead host from a block",
        _uncertainly,
    ),
)


# When somebody unrelated to a host was last known to answer, in Unix time; -inf: never. See EgressBook.proof_by_others.
ProofByOthers = Callable[[HostResult], float]


def unrelated_evidence(host: HostResult) -> float:
    """Nothing is known of anybody else."""
    return -math.inf


def diagnose(host: HostResult, around: EgressByFamily, proof: ProofByOthers = unrelated_evidence) -> HostResult:
    """`host` as it is to be seen in these surroundings; the same object where nothing changes."""
    evidence = host.evidence
    if evidence is None:
        return host
    egress = around[family_of(host.address)]
    way = outcome_of_session(evidence)
    again = egress.before is not None and host.timings.at < egress.opened
    if egress.before is not None and again:
        egress = egress.before
    if way is _ANSWERED and egress.state is not _INTERCEPTED and host.failure == host.outcome.own_failure:
        return host
    if way is _ANSWERED:
        failure, last_hop = _intercepted(host, evidence, egress) or host.outcome.own_failure, ""
    else:
        case = _case(host, evidence, egress, way, proof)
        failure, last_hop = _decide(case), case.last_hop
    if again and failure is not None and failure.failure_class in BY_SCOPE:
        failure = replace(failure, evidence=(*failure.evidence, AGAIN))
    if (failure, last_hop) == (host.failure, host.outcome.last_hop):
        return host
    return replace(host, outcome=replace(host.outcome, failure=failure, last_hop=last_hop))


def _case(
    host: HostResult, evidence: Evidence, egress: EgressView, way: ConnectOutcome, proof: ProofByOthers
) -> FailedConnect:
    own = judge_connect(evidence.connect) if evidence.connect is not None else host.outcome.own_failure
    if own is None:
        raise ValueError(f"a session without a word that is up: {host.mx} {host.address}")
    answered = proof(host)
    return FailedConnect(
        evidence, egress, way, own, others_answer=answered >= host.timings.at, others_known=answered > -math.inf
    )


def diagnose_all(
    result: ProbeResult,
    around: EgressByFamily,
    proof: ProofByOthers = unrelated_evidence,
    resolver: ResolverView = RESOLVER_UNKNOWN,
) -> ProbeResult:
    """`result` with every host as it is to be seen in these surroundings; the same object where nothing changes."""
    if result.failure is None and not _has_failing(result) and not any(map(is_intercepted, around.values())):
        return result
    hosts = tuple(
        diagnose(host, around, proof) if host.address else _diagnose_name(host, result, resolver)
        for host in result.hosts
    )
    failure = domain_failure(hosts, _lookup_failure(result, hosts, resolver), result.lookup)
    if all(now is before for now, before in zip(hosts, result.hosts, strict=True)) and failure == result.failure:
        return result
    return replace(result, hosts=hosts, failure=failure)


def _lookup_failure(result: ProbeResult, hosts: tuple[HostResult, ...], resolver: ResolverView) -> Failure | None:
    """What failed of the lookup, as it is to be seen now; of a lookup that found hosts, what is said of those."""
    lookup = result.lookup
    if lookup is None or lookup.failure is None:
        return None
    if not lookup.hosts:
        return judge_lookup(lookup.failure, lookup.cause, lookup.asked_at or result.at, resolver)
    ours = (host.failure for host in hosts if not host.address and host.failure is not None)
    return next((failure for failure in ours if failure.failure_class is _C.RESOLVER_FAILING), lookup.failure)


def _has_failing(result: ProbeResult) -> bool:
    return any(host.failure is not None for host in result.hosts)


def is_intercepted(view: EgressView) -> bool:
    """Whether somebody answers for everyone, or did for what was begun before the way opened."""
    return view.state is _INTERCEPTED or (view.before is not None and view.before.state is _INTERCEPTED)


def _diagnose_name(host: HostResult, result: ProbeResult, resolver: ResolverView) -> HostResult:
    """A host whose name gave no address."""
    own = host.outcome.own_failure
    if own is None:
        return host
    looked_up = (*(result.lookup.hosts if result.lookup is not None else ()), *result.named)
    asked = next((each for each in looked_up if each.name == host.mx), None)
    cause, asked_at = (asked.cause, asked.asked_at) if asked is not None else (None, None)
    failure = judge_lookup(own, cause, asked_at or result.at, resolver)
    return host if failure == host.failure else replace(host, outcome=replace(host.outcome, failure=failure))


def _decide(case: FailedConnect) -> Failure:
    for row in TABLE:
        if row.when(case):
            return Failure(case.own.stage, row.failure_class, row.says(case), row.surely(case))
    return case.own


def _intercepted(host: HostResult, evidence: Evidence, egress: EgressView) -> Failure | None:
    """What answered is not the host, if it bears the mark of who answers for everyone."""
    mark = egress.speaker
    if egress.state is not _E.INTERCEPTED or mark not in evidence.speaker or not is_foreign(mark, host.mx):
        return None
    detail = (
        f"{in_words(mark)} answers in place of hosts on {egress.networks} unrelated networks:"
        " a transparent proxy or mail inspection of our own firewall or provider"
    )
    return Failure(stage_of(mark), _C.EGRESS_INTERCEPTED, detail, egress.confidence)
