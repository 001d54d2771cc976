"""Failed connects, traces and egress states for the tests of the decision."""

from __future__ import annotations

import errno
from dataclasses import replace

from exporter.diagnosis.connect_errors import judge_connect
from exporter.model.address import Family
from exporter.model.egress import EgressByFamily, EgressState, EgressView
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, ErrorOrigin, Evidence, IcmpError, Witness
from exporter.model.failure import Confidence, FailureClass
from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.result import HostResult
from tests.paths import GONE_443, OPEN_443, ROUTERS, TARGET, path
from tests.results import host_of

C, S, W, K = FailureClass, EgressState, ConnectOutcome, HopKind
CERTAIN, LIKELY, UNCERTAIN = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNCERTAIN

SILENCE = ConnectEvidence(TARGET, None, elapsed=3.0)
UNSENT = replace(SILENCE, unsent=True)
BRIEF = replace(SILENCE, elapsed=0.9)
RST = ConnectEvidence(TARGET, errno.ECONNREFUSED)
PROHIBITED = ConnectEvidence(
    TARGET, errno.EHOSTUNREACH, IcmpError(ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, ROUTERS[1]), elapsed=0.01
)
OWN_REJECT = replace(
    PROHIBITED, icmp=IcmpError(ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, "10.0.0.5"), own_sender=True
)
UNREACHABLE = replace(PROHIBITED, icmp=IcmpError(ErrorOrigin.ICMP, 3, 1, errno.EHOSTUNREACH, ROUTERS[1]))
NO_ROUTE = ConnectEvidence(TARGET, errno.ENETUNREACH)

ANSWERS = (Witness(443, W.ANSWERED),)
REFUSES = (Witness(443, W.NO_ANSWER), Witness(587, W.RESET))
QUIET = (Witness(443, W.NO_ANSWER), Witness(587, W.NO_ANSWER))
REJECTED = (Witness(443, W.PROHIBITED),)

DROPPED = frozenset({W.NO_ANSWER, W.PROHIBITED})
OPEN = EgressView(S.OPEN, CERTAIN)
BLOCKED = EgressView(S.BLOCKED, CERTAIN, DROPPED, 7, 3, "port 443 of 192.0.2.9")
RESET_OUT = EgressView(S.BLOCKED, LIKELY, frozenset({W.RESET}), 4, 0, "the nameserver 192.0.2.53")
OFFLINE = EgressView(S.OFFLINE, LIKELY, DROPPED, 5)
UNKNOWN = EgressView()

LOST_AT_1 = path(K.TIME_EXCEEDED, K.SILENT, K.SILENT, against=OPEN_443)
LOST_AT_3 = path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.SILENT, against=GONE_443)
LOST_AT_1_OF_3 = path(K.TIME_EXCEEDED, K.SILENT, K.SILENT, against=path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.REACHED))
NO_HOP = path(K.SILENT, K.SILENT, against=OPEN_443)
FORGED = path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.REFUSED, against=OPEN_443)
FORGED_AT_ONCE = path(K.REFUSED, against=OPEN_443)
RESET_WITHIN = replace(FORGED_AT_ONCE, reset_within=True)
GENUINE = path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.TIME_EXCEEDED, K.REFUSED, against=OPEN_443)
SAYS_PROHIBITED = path(K.TIME_EXCEEDED, K.TIME_EXCEEDED, (K.PROHIBITED, ROUTERS[1]))
SAYS_UNREACHABLE = path(K.TIME_EXCEEDED, (K.UNREACHABLE, ROUTERS[1]))


def someone(_: HostResult) -> float:
    """Somebody unrelated has answered just now."""
    return 10.0


def someone_before(_: HostResult) -> float:
    """Somebody unrelated answered before the session, and nobody since."""
    return -10.0


def around(view: EgressView) -> EgressByFamily:
    return {Family.IPV4: view, Family.IPV6: EgressView()}


def host(
    connect: ConnectEvidence | None,
    witnesses: tuple[Witness, ...] = (),
    found: PathTrace | None = None,
    fingerprints: tuple[str, ...] = (),
) -> HostResult:
    evidence = Evidence(25, connect, witnesses, found, fingerprints)
    failure = None if connect is None else judge_connect(connect)
    return host_of("mx.a.example", TARGET, failure=failure, own_failure=failure, evidence=evidence)
