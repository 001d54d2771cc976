"""States of the egress and the resolver: logged, remembered, and moved along when the clock is set."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from exporter.egress import states
from exporter.egress.clocks import Now
from exporter.egress.evidence import observation_of
from exporter.egress.settings import WatchSettings
from exporter.egress.states import JudgedStates
from exporter.model.address import Family
from exporter.model.configuration import Egress
from exporter.model.egress import EgressState
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.target import Settings, Target, TargetKind
from tests.results import changed, up_host

NOW = Now(100.0, 2000.0)
REFERENCE = Target(TargetKind.REFERENCE, "ref.example", "ref.example", Settings())
SETTINGS = WatchSettings(Egress(), 60.0, 35.0)


def answered(judged: JudgedStates, now: Now) -> None:
    host = changed(up_host(), at=now.unix)
    judged.egress_judge.record(
        observation_of(host, Evidence(25), ConnectOutcome.ANSWERED, now, reference="", is_own_reset=False)
    )


def test_a_change_is_logged_and_remembered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "exporter.egress.states")
    judged = JudgedStates(SETTINGS)
    answered(judged, NOW)
    assert judged.judge_egress(NOW) == (Family.IPV4,)
    assert judged.judge_egress(NOW) == ()
    assert [(change.at, change.view.state) for change in judged.changes] == [(2000.0, EgressState.OPEN)]
    (record,) = caplog.records
    assert (record.message, record.levelname) == ("egress state changed", "INFO")
    assert vars(record)["fields"]["state"] == "open"


def test_the_last_changes_are_kept_and_move_with_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "MAX_CHANGES", 2)
    judged = JudgedStates(SETTINGS)
    for step in range(4):
        now = Now(100.0 + step * 1000, 2000.0 + step * 1000)
        if step % 2 == 0:
            answered(judged, now)
        judged.judge_egress(now)
    assert [change.at for change in judged.changes] == [4000.0, 5000.0]
    judged.clock_set(-3600.0)
    assert [change.at for change in judged.changes] == [400.0, 1400.0]


def test_references_have_a_state_of_their_own_while_they_are_configured() -> None:
    judged = JudgedStates(replace(SETTINGS, egress=Egress(references=(REFERENCE,))))
    known = [judged.references_are_known]
    judged.reference_probed("ref.example", up=False)
    assert [*known, judged.references_are_known] == [False, True]
    assert judged.references_up == {"ref.example": False}
    judged.reference_probed("ref.example", up=True)
    assert judged.references_up == {"ref.example": True}
    judged.configure(SETTINGS)
    assert judged.references_up == {}
