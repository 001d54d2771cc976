"""The decision: what a session showed, and what is known around it -> class, verdict, confidence and last hop. Pure.

A table in order, the first row that holds decides. The finest statement that the evidence carries stands highest: this
host's own filter before the way out, the way out before a filter on the way, a filter before a dead host. Where no row
holds, what the attempt shows by itself (errno and ICMP, exporter.diagnosis.connect) is all there is. It may be asked
again at any time: nothing of an earlier answer enters into the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from exporter.diagnosis.case import Case
from exporter.diagnosis.connect import judge_connect, way_of
from exporter.diagnosis.egress import EgressView, Surroundings
from exporter.diagnosis.networks import family_of
from exporter.diagnosis.speakers import in_words, is_foreign
from exporter.evidence import Evidence
from exporter.path import HopKind
from exporter.result import Confidence, EgressState, Failure, FailureClass, HostResult, ProbeResult, Stage

_C, _E = FailureClass, EgressState
_INTERCEPTED: Final = EgressState.INTERCEPTED


@dataclass(frozen=True, slots=True)
class Row:
    """`failure_class` where `when` holds; `says` gives the sentence, `surely` how far the evidence carries."""

    failure_class: FailureClass
    when: Callable[[Case], bool]
    says: Callable[[Case], str]
    surely: Callable[[Case], Confidence]


def _certainly(case: Case) -> Confidence:
    return Confidence.CERTAIN


def _likely(case: Case) -> Confidence:
    return Confidence.LIKELY


def _uncertainly(case: Case) -> Confidence:
    return Confidence.UNCERTAIN


def _rejected(case: Case, kind: HopKind) -> bool:
    return case.rejecter is not None and case.rejecter.kind is kind


def _as_the_way_out(case: Case) -> Confidence:
    return case.egress.confidence


def _surer_where_others_answer(case: Case) -> Confidence:
    return Confidence.CERTAIN if case.egress.state is _E.OPEN else Confidence.LIKELY


TABLE: Final = (
    # This host itself: the kernel drops each SYN; the trace has no first hop; EPERM, EACCES, an ICMP error of our own.
    Row(
        _C.LOCAL_FIREWALL,
        lambda case: case.silent and case.connect.unsent,
        lambda case: "this host's own packet filter drops the connection: no SYN leaves it",
        _certainly,
    ),
    Row(_C.LOCAL_FIREWALL, lambda case: case.silent and case.stays_within, Case.says_stays_within, _likely),
    Row(
        _C.LOCAL_FIREWALL,
        lambda case: case.reset_within,
        lambda case: "this host's own packet filter resets the connection in the host's name: no SYN leaves it",
        _certainly,
    ),
    Row(_C.LOCAL_FIREWALL, lambda case: case.is_(_C.LOCAL_FIREWALL), lambda case: case.own.detail, _certainly),
    # The way out: everything fails in the same way at once.
    Row(_C.EGRESS_BLOCKED, lambda case: case.shares_fate(_E.BLOCKED), Case.says_blocked, _as_the_way_out),
    Row(_C.OFFLINE, lambda case: case.silent and case.shares_fate(_E.OFFLINE), Case.says_offline, _as_the_way_out),
    # A filter on the way to this host: it says so, now or to the trace; it forges an RST; another port gets through.
    Row(_C.CONNECT_PROHIBITED, lambda case: case.is_(_C.CONNECT_PROHIBITED), lambda case: case.own.detail, _certainly),
    Row(_C.CONNECT_PROHIBITED, lambda case: _rejected(case, HopKind.PROHIBITED), Case.says_rejected, _certainly),
    Row(_C.CONNECT_PROHIBITED, lambda case: case.forged, Case.says_forged, _likely),
    Row(
        _C.PORT_FILTERED,
        lambda case: case.silent and case.witness is not None,
        Case.says_filtered,
        _surer_where_others_answer,
    ),
    Row(_C.PORT_FILTERED, lambda case: case.silent and case.stops_earlier, Case.says_filtered, _likely),
    # Nothing speaks for a block.
    Row(_C.CONNECT_UNREACHABLE, lambda case: _rejected(case, HopKind.UNREACHABLE), Case.says_rejected, _certainly),
    Row(
        _C.CONNECT_TIMEOUT,
        lambda case: case.silent and case.witnesses_silent and case.egress.state is _E.OPEN,
        lambda case: f"{case.says_silence()}, while other networks answer: the host or its network is gone",
        _likely,
    ),
    Row(
        _C.CONNECT_TIMEOUT,
        lambda case: case.silent,
        lambda case: f"{case.says_silence()}, and too little is known to tell a dead host from a block",
        _uncertainly,
    ),
)


def diagnose(host: HostResult, around: Surroundings) -> HostResult:
    """`host` as it is to be seen in these surroundings; the same object where nothing changes."""
    evidence = host.evidence
    if evidence is None:
        return host
    egress = around[family_of(host.address)]
    if evidence.connect is None and egress.state is not _INTERCEPTED and host.failure is host.own_failure:
        return host
    if evidence.connect is None:
        failure, last_hop = _intercepted(host, evidence, egress) or host.own_failure, ""
    else:
        own = judge_connect(evidence.connect)
        case = Case(evidence, evidence.connect, egress, way_of(evidence.connect), own)
        failure, last_hop = _decide(case), case.last_hop
    if (failure, last_hop) == (host.failure, host.last_hop):
        return host
    return replace(host, failure=failure, last_hop=last_hop)


def diagnose_all(result: ProbeResult, around: Surroundings) -> ProbeResult:
    """`result` with every host as it is to be seen in these surroundings; the same object where nothing changes."""
    hosts = tuple(diagnose(host, around) for host in result.hosts)
    if all(now is before for now, before in zip(hosts, result.hosts, strict=True)):
        return result
    lookup = result.lookup.failure if result.lookup is not None else None
    return replace(result, hosts=hosts, failure=domain_failure(hosts, lookup))


def domain_failure(hosts: tuple[HostResult, ...], lookup: Failure | None) -> Failure | None:
    """None if one host is up; else the reason of the most preferred that has an address; else of the lookup.

    An address that this host has no route to (IPv6 where there is none) says nothing about the domain, and speaks only
    where no other does.
    """
    if any(host.up for host in hosts):
        return None
    tried = [host.failure for host in hosts if host.address and host.failure is not None]
    speaking = next((failure for failure in tried if failure.failure_class is not _C.NO_ROUTE), None)
    if speaking is not None or tried:
        return speaking or tried[0]
    named = next((host.failure for host in hosts), None)
    return lookup or named or Failure(Stage.DNS, _C.DNS_NO_ADDRESS, "the lookup gave no host")


def _decide(case: Case) -> Failure:
    for row in TABLE:
        if row.when(case):
            return Failure(Stage.CONNECT, row.failure_class, row.says(case), row.surely(case))
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
    return Failure(Stage.BANNER, _C.EGRESS_INTERCEPTED, detail, egress.confidence)
