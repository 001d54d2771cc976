"""The TLS reporting of a domain looked up."""

from __future__ import annotations

import pytest

from exporter.model.failure import FailureClass as C
from exporter.model.target import PolicyKind
from exporter.resolver.answer import DnsAnswer, failed
from tests.policies.lookups import (
    DOMAIN,
    NXDOMAIN,
    Names,
    found_policies,
    target_of,
)


@pytest.mark.parametrize(
    ("answer", "present", "valid"),
    [
        (DnsAnswer((b"v=TLSRPTv1; rua=mailto:a@b.example",)), True, True),
        (DnsAnswer((b"v=TLSRPTv1; rua=a@b.example",)), True, False),
        (DnsAnswer((b"v=spf1 -all",)), False, None),
        (DnsAnswer(), False, None),
        (NXDOMAIN, False, None),
        (failed(C.DNS_SERVFAIL, "why"), None, None),
    ],
)
async def test_tls_reporting(answer: DnsAnswer, present: bool | None, valid: bool | None) -> None:
    found = await found_policies(Names({f"_smtp._tls.{DOMAIN}": answer}), target=target_of(PolicyKind.TLS_RPT))
    assert found.tls_rpt is not None
    assert (found.tls_rpt.present, found.tls_rpt.valid) == (present, valid)
    assert found.tls_rpt.rua == (("mailto:a@b.example",) if valid else ())
    assert found.mta_sts is None
