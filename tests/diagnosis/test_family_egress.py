"""One family's egress, told directly what sessions drew; tests/diagnosis/test_egress_state.py has the whole story."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.diagnosis.egress_observation import EgressObservation
from exporter.diagnosis.family_egress import FamilyEgressJudge, InspectionResult
from exporter.diagnosis.fingerprints import Suspect
from exporter.model.egress import EgressState
from exporter.model.evidence import ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence

S, W = EgressState, ConnectOutcome
MARK = "name:proxy.isp.example"
SUSPECT = Suspect(MARK, (("60.1.0.1", "mx.domain60.example"), ("61.1.0.1", "mx.domain61.example")), everywhere=True)
ISSUER = replace(SUSPECT, mark="issuer:CN=Inspection")  # never on unrelated hosts by chance


def seen(
    network: int,
    outcome: ConnectOutcome,
    at: float = 1000.0,
    witness: ConnectOutcome | None = None,
    reference: str = "",
) -> EgressObservation:
    witnesses = () if witness is None else (Witness(443, witness),)
    evidence = Evidence(25, witnesses=witnesses)
    mx = f"mx.domain{network}.example"
    return EgressObservation(f"{network}.1.0.1", mx, evidence, outcome, at, at, at, reference)


def told(*observations: EgressObservation) -> FamilyEgressJudge:
    judge = FamilyEgressJudge(25)
    for observation in observations:
        judge.record(observation)
    return judge


def state(judge: FamilyEgressJudge, *, ready: bool = True) -> EgressState:
    judge.judge((), 2000.0, ready=ready, repeats=False)
    return judge.view.state


def four(outcome: ConnectOutcome, witness: ConnectOutcome | None = None, at: float = 1000.0) -> list[EgressObservation]:
    return [seen(network, outcome, at + network, witness) for network in range(60, 64)]


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        ([], S.UNKNOWN),
        ([seen(60, W.ANSWERED)], S.OPEN),
        (four(W.NO_ANSWER), S.UNKNOWN),  # a block and being offline look alike
        (four(W.NO_ANSWER, W.NO_ANSWER), S.OFFLINE),
        (four(W.RESET), S.UNKNOWN),
        (four(W.NO_GREETING), S.BLOCKED),  # connects that are accepted show that packets get out
        (four(W.UNREACHABLE), S.UNKNOWN),
        ([seen(60, W.NO_ROUTE)], S.OFFLINE),
        (four(W.NO_ROUTE), S.OFFLINE),
        ([seen(59, W.ANSWERED, 900.0), *four(W.NO_ROUTE)], S.OPEN),
    ],
)
def test_the_state_of_what_was_seen(observations: list[EgressObservation], expected: EgressState) -> None:
    assert state(told(*observations)) is expected


def test_one_address_without_a_route_is_likely_and_four_are_certain() -> None:
    one, all_four = told(seen(60, W.NO_ROUTE)), told(*four(W.NO_ROUTE))
    assert (state(one), one.view.confidence) == (S.OFFLINE, Confidence.LIKELY)
    assert (state(all_four), all_four.view.confidence) == (S.OFFLINE, Confidence.CERTAIN)


def test_other_egress_tells_a_block_from_being_offline_until_its_time_is_over() -> None:
    judge = told(*four(W.NO_ANSWER))
    judge.record_other_egress(3000.0, "the nameserver 9.9.9.9")
    judge.record_other_egress(2500.0, "one that counts for less long")
    judge.forget_before(0.0, 2999.0)
    assert state(judge) is S.BLOCKED
    assert judge.view.passing_traffic == "the nameserver 9.9.9.9"
    assert judge.view.networks == 4
    fresh = told(*four(W.NO_ANSWER))
    fresh.record_other_egress(3000.0, "the nameserver 9.9.9.9")
    fresh.forget_before(0.0, 3001.0)
    assert state(fresh) is S.UNKNOWN


def test_a_common_failure_waits_for_the_references() -> None:
    judge = told(*four(W.NO_GREETING))
    assert state(judge, ready=False) is S.UNKNOWN
    assert judge.waits
    assert state(judge) is S.BLOCKED
    assert not judge.waits


def test_what_is_forgotten_does_not_count() -> None:
    judge = told(*four(W.NO_GREETING))
    judge.forget_before(1062.5, 1100.0)
    assert state(judge) is S.UNKNOWN


def test_the_first_failure_after_a_success_is_told_once() -> None:
    judge = told(seen(60, W.ANSWERED, 1000.0))
    assert judge.record(seen(60, W.NO_ANSWER, 1010.0))
    assert not judge.record(seen(60, W.NO_ANSWER, 1010.0)), "the same session, by another domain"
    assert not judge.record(seen(60, W.NO_ANSWER, 1020.0))
    assert not judge.record(seen(61, W.NO_ANSWER, 1030.0)), "an address that never succeeded"


def test_a_reset_that_proves_to_be_the_hosts_own_is_a_success() -> None:
    judge = told(*four(W.RESET))
    judge.confirm_reset("60.1.0.1", 0.0)
    judge.confirm_reset("99.1.0.1", 0.0)
    assert state(judge) is S.OPEN


@pytest.mark.parametrize(
    ("suspect", "finding", "expected", "sure"),
    [
        (SUSPECT, InspectionResult.PROVEN, S.INTERCEPTED, Confidence.CERTAIN),
        (SUSPECT, InspectionResult.FOREIGN, S.INTERCEPTED, Confidence.CERTAIN),
        (ISSUER, InspectionResult.FOREIGN, S.INTERCEPTED, Confidence.LIKELY),
        (replace(ISSUER, references=1), InspectionResult.FOREIGN, S.INTERCEPTED, Confidence.CERTAIN),
        (SUSPECT, InspectionResult.OPEN, S.INTERCEPTED, Confidence.LIKELY),
        (replace(SUSPECT, mark="ehlo:SIZE"), InspectionResult.OPEN, S.OPEN, Confidence.CERTAIN),  # as many have it
        (replace(SUSPECT, everywhere=False), InspectionResult.OPEN, S.OPEN, Confidence.CERTAIN),
        (SUSPECT, InspectionResult.OWN, S.OPEN, Confidence.CERTAIN),
        (SUSPECT, None, S.OPEN, Confidence.CERTAIN),
    ],
)
def test_a_suspect_is_judged_by_its_inspection(
    suspect: Suspect, finding: InspectionResult | None, expected: EgressState, sure: Confidence
) -> None:
    judge = told(seen(60, W.ANSWERED))
    judge.suspect = suspect
    if finding is not None:
        judge.findings[suspect.mark] = (1000.0, finding)
    assert state(judge) is expected
    assert judge.view.confidence is sure
    assert judge.view.common_fingerprint == (suspect.mark if expected is S.INTERCEPTED else "")


def test_a_clock_that_is_set_moves_the_times_that_are_shown() -> None:
    judge = told(seen(60, W.ANSWERED))
    assert state(judge) is S.OPEN
    judge.set_clock(3600.0)
    assert judge.view.since == 5600.0
    judge.set_clock(-600.0)
    assert judge.view.since == 5000.0


def test_the_evidence_of_now_moves_on_while_the_view_of_the_turn_stays() -> None:
    judge = told(*four(W.NO_ANSWER))
    judge.record_other_egress(3000.0, "port 443 of 60.1.0.1")
    assert state(judge) is S.BLOCKED
    turn = judge.view
    for network in range(70, 75):
        judge.record(seen(network, W.NO_ANSWER, 1500.0))
    judge.forget_before(0.0, 3001.0)
    judge.record_other_egress(4000.0, "port 587 of 70.1.0.1")
    assert state(judge) is S.BLOCKED
    now = judge.current
    assert judge.view is turn
    assert (turn.networks, turn.passing_traffic) == (4, "port 443 of 60.1.0.1")
    assert (now.networks, now.heard) == (9, 9)
    assert now.passing_traffic == "port 587 of 70.1.0.1"


def test_of_outcomes_that_are_forgotten_the_evidence_of_now_has_those_left() -> None:
    judge = told(*four(W.NO_ANSWER))
    judge.record_other_egress(3000.0, "port 443 of 60.1.0.1")
    state(judge)
    judge.record(seen(70, W.NO_ANSWER, 1500.0))
    judge.forget_before(1400.0, 3001.0)
    assert state(judge) is S.BLOCKED
    assert (judge.view.networks, judge.current.networks) == (4, 1)
    assert judge.current.passing_traffic == ""


def test_an_open_egress_tells_when_something_got_out_last() -> None:
    judge = told(seen(60, W.ANSWERED))
    state(judge)
    judge.record(seen(61, W.ANSWERED, 1800.0))
    state(judge)
    assert (judge.current.state, judge.current.last_success, judge.current.heard) == (S.OPEN, 1800.0, 2)
