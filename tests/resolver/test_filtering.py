"""A resolver that filters: answers that it marks, and answers that it makes up."""

from __future__ import annotations

import dns.rcode
import pytest

from exporter.lab.dns_host import Fault
from exporter.model.failure import Confidence, Stage, Verdict
from exporter.model.failure import FailureClass as C
from tests.resolver.lookups import (
    BOTH,
    Faults,
    LoopbackDns,
    Records,
    failure_of,
    probe_domain,
)

MX = {("example.com", "MX"): ["10 mx.example.com."]}
CONTROL = "no-such-name-asked-by-mx-exporter.mx.example.com"


@pytest.mark.parametrize("code", [15, 16, 17, 18, 4])
@pytest.mark.parametrize("rcode", [None, dns.rcode.NXDOMAIN, dns.rcode.REFUSED, dns.rcode.SERVFAIL])
@pytest.mark.parametrize("name", ["example.com", "mx.example.com"])
async def test_a_resolver_that_says_that_it_filters_is_ours(
    code: int, rcode: dns.rcode.Rcode | None, name: str
) -> None:
    records = MX | {("mx.example.com", "A"): ["0.0.0.0"]}
    fault = Fault(rcode=rcode, extended_error=code, extended_text="by order of \x1b[31mus")
    dns_ = LoopbackDns(records, {name: fault})
    async with dns_ as resolver:
        lookup = await resolver.lookup_mx("example.com", BOTH)
        server = dns_.host.server
    failure = failure_of(lookup)
    assert (failure.stage, failure.failure_class) == (Stage.DNS, C.RESOLVER_FAILING)
    assert (failure.verdict, failure.confidence, failure.about) == (Verdict.LOCAL, Confidence.CERTAIN, server)
    assert server in failure.detail
    assert f"EDE {code} " in failure.detail
    assert all(text.isprintable() for text in failure.evidence)
    filtered = lookup.filtered if name == "example.com" else lookup.hosts[0].filtered
    assert filtered is failure


@pytest.mark.parametrize(
    ("records", "confidence"),
    [
        ({("mx.example.com", "A"): ["0.0.0.0"], ("mx.example.com", "AAAA"): ["::"]}, Confidence.LIKELY),
        ({("mx.example.com", "A"): ["0.0.0.0"], (CONTROL, "A"): ["0.0.0.0"]}, Confidence.LIKELY),
        ({("mx.example.com", "A"): ["0.0.0.0"]}, Confidence.UNCERTAIN),
        ({("mx.example.com", "A"): ["127.0.0.1"], (CONTROL, "A"): ["127.0.0.1"]}, Confidence.UNCERTAIN),
        ({("mx.example.com", "A"): ["127.53.0.1"], (CONTROL, "A"): ["127.53.0.1"]}, Confidence.LIKELY),
        ({("mx.example.com", "A"): ["127.53.0.1"]}, Confidence.UNCERTAIN),
    ],
)
async def test_an_address_that_the_resolver_made_up_is_ours(records: Records, confidence: Confidence) -> None:
    failure = failure_of(await probe_domain({**MX, **records}, address="127.53.0.1"))
    assert (failure.failure_class, failure.verdict, failure.confidence) == (
        C.RESOLVER_FAILING,
        Verdict.LOCAL,
        confidence,
    )
    assert failure.about.startswith("127.53.0.1")


@pytest.mark.parametrize(
    ("records", "faults"),
    [
        ({("mx.example.com", "A"): ["127.0.0.1"]}, {}),
        ({("mx.example.com", "A"): ["127.0.0.1"], (CONTROL, "A"): ["192.0.2.1"]}, {}),
        ({("mx.example.com", "A"): ["0.0.0.0"]}, {("mx.example.com", "A"): Fault(authenticated=True)}),
        ({("mx.example.com", "A"): ["10.0.0.1"], (CONTROL, "A"): ["10.0.0.1"]}, {}),
        ({("mx.example.com", "A"): ["127.0.0.1"], ("mx.example.com", "AAAA"): ["::1"]}, {}),
    ],
)
async def test_what_a_zone_publishes_itself_is_theirs(records: Records, faults: Faults) -> None:
    failure = failure_of(await probe_domain({**MX, **records}, faults=faults, address="127.53.0.1"))
    assert (failure.failure_class, failure.verdict) == (C.MX_ADDRESS_FORBIDDEN, Verdict.MISCONFIGURED)


async def test_a_domain_without_mx_whose_own_address_is_made_up() -> None:
    records = {("example.com", "A"): ["0.0.0.0"], ("example.com", "AAAA"): ["::"]}
    failure = failure_of(await probe_domain(records))
    assert (failure.failure_class, failure.confidence) == (C.RESOLVER_FAILING, Confidence.LIKELY)


async def test_the_resolvers_own_address_is_probed_where_it_is_allowed() -> None:
    records = {**MX, ("mx.example.com", "A"): ["127.53.0.1"]}
    failure = failure_of(await probe_domain(records, address="127.53.0.1", allowed=("127.0.0.0/8",)))
    assert failure.failure_class is C.CONNECT_REFUSED


async def test_one_address_that_is_none_beside_a_real_one_is_no_sign() -> None:
    records = {**MX, ("mx.example.com", "A"): ["0.0.0.0", "192.0.2.1"]}
    dns_ = LoopbackDns(records)
    async with dns_ as resolver:
        lookup = await resolver.lookup_mx("example.com", BOTH)
    assert lookup.hosts[0].filtered is None
    assert (CONTROL, "A") not in dns_.host.queries
