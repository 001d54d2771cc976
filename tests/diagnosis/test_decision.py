"""The table of the decision, row by row: evidence -> class, confidence, last hop."""

from __future__ import annotations

import errno

import pytest

from exporter.diagnosis.diagnose import diagnose, no_success_by_others
from exporter.model.egress import EgressView
from exporter.model.evidence import ConnectEvidence, Witness
from exporter.model.failure import Confidence, FailureClass, Stage
from exporter.model.path_trace import PathTrace
from tests.diagnosis.failed_connects import (
    ANSWERS,
    BLOCKED,
    BRIEF,
    CERTAIN,
    FORGED,
    FORGED_AT_ONCE,
    GENUINE,
    LIKELY,
    LOST_AT_1,
    LOST_AT_1_OF_3,
    LOST_AT_3,
    NO_HOP,
    NO_ROUTE,
    OFFLINE,
    OPEN,
    OWN_REJECT,
    PROHIBITED,
    QUIET,
    REFUSES,
    REJECTED,
    RESET_OUT,
    RESET_WITHIN,
    RST,
    SAYS_PROHIBITED,
    SAYS_UNREACHABLE,
    SILENCE,
    UNCERTAIN,
    UNKNOWN,
    UNREACHABLE,
    UNSENT,
    C,
    around,
    host,
    someone,
)
from tests.paths import ROUTERS, TARGET


@pytest.mark.parametrize(
    ("connect", "witnesses", "found", "egress", "failure_class", "confidence", "hop"),
    [
        # This host itself, whatever else is so.
        (UNSENT, ANSWERS, None, UNKNOWN, C.LOCAL_FIREWALL, CERTAIN, ""),
        (UNSENT, QUIET, LOST_AT_1, BLOCKED, C.LOCAL_FIREWALL, CERTAIN, ROUTERS[0]),
        (BRIEF, ANSWERS, NO_HOP, UNKNOWN, C.LOCAL_FIREWALL, LIKELY, ""),
        (OWN_REJECT, (), None, UNKNOWN, C.LOCAL_FIREWALL, CERTAIN, ""),
        (OWN_REJECT, (), None, BLOCKED, C.LOCAL_FIREWALL, CERTAIN, ""),
        (RST, (), RESET_WITHIN, OPEN, C.LOCAL_FIREWALL, CERTAIN, ""),
        (RST, (), RESET_WITHIN, RESET_OUT, C.LOCAL_FIREWALL, CERTAIN, ""),
        (ConnectEvidence(TARGET, errno.EPERM), (), None, BLOCKED, C.LOCAL_FIREWALL, CERTAIN, ""),
        # A SYN that left refutes the trace: the filter stands right behind this host.
        (SILENCE, ANSWERS, NO_HOP, UNKNOWN, C.PORT_FILTERED, LIKELY, ""),
        # The egress.
        (SILENCE, ANSWERS, None, BLOCKED, C.EGRESS_BLOCKED, CERTAIN, ""),
        (SILENCE, QUIET, LOST_AT_1, BLOCKED, C.EGRESS_BLOCKED, CERTAIN, ROUTERS[0]),
        (PROHIBITED, ANSWERS, None, BLOCKED, C.EGRESS_BLOCKED, CERTAIN, ROUTERS[1]),
        (RST, (), None, BLOCKED, C.CONNECT_REFUSED, LIKELY, ""),
        (RST, (), FORGED, RESET_OUT, C.EGRESS_BLOCKED, LIKELY, ROUTERS[1]),
        (SILENCE, ANSWERS, None, RESET_OUT, C.PORT_FILTERED, LIKELY, ""),
        (SILENCE, QUIET, None, OFFLINE, C.OFFLINE, LIKELY, ""),
        (PROHIBITED, REJECTED, None, OFFLINE, C.CONNECT_PROHIBITED, CERTAIN, ROUTERS[1]),
        # A filter on the way to this host.
        (PROHIBITED, ANSWERS, None, OPEN, C.CONNECT_PROHIBITED, CERTAIN, ROUTERS[1]),
        (SILENCE, ANSWERS, SAYS_PROHIBITED, OPEN, C.CONNECT_PROHIBITED, CERTAIN, ROUTERS[1]),
        (RST, (), FORGED, OPEN, C.CONNECT_PROHIBITED, LIKELY, ROUTERS[1]),
        (RST, (), FORGED_AT_ONCE, OPEN, C.CONNECT_PROHIBITED, LIKELY, ROUTERS[0]),
        (SILENCE, ANSWERS, None, OPEN, C.PORT_FILTERED, LIKELY, ""),
        (SILENCE, ANSWERS, LOST_AT_1_OF_3, OPEN, C.PORT_FILTERED, CERTAIN, ROUTERS[0]),
        (SILENCE, REFUSES, LOST_AT_1, UNKNOWN, C.PORT_FILTERED, LIKELY, ROUTERS[0]),
        (SILENCE, QUIET, LOST_AT_1, OPEN, C.PORT_FILTERED, LIKELY, ROUTERS[0]),
        # Nothing speaks for a block.
        (RST, (), GENUINE, OPEN, C.CONNECT_REFUSED, CERTAIN, ""),
        (RST, (), None, UNKNOWN, C.CONNECT_REFUSED, LIKELY, ""),
        (SILENCE, QUIET, SAYS_UNREACHABLE, OPEN, C.CONNECT_UNREACHABLE, LIKELY, ROUTERS[1]),
        (SILENCE, QUIET, None, OPEN, C.CONNECT_TIMEOUT, LIKELY, ""),
        (SILENCE, QUIET, LOST_AT_3, OPEN, C.CONNECT_TIMEOUT, LIKELY, ROUTERS[2]),
        (SILENCE, REJECTED, None, UNKNOWN, C.CONNECT_TIMEOUT, UNCERTAIN, ""),
        (SILENCE, (), None, OPEN, C.CONNECT_TIMEOUT, UNCERTAIN, ""),
        (SILENCE, QUIET, None, UNKNOWN, C.CONNECT_TIMEOUT, UNCERTAIN, ""),
        (UNREACHABLE, (), None, OPEN, C.CONNECT_UNREACHABLE, LIKELY, ROUTERS[1]),
        (NO_ROUTE, (), None, OPEN, C.NO_ROUTE, CERTAIN, ""),
        (NO_ROUTE, (), None, OFFLINE, C.NO_ROUTE, CERTAIN, ""),
        (ConnectEvidence(TARGET, errno.EMFILE), (), None, BLOCKED, C.LOCAL_RESOURCE, CERTAIN, ""),
    ],
)
def test_a_row(
    connect: ConnectEvidence,
    witnesses: tuple[Witness, ...],
    found: PathTrace | None,
    egress: EgressView,
    failure_class: FailureClass,
    confidence: Confidence,
    hop: str,
) -> None:
    seen = diagnose(
        host(connect, witnesses, found), around(egress), someone if egress is OPEN else no_success_by_others
    )
    assert seen.failure is not None
    assert (seen.failure.failure_class, seen.failure.confidence, seen.outcome.last_hop) == (
        failure_class,
        confidence,
        hop,
    )
    assert seen.failure.stage is Stage.CONNECT
    assert seen.failure.detail
    assert "None" not in seen.failure.detail
