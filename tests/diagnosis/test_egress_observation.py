"""One session as evidence about the egress."""

from __future__ import annotations

import pytest

from exporter.diagnosis.egress_observation import EgressObservation, FailureKind
from exporter.model.evidence import ConnectOutcome, Evidence, Witness

W = ConnectOutcome


def _observation(
    outcome: ConnectOutcome, witnesses: tuple[Witness, ...] = (), *, is_own_reset: bool = False
) -> EgressObservation:
    evidence = Evidence(25, witnesses=witnesses)
    return EgressObservation("192.0.2.1", "mx.a.example", evidence, outcome, 0.0, 0.0, 0.0, is_own_reset=is_own_reset)


@pytest.mark.parametrize("outcome", W)
def test_each_outcome_succeeds_fails_in_one_way_or_says_nothing(outcome: ConnectOutcome) -> None:
    observation = _observation(outcome)
    if observation.is_inconclusive:
        assert outcome in (W.UNREACHABLE, W.FAILED)
    else:
        assert (observation.failure_kind is None) is (outcome is W.ANSWERED)


def test_a_filter_with_a_rate_limit_for_errors_fails_in_one_way() -> None:
    kinds = {_observation(outcome).failure_kind for outcome in (W.NO_ANSWER, W.PROHIBITED)}
    assert kinds == {FailureKind.DROPPED}


def test_a_reset_of_the_host_itself_is_a_success() -> None:
    assert _observation(W.RESET).failure_kind is FailureKind.RESET
    assert _observation(W.RESET, is_own_reset=True).failure_kind is None


def test_a_witness_is_named_with_its_address() -> None:
    witnesses = (Witness(443, W.NO_ANSWER), Witness(587, W.RESET))
    assert _observation(W.NO_ANSWER, witnesses).witness == "port 587 of 192.0.2.1"
    assert _observation(W.NO_ANSWER, witnesses[:1]).witness == ""
