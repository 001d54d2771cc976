"""Hosts under changing states of the egress."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.diagnosis.diagnose import AGAIN, diagnose, no_success_by_others
from exporter.model.egress import EGRESS_UNKNOWN, EgressView
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Failure, Stage, Verdict
from tests.diagnosis.failed_connects import (
    ANSWERS,
    BLOCKED,
    CERTAIN,
    LIKELY,
    OFFLINE,
    OPEN,
    QUIET,
    SILENCE,
    UNCERTAIN,
    C,
    S,
    W,
    around,
    host,
    someone,
    someone_before,
)
from tests.paths import TARGET
from tests.results import changed, down_host, host_of, up_host


def test_a_verdict_turns_with_the_surroundings_and_back() -> None:
    before = diagnose(host(SILENCE, ANSWERS), around(OPEN))
    while_blocked = diagnose(before, around(BLOCKED))
    assert while_blocked.failure is not None
    assert while_blocked.failure.failure_class is C.EGRESS_BLOCKED
    assert while_blocked.failure.verdict is Verdict.BLOCKED
    assert diagnose(while_blocked, around(OPEN)) == before
    assert diagnose(before, around(OPEN)) is before


def test_who_speaks_like_the_proxy_is_intercepted_and_who_does_not_is_not() -> None:
    proxy = EgressView(S.INTERCEPTED, LIKELY, networks=5, common_fingerprint="name:proxy.isp.example")
    caught = diagnose(host(None, fingerprints=("name:proxy.isp.example",)), around(proxy))
    assert caught.failure is not None
    assert (caught.failure.stage, caught.failure.failure_class) == (Stage.BANNER, C.EGRESS_INTERCEPTED)
    assert "proxy.isp.example" in caught.failure.detail
    assert diagnose(caught, around(OPEN)).up
    assert diagnose(host(None, fingerprints=("name:mx.a.example",)), around(proxy)).up
    own = changed(host(None, fingerprints=("name:proxy.isp.example",)), mx="mx.isp.example")
    assert diagnose(own, around(proxy)).up


def test_a_result_without_evidence_is_left_alone() -> None:
    for plain in (up_host(), down_host()):
        assert diagnose(plain, EGRESS_UNKNOWN) is plain


def test_an_answer_from_before_the_silence_counts_against_nobody() -> None:
    """The egress may have shut meanwhile: nothing is more than uncertain until somebody else is heard."""
    for witnesses in (ANSWERS, QUIET):
        failure = diagnose(host(SILENCE, witnesses), around(OPEN), someone_before).failure
        assert failure is not None
        assert failure.confidence is UNCERTAIN
    silent = diagnose(host(SILENCE, QUIET), around(OPEN), someone_before).failure
    assert silent is not None
    assert silent.verdict is Verdict.UNDETERMINED


def test_what_began_before_the_way_opened_keeps_its_class_and_is_marked() -> None:
    opened = EgressView(S.OPEN, CERTAIN, before=BLOCKED, opened=100.0)
    silent = changed(host(SILENCE, ANSWERS), at=99.0)
    failure = diagnose(silent, around(opened), someone).failure
    assert failure is not None
    assert failure.failure_class is C.EGRESS_BLOCKED
    assert AGAIN in failure.evidence
    later = diagnose(changed(silent, at=101.0), around(opened), someone).failure
    assert later is not None
    assert later.failure_class is C.PORT_FILTERED


@pytest.mark.parametrize("way", [W.NO_GREETING, W.HUNG_UP])
def test_accepted_and_not_a_word_is_undetermined_unless_everything_fails_so(way: ConnectOutcome) -> None:
    failure_class = C.BANNER_TIMEOUT if way is W.NO_GREETING else C.BANNER_CLOSED
    own = Failure(Stage.BANNER, failure_class, "no greeting came")
    mute = host_of(
        "mx.a.example", TARGET, failure=own, own_failure=own, evidence=Evidence(25, witnesses=ANSWERS, accepted=way)
    )
    alone = diagnose(mute, around(OPEN), someone).failure
    assert alone is not None
    assert (alone.failure_class, alone.verdict) == (failure_class, Verdict.UNDETERMINED)
    wordless = EgressView(S.BLOCKED, CERTAIN, frozenset({W.NO_GREETING, W.HUNG_UP}), 9, 3, "port 443 of 192.0.2.9")
    shared = diagnose(mute, around(wordless), no_success_by_others).failure
    assert shared is not None
    assert (shared.failure_class, shared.stage, shared.verdict) == (C.EGRESS_BLOCKED, Stage.BANNER, Verdict.BLOCKED)
    assert "accepts and says nothing" in shared.detail
    assert diagnose(mute, around(BLOCKED), no_success_by_others).failure == alone


def test_the_state_of_port_25_says_nothing_of_another_port() -> None:
    submission = replace(host(SILENCE, ANSWERS), evidence=Evidence(587, SILENCE, ANSWERS))
    failure = diagnose(submission, around(BLOCKED)).failure
    assert failure is not None
    assert failure.failure_class is C.PORT_FILTERED
    offline = diagnose(replace(submission, evidence=Evidence(587, SILENCE, QUIET)), around(OFFLINE)).failure
    assert offline is not None
    assert offline.failure_class is C.OFFLINE


def test_an_inspection_of_tls_shows_at_tls() -> None:
    mark = "issuer:CN=Corp, key 01"
    view = EgressView(S.INTERCEPTED, LIKELY, networks=5, common_fingerprint=mark)
    failure = diagnose(host(None, fingerprints=(mark,)), around(view)).failure
    assert failure is not None
    assert (failure.stage, failure.failure_class) == (Stage.TLS, C.EGRESS_INTERCEPTED)
    assert diagnose(host(None, fingerprints=("issuer:",)), around(view)).up
