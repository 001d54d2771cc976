"""The conditions of the decision table, each about one failed connect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.diagnosis.connect_errors import judge_connect, outcome_of
from exporter.diagnosis.failed_connect import FailedConnect
from exporter.model.egress import EgressView
from exporter.model.evidence import ConnectEvidence, Evidence, Witness
from exporter.model.failure import Confidence
from exporter.model.path_trace import PathTrace
from tests.diagnosis.failed_connects import (
    ANSWERS,
    BLOCKED,
    BRIEF,
    FORGED,
    FORGED_AT_ONCE,
    GENUINE,
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
    UNREACHABLE,
    UNSENT,
)
from tests.paths import ROUTERS

OWN_ICMP = replace(PROHIBITED, icmp=PROHIBITED.icmp and replace(PROHIBITED.icmp, sender=PROHIBITED.address))


def failed(
    connect: ConnectEvidence,
    witnesses: tuple[Witness, ...] = (),
    path: PathTrace | None = None,
    egress: EgressView = OPEN,
    *,
    since: bool = True,
    ever: bool = True,
    port: int = 25,
) -> FailedConnect:
    evidence = Evidence(port, connect, witnesses, path)
    return FailedConnect(evidence, egress, outcome_of(connect), judge_connect(connect), since, ever)


@pytest.mark.parametrize(
    ("found", "true"),
    [
        (failed(UNSENT), {"kernel_drops_every_syn"}),
        (failed(BRIEF, path=NO_HOP), {"no_router_sees_the_port", "only_this_port_times_out"}),
        # The kernel knows of a SYN that it sent again.
        (failed(SILENCE, path=NO_HOP), {"only_this_port_times_out"}),
        (failed(replace(UNSENT, elapsed=0.9), path=LOST_AT_1), {"kernel_drops_every_syn", "only_this_port_times_out"}),
        (failed(RST, path=RESET_WITHIN), {"reset_by_this_host", "reset_is_forged", "refused"}),
        (failed(OWN_REJECT), {"forbidden_by_this_host"}),
        (failed(RST, egress=RESET_OUT), {"port_fails_everywhere", "refused"}),
        (failed(SILENCE, egress=BLOCKED), {"port_fails_everywhere"}),
        (failed(SILENCE, egress=BLOCKED, port=587), set()),  # the state is of another port
        (failed(RST, egress=BLOCKED), {"refused"}),  # all others are silent
        (failed(SILENCE, egress=OFFLINE), {"all_ports_time_out_everywhere"}),
        (failed(PROHIBITED, egress=OFFLINE), {"prohibited_by_icmp"}),
        (failed(PROHIBITED), {"prohibited_by_icmp"}),
        (failed(SILENCE, path=SAYS_PROHIBITED), {"prohibited_by_icmp_in_trace"}),
        (failed(SILENCE, path=SAYS_UNREACHABLE), {"unreachable_by_icmp_in_trace"}),
        (failed(RST, path=SAYS_PROHIBITED), {"refused"}),  # the trace is about a connect without an answer
        (failed(RST, path=FORGED), {"reset_is_forged", "refused"}),
        (failed(RST, path=GENUINE), {"refused"}),
        (failed(SILENCE, ANSWERS), {"only_this_port_times_out"}),
        (failed(SILENCE, REFUSES), {"only_this_port_times_out"}),
        (failed(SILENCE, REJECTED), set()),  # of the other port, a router speaks
        (failed(SILENCE, QUIET), {"only_this_host_times_out"}),
        (failed(SILENCE, QUIET, since=False), set()),
        (failed(SILENCE, path=LOST_AT_3), {"only_this_host_times_out"}),
        (failed(SILENCE), set()),
        (failed(UNREACHABLE), set()),
        (failed(NO_ROUTE, egress=OFFLINE), set()),
    ],
)
def test_the_conditions_that_hold(found: FailedConnect, true: set[str]) -> None:
    conditions = {
        "kernel_drops_every_syn",
        "no_router_sees_the_port",
        "reset_by_this_host",
        "forbidden_by_this_host",
        "port_fails_everywhere",
        "all_ports_time_out_everywhere",
        "prohibited_by_icmp",
        "prohibited_by_icmp_in_trace",
        "unreachable_by_icmp_in_trace",
        "reset_is_forged",
        "only_this_port_times_out",
        "refused",
        "only_this_host_times_out",
    }
    assert {name for name in conditions if getattr(found, name)()} == true


@pytest.mark.parametrize(
    ("found", "hop"),
    [
        (failed(PROHIBITED), ROUTERS[1]),
        (failed(OWN_REJECT), ""),
        (failed(UNREACHABLE), ROUTERS[1]),
        (failed(RST, path=FORGED), ROUTERS[1]),
        (failed(RST, path=FORGED_AT_ONCE), ROUTERS[0]),  # no router let the port pass: the other port's at its place
        (failed(RST, path=RESET_WITHIN), ""),
        (failed(RST, path=GENUINE), ""),
        (failed(SILENCE, path=LOST_AT_3), ROUTERS[2]),
        (failed(SILENCE, path=NO_HOP), ""),
        (failed(SILENCE), ""),
    ],
)
def test_the_last_hop(found: FailedConnect, hop: str) -> None:
    assert found.last_hop == hop


@pytest.mark.parametrize(
    ("found", "sure"),
    [
        (failed(SILENCE, ANSWERS, LOST_AT_1_OF_3), Confidence.CERTAIN),
        (failed(SILENCE, ANSWERS), Confidence.LIKELY),  # the filter may be the host's own
        (failed(SILENCE, QUIET, LOST_AT_1_OF_3), Confidence.LIKELY),
        (failed(SILENCE, ANSWERS, LOST_AT_1_OF_3, since=False), Confidence.UNCERTAIN),
        (failed(SILENCE, ANSWERS, LOST_AT_1_OF_3, since=False, ever=False), Confidence.LIKELY),
    ],
)
def test_the_confidence_in_a_filter(found: FailedConnect, sure: Confidence) -> None:
    assert found.as_sure_as_filter() is sure


@pytest.mark.parametrize(
    ("found", "sure"),
    [
        (failed(OWN_ICMP), Confidence.CERTAIN),
        (failed(PROHIBITED), Confidence.LIKELY),
        (failed(RST, path=GENUINE), Confidence.CERTAIN),
        (failed(RST, path=FORGED), Confidence.LIKELY),
        (failed(RST), Confidence.LIKELY),
    ],
)
def test_the_confidence_in_a_refusal(found: FailedConnect, sure: Confidence) -> None:
    assert found.as_sure_as_refusal() is sure


def test_the_confidence_of_the_egress_is_that_of_its_state() -> None:
    assert failed(RST, egress=RESET_OUT).as_sure_as_egress() is RESET_OUT.confidence
