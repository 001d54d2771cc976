"""The policies of a target, and what of them is remembered."""

from __future__ import annotations

from exporter.model.policy import DaneState, Tlsa, TlsaLookup, TlsaStatus
from exporter.model.target import Settings
from exporter.policies.target_policies import TargetPolicies
from tests.results import up_host

SMALL, LARGE = (TlsaLookup(TlsaStatus.FOUND, (Tlsa(3, 1, 0, bytes(size)),)) for size in (32, 5000))


def test_a_host_with_large_records_is_not_remembered() -> None:
    small = TargetPolicies(tlsa={"mx1": SMALL, "mx2": None})
    assert small.without_large_records() == small
    assert dict(TargetPolicies(tlsa={"mx1": SMALL, "mx2": LARGE}).without_large_records().tlsa) == {"mx1": SMALL}


def test_each_host_is_judged_by_its_own_records() -> None:
    host = up_host()
    policies = TargetPolicies(tlsa={host.mx: SMALL, "other.example": TlsaLookup(TlsaStatus.FAILED)})
    judged = policies.judge(host, Settings(), None, asked=True)
    assert judged.facts.dane is not None
    assert judged.facts.dane.state is DaneState.NO_TLS
    assert TargetPolicies().judge(host, Settings(), None, asked=True).facts.dane is None
