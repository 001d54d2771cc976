"""The judgement of a host by DANE: each state, as a warning and as a failure."""

from __future__ import annotations

import hashlib

import pytest

from exporter.model.failure import Failure, Stage, Verdict
from exporter.model.failure import FailureClass as C
from exporter.model.policy import DaneState as S
from exporter.model.policy import Tlsa, TlsaLookup, TlsaStatus
from exporter.model.result import HostResult
from exporter.model.warning import HostWarning as W
from exporter.policies.judgement import TlsSeen, judge_host
from tests.results import changed, host_of
from tests.support.chains import NOW, issue

MX = "mx.a.example"
AT = NOW.timestamp()
LEAF = issue("self-signed")
UNTRUSTED = Failure(Stage.TLS, C.TLS_UNTRUSTED, "nobody vouches for it")
SELF_SIGNED = TlsSeen((LEAF.der,), (UNTRUSTED,))
TRUSTED = TlsSeen((LEAF.der,))
MATCHING = Tlsa(3, 1, 1, hashlib.sha256(LEAF.spki).digest())
FOREIGN = Tlsa(3, 1, 1, b"\x01" * 32)
PKIX = Tlsa(1, 1, 1, hashlib.sha256(LEAF.spki).digest())
UP = host_of(MX, "192.0.2.1", warnings=(W.BANNER_SLOW,), at=AT)
DOWN = changed(UP, failure=Failure(Stage.MAIL, C.TEMPFAIL), warnings=())


def _found(*records: Tlsa) -> TlsaLookup:
    return TlsaLookup(TlsaStatus.FOUND, records, (MX,))


def _failed(reason: C) -> TlsaLookup:
    return TlsaLookup(TlsaStatus.FAILED, failure=Failure(Stage.DNS, reason, "SERVFAIL for _25._tcp"))


def _judged(
    lookup: TlsaLookup | None,
    tls: TlsSeen | None,
    *,
    result: HostResult = UP,
    asked: bool = True,
    require: bool = False,
) -> HostResult:
    return judge_host(result, lookup, False, tls, asked, require)


# (TLSA, TLS) -> state, warning, class of the failure with `require`
CASES = [
    (_found(MATCHING), TRUSTED, S.VERIFIED, None, None),
    (_found(FOREIGN, MATCHING), TRUSTED, S.VERIFIED, None, None),
    (_found(PKIX, MATCHING), TRUSTED, S.VERIFIED, None, None),
    (_found(FOREIGN), TRUSTED, S.MISMATCH, W.DANE_MISMATCH, C.DANE_MISMATCH),
    # RFC 7672 3.1.3: the unusable record would have matched.
    (_found(FOREIGN, PKIX), TRUSTED, S.MISMATCH, W.DANE_MISMATCH, C.DANE_MISMATCH),
    (_found(MATCHING), None, S.NO_TLS, W.DANE_NO_TLS, C.DANE_NO_TLS),
    (_found(PKIX), None, S.NO_TLS, W.DANE_NO_TLS, C.DANE_NO_TLS),
    (_found(PKIX), TRUSTED, S.UNUSABLE, W.DANE_UNUSABLE, None),
    (_failed(C.DNS_BOGUS), TRUSTED, S.LOOKUP_FAILED, W.DANE_LOOKUP_FAILED, C.DNS_BOGUS),
    (_failed(C.DNS_TIMEOUT), TRUSTED, S.LOOKUP_FAILED, W.DANE_LOOKUP_FAILED, C.DNS_TIMEOUT),
    (_failed(C.DNS_SERVFAIL), None, S.LOOKUP_FAILED, W.DANE_LOOKUP_FAILED, C.DNS_SERVFAIL),
    (TlsaLookup(TlsaStatus.ABSENT), TRUSTED, S.ABSENT, None, None),
    (TlsaLookup(TlsaStatus.ABSENT), None, S.ABSENT, None, None),
    (TlsaLookup(TlsaStatus.INSECURE, detail="why"), TRUSTED, S.INSECURE, None, None),
]


@pytest.mark.parametrize(("lookup", "tls", "state", "warning", "failure"), CASES)
def test_each_state_of_dane(
    lookup: TlsaLookup, tls: TlsSeen | None, state: S, warning: W | None, failure: C | None
) -> None:
    reported = _judged(lookup, tls)
    assert reported.facts.dane is not None
    assert (reported.facts.dane.state, reported.failure) == (state, None)
    assert reported.outcome.warnings == (W.BANNER_SLOW, *([warning] if warning else []))
    required = _judged(lookup, tls, require=True)
    assert (required.failure.failure_class if required.failure else None) is failure
    if failure is None:
        assert required == reported
    else:
        assert required.outcome.own_failure == required.failure
        assert required.facts.dane == reported.facts.dane


def test_dane_failures_are_theirs_to_mend() -> None:
    assert {C.DANE_MISMATCH.verdict, C.DANE_NO_TLS.verdict} == {Verdict.MISCONFIGURED}


def test_the_records_and_the_reason_are_told() -> None:
    dane = _judged(_found(FOREIGN), TRUSTED).facts.dane
    assert dane is not None
    assert dane.records == ("3 1 1 " + "01" * 32,)
    assert "no record is about" in dane.detail


def test_a_host_that_was_down_before_tls_is_unchecked_and_keeps_its_failure() -> None:
    judged = _judged(_found(FOREIGN), None, result=DOWN, require=True)
    assert judged.facts.dane is not None
    assert (judged.facts.dane.state, judged.failure) == (S.UNCHECKED, DOWN.failure)


def test_a_host_that_was_down_after_tls_is_checked_and_keeps_its_failure() -> None:
    judged = _judged(_found(FOREIGN), TRUSTED, result=DOWN, require=True)
    assert judged.facts.dane is not None
    assert (judged.facts.dane.state, judged.failure, judged.outcome.warnings) == (S.MISMATCH, DOWN.failure, ())


def test_a_conversation_that_was_not_to_come_to_tls_accuses_nobody() -> None:
    judged = _judged(_found(FOREIGN), None, asked=False, require=True)
    assert judged.facts.dane is not None
    assert (judged.facts.dane.state, judged.failure, judged.outcome.warnings) == (
        S.UNCHECKED,
        None,
        UP.outcome.warnings,
    )


def test_without_demands_nothing_is_said() -> None:
    assert _judged(None, TRUSTED) is UP


def test_a_certificate_that_dane_vouches_for_needs_no_authority() -> None:
    """RFC 7672 3.1.1."""
    assert _judged(_found(MATCHING), SELF_SIGNED, require=True).failure is None
    for lookup in (None, TlsaLookup(TlsaStatus.ABSENT), TlsaLookup(TlsaStatus.INSECURE), _found(PKIX)):
        assert _judged(lookup, SELF_SIGNED).failure is None
        assert _judged(lookup, SELF_SIGNED, require=True).failure == UNTRUSTED


def test_while_tlsa_records_are_awaited_nobody_fails_for_a_certificate_that_they_may_vouch_for() -> None:
    awaited = judge_host(UP, None, True, SELF_SIGNED, True, True)
    assert (awaited.failure, awaited.facts.dane) == (None, None)
    assert judge_host(UP, None, False, SELF_SIGNED, True, True).failure == UNTRUSTED
