"""One host as the senders of one domain's mail judge it: MTA-STS, and DANE without an authenticated MX answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from exporter.model.failure import Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.model.policy import Dane, TlsaLookup, TlsaStatus
from exporter.model.policy import DaneState as S
from exporter.model.result import HostResult, TlsResult
from exporter.model.target import Module, Starttls, TlsMode
from exporter.model.warning import DomainWarning as D
from exporter.model.warning import HostWarning as W
from exporter.policies.domain_judgement import judge_for_domain
from exporter.policies.judgement import TlsSeen, judge_host
from exporter.policies.mtasts.policy import MtaStsPolicy, PolicyMode
from tests.policies.test_judgement import FOREIGN, LEAF, MATCHING, MX, PKIX, UNTRUSTED, _failed, _found
from tests.results import changed, host_of

OTHER = ("mx.b.example",)
STAGES = (Stage.EHLO, Stage.STARTTLS)
REPORT, REQUIRE = Module(stages=STAGES), Module(stages=STAGES, starttls=Starttls(verify="require"))
PLAIN = Module()
GOOD = TlsResult("TLSv1.3", "TLS_AES_256_GCM_SHA384", True)
SELF_SIGNED = replace(GOOD, verified=False, faults=(UNTRUSTED,))
COMMON_NAME = replace(GOOD, common_name=True)
DOWN = Failure(Stage.MAIL, C.TEMPFAIL)


def _host(tls: TlsResult | None, lookup: TlsaLookup | None = None, *, require: bool = False) -> HostResult:
    """A host whose session passed every stage, as its own judgement leaves it."""
    host = host_of(MX, "192.0.2.1", tls=tls, warnings=(W.BANNER_SLOW,), at=1.0)
    seen = None if tls is None else TlsSeen((LEAF.der,), tls.faults, tls.common_name)
    return judge_host(host, lookup, False, seen, True, require)


STS_CASES: list[tuple[PolicyMode, tuple[str, ...], TlsResult | None, D | None, C | None]] = [
    ("enforce", (MX,), GOOD, None, None),
    ("enforce", ("*.a.example",), GOOD, None, None),
    ("enforce", OTHER, GOOD, D.MTA_STS_MISMATCH, C.MTA_STS_MISMATCH),
    ("testing", OTHER, GOOD, D.MTA_STS_MISMATCH, None),
    ("none", OTHER, GOOD, None, None),
    ("none", (), None, None, None),
    ("enforce", (MX,), SELF_SIGNED, D.MTA_STS_UNTRUSTED, C.MTA_STS_UNTRUSTED),
    ("testing", (MX,), SELF_SIGNED, D.MTA_STS_UNTRUSTED, None),
    ("enforce", (MX,), COMMON_NAME, D.MTA_STS_UNTRUSTED, C.MTA_STS_UNTRUSTED),
    ("enforce", (MX,), None, D.MTA_STS_NO_TLS, C.MTA_STS_NO_TLS),
    ("testing", (MX,), None, D.MTA_STS_NO_TLS, None),
]


@pytest.mark.parametrize(("mode", "mx", "tls", "warning", "failure"), STS_CASES)
def test_each_outcome_of_mta_sts(
    mode: PolicyMode, mx: tuple[str, ...], tls: TlsResult | None, warning: D | None, failure: C | None
) -> None:
    policy, host = MtaStsPolicy(mode, 60, mx), _host(tls)
    reported, found = judge_for_domain(host, True, policy, REPORT)
    assert found is warning
    assert reported is host
    required, found = judge_for_domain(host, True, policy, REQUIRE)
    assert found is warning
    assert (required.failure.failure_class if required.failure else None) is failure
    assert required.outcome.own_failure == required.failure
    if failure is None:
        assert required is host


def test_a_failure_by_the_policy_outranks_that_of_the_certificate_as_the_host_has_it() -> None:
    host = _host(SELF_SIGNED, TlsaLookup(TlsaStatus.ABSENT), require=True)
    assert host.failure == UNTRUSTED
    judged, _ = judge_for_domain(host, True, MtaStsPolicy("enforce", 60, (MX,)), REQUIRE)
    assert judged.failure is not None
    assert judged.failure.failure_class is C.MTA_STS_UNTRUSTED
    testing, warning = judge_for_domain(host, True, MtaStsPolicy("testing", 60, (MX,)), REQUIRE)
    assert (testing, warning) == (host, D.MTA_STS_UNTRUSTED)


@pytest.mark.parametrize("module", [REPORT, REQUIRE])
def test_a_host_that_is_down_keeps_its_failure_and_nothing_is_said(module: Module) -> None:
    host = changed(_host(GOOD), failure=DOWN, own_failure=DOWN)
    assert judge_for_domain(host, True, MtaStsPolicy("enforce", 60, OTHER), module) == (host, None)


def test_a_session_that_was_not_to_come_to_tls_accuses_nobody_of_its_lack() -> None:
    policy = MtaStsPolicy("enforce", 60, (MX,))
    assert judge_for_domain(_host(None), True, policy, PLAIN) == (_host(None), None)
    assert judge_for_domain(_host(None), True, policy, replace(PLAIN, tls=TlsMode.IMPLICIT))[1] is D.MTA_STS_NO_TLS


def test_dane_does_not_hide_a_failing_mta_sts_nor_the_other_way_round() -> None:
    """RFC 8461 2: one does not override the other."""
    policy = MtaStsPolicy("enforce", 60, OTHER)
    assert judge_for_domain(_host(GOOD, _found(MATCHING)), True, policy, REPORT)[1] is D.MTA_STS_MISMATCH
    both, warning = judge_for_domain(_host(GOOD, _found(FOREIGN), require=True), True, policy, REQUIRE)
    assert warning is D.MTA_STS_MISMATCH
    assert both.failure is not None
    assert both.failure.failure_class is C.DANE_MISMATCH


LOOKUPS = (_found(MATCHING), _found(FOREIGN), _found(PKIX), _failed(C.DNS_BOGUS))


@pytest.mark.parametrize(("lookup", "tls", "require"), [*product(LOOKUPS, (GOOD, SELF_SIGNED, None), (False, True))])
def test_without_an_authenticated_mx_answer_a_host_counts_as_one_without_dane(
    lookup: TlsaLookup, tls: TlsResult | None, require: bool
) -> None:
    """RFC 7672 2.2.1."""
    host = _host(tls, lookup, require=require)
    judged, warning = judge_for_domain(host, False, None, REQUIRE if require else REPORT)
    assert warning is None
    assert judged.facts.dane is not None
    assert judged.facts.dane.state is S.INSECURE
    expected = _host(tls, TlsaLookup(TlsaStatus.ABSENT), require=require)
    assert changed(judged, dane=None) == changed(expected, dane=None)


def test_a_host_without_records_is_the_same_for_every_domain() -> None:
    for lookup in (TlsaLookup(TlsaStatus.ABSENT), TlsaLookup(TlsaStatus.INSECURE, detail="why"), None):
        host = _host(SELF_SIGNED, lookup, require=True)
        assert judge_for_domain(host, False, None, REQUIRE)[0] is host


def test_a_diagnosis_that_found_another_cause_stays() -> None:
    proxy = Failure(Stage.BANNER, C.EGRESS_INTERCEPTED)
    host = changed(_host(GOOD, _found(FOREIGN), require=True), failure=proxy)
    judged, _ = judge_for_domain(host, False, None, REQUIRE)
    assert (judged.failure, judged.outcome.own_failure) == (proxy, None)


def test_a_host_that_was_down_before_tls_has_no_dane_without_an_authenticated_mx_answer() -> None:
    host = changed(_host(None), dane=Dane(S.UNCHECKED, ("3 1 1 ab",)), failure=DOWN, own_failure=DOWN)
    judged, _ = judge_for_domain(host, False, None, REQUIRE)
    assert judged.facts.dane is not None
    assert (judged.facts.dane.state, judged.failure) == (S.INSECURE, DOWN)
