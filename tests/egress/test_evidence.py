"""Evidence of sessions, as observations of the egress."""

from __future__ import annotations

from dataclasses import replace
from errno import ECONNRESET

import pytest

from exporter.egress.clocks import Now
from exporter.egress.evidence import is_own_reset, is_recent, observation_of
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence
from exporter.model.failure import Stage
from exporter.model.path_trace import HopKind
from exporter.model.result import HostResult
from tests.paths import path
from tests.results import changed, up_host

NOW = Now(loop=100.0, unix=2000.0)
ADDRESS = "192.0.2.1"
ANSWERED, SILENT, RESET = ConnectOutcome.ANSWERED, ConnectOutcome.NO_ANSWER, ConnectOutcome.RESET
TIMED_OUT = ConnectEvidence(ADDRESS, None, elapsed=30.0)


def session(seconds_ago: float, **phases: float) -> HostResult:
    taken = tuple((Stage(name), seconds) for name, seconds in phases.items())
    return changed(up_host(), at=NOW.unix - seconds_ago, phases=taken)


@pytest.mark.parametrize(
    ("host", "evidence", "recent"),
    [
        (session(60.0, connect=1.0), Evidence(25), True),
        (session(120.0, connect=1.0), Evidence(25), False),
        (session(120.0, connect=1.0, banner=40.0), Evidence(25), True),  # it ended 79 s ago
        (session(110.0), Evidence(25, TIMED_OUT), True),
        (session(130.0), Evidence(25, TIMED_OUT), False),
        (session(-500.0, connect=1.0), Evidence(25), True),  # the clock was set back
    ],
)
def test_a_session_counts_while_its_end_lies_within_the_window(
    host: HostResult, evidence: Evidence, recent: bool
) -> None:
    assert is_recent(host, evidence, NOW, 90.0) is recent


def test_an_answer_proves_the_egress_open_when_the_connect_was_answered() -> None:
    host = session(10.0, connect=3.0, banner=2.0)
    answered = observation_of(host, Evidence(25), ANSWERED, NOW, reference="", is_own_reset=False)
    silent = observation_of(host, Evidence(25, TIMED_OUT), SILENT, NOW, reference="ref.example", is_own_reset=False)
    assert (answered.began, answered.recorded_at, answered.began_unix) == (93.0, 100.0, 1990.0)
    assert (silent.began, silent.reference) == (90.0, "ref.example")


def test_a_reset_is_the_hosts_own_if_a_trace_reached_it() -> None:
    reset = Evidence(25, replace(TIMED_OUT, errno=ECONNRESET))
    reached = path(HopKind.TIME_EXCEEDED, HopKind.REFUSED)
    assert is_own_reset(ADDRESS, reset, RESET, None) is False
    assert is_own_reset(ADDRESS, reset, RESET, reached) is (reached.reached is not None)
    assert is_own_reset(ADDRESS, reset, SILENT, reached) is False
