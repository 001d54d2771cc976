"""The MTA-STS policy of a domain looked up: the DNS is a map, the policy host is real."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exporter.lab.https_host import HttpsHost, http
from exporter.model.failure import Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.model.policy import MtaStsMode
from exporter.model.policy import MtaStsProblem as P
from exporter.resolver.answer import DnsAnswer, failed
from tests.policies.lookups import (
    AUTHORITY,
    DOMAIN,
    Names,
    found_policies,
    mode_of,
    policy_answer,
    problem_of,
    sts_record,
    target_of,
    world,
)
from tests.support.loops import LoopFactory, on_every_loop, run_on


@on_every_loop
@pytest.mark.parametrize("mode", ["enforce", "testing", "none"])
def test_a_policy_is_found_and_valid(mode: str, loop_factory: LoopFactory) -> None:
    found = run_on(loop_factory, found_policies(Names(sts_record()), HttpsHost([policy_answer(mode)])))
    assert found.mta_sts is not None
    assert (found.mta_sts.mode, found.mta_sts.valid, found.mta_sts.problem) == (mode, True, None)
    assert (found.mta_sts.id, found.mta_sts.mx, found.mta_sts.max_age) == ("1", ("mx.a.example",), 86400)
    assert found.policy is not None


@pytest.mark.parametrize(
    "texts", [{}, sts_record(b"v=spf1 -all"), {f"_mta-sts.{DOMAIN}": DnsAnswer()}], ids=["nxdomain", "other", "nodata"]
)
async def test_a_domain_without_a_record_has_no_mta_sts_and_its_policy_host_is_not_asked(
    texts: dict[str, DnsAnswer],
) -> None:
    host = HttpsHost([policy_answer()])
    found = await found_policies(Names(texts), host)
    assert (mode_of(found), found.policy) == (MtaStsMode.ABSENT, None)
    assert found.mta_sts is not None
    assert found.mta_sts.valid is None
    assert host.requests == []


@pytest.mark.parametrize(
    ("names", "answer", "problem", "valid"),
    [
        (Names(sts_record(b"v=STSv1; id=x-y")), policy_answer(), P.RECORD_INVALID, False),
        (Names({f"_mta-sts.{DOMAIN}": failed(C.DNS_BOGUS, "bogus")}), policy_answer(), P.RECORD_LOOKUP, False),
        (Names({f"_mta-sts.{DOMAIN}": failed(C.DNS_TIMEOUT, "late")}), policy_answer(), P.LOCAL, None),
        (Names(sts_record(), failure=Failure(Stage.DNS, C.DNS_NXDOMAIN)), policy_answer(), P.HOST_LOOKUP, False),
        (Names(sts_record(), failure=Failure(Stage.DNS, C.DNS_TIMEOUT)), policy_answer(), P.LOCAL, None),
        (Names(sts_record(), addresses=("10.0.0.1", "fe80::1")), policy_answer(), P.ADDRESS_FORBIDDEN, False),
        (Names(sts_record(), addresses=("127.0.0.77",)), policy_answer(), P.CONNECT, False),
        (Names(sts_record()), http(b"", "404 Not Found"), P.HTTP_STATUS, False),
        (Names(sts_record()), http(b"", "301 Moved", "text/plain", "Location: /x"), P.REDIRECT, False),
        (Names(sts_record()), http(b"version: STSv1\n"), P.POLICY_INVALID, False),
        (Names(sts_record()), policy_answer(mx="*.*"), P.POLICY_INVALID, False),
    ],
    ids=lambda value: value.value if isinstance(value, P) else "",
)
async def test_each_problem_has_its_class(names: Names, answer: bytes, problem: P, valid: bool | None) -> None:
    found = await found_policies(names, HttpsHost([answer]))
    assert found.mta_sts is not None
    assert (found.mta_sts.mode, found.mta_sts.problem) == (MtaStsMode.UNKNOWN, problem)
    assert found.mta_sts.valid is valid
    assert found.mta_sts.detail or names.failure
    assert found.mta_sts.detail.isprintable()
    assert found.policy is None


async def test_the_certificate_must_be_for_the_policy_host() -> None:
    async with world(Names(sts_record()), HttpsHost([policy_answer()]), AUTHORITY.server_context(DOMAIN)) as policies:
        assert problem_of(await policies.find(target_of())) is P.CERTIFICATE


async def test_a_system_that_trusts_nobody_accuses_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "folder"))
    found = await found_policies(Names(sts_record()))
    assert found.mta_sts is not None
    assert (found.mta_sts.problem, found.mta_sts.valid) == (P.LOCAL, None)
    assert "SSL_CERT_FILE" in found.mta_sts.detail


async def test_a_special_address_is_never_connected_to() -> None:
    host = HttpsHost([policy_answer()])
    found = await found_policies(Names(sts_record()), host, target_of(allowed="192.0.2.0/24"))
    assert problem_of(found) is P.ADDRESS_FORBIDDEN
    assert host.counts["connections"] == 0


async def test_a_new_id_fetches_the_new_policy_and_a_failure_keeps_the_old_one() -> None:
    names, host = Names(sts_record()), HttpsHost([policy_answer()])
    async with world(names, host) as policies:
        await policies.find(target_of())
        again = await policies.find(target_of())
        assert (len(host.requests), mode_of(again)) == (1, MtaStsMode.ENFORCE)
        names.texts = sts_record(b"v=STSv1; id=2;")
        host.answer = [policy_answer("testing")]
        assert mode_of(await policies.find(target_of())) is MtaStsMode.TESTING
        names.texts = sts_record(b"v=STSv1; id=3;")
        host.answer = [http(b"", "500 Internal Server Error")]
        found = await policies.find(target_of())
        assert (mode_of(found), problem_of(found)) == (MtaStsMode.TESTING, P.HTTP_STATUS)
        assert found.mta_sts is not None
        assert (found.mta_sts.valid, found.mta_sts.id) == (False, "3")
        assert found.policy is not None
        assert len(host.requests) == 3


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({}, P.RECORD_ABSENT),
        (sts_record(b"v=STSv1;"), P.RECORD_INVALID),
        ({f"_mta-sts.{DOMAIN}": failed(C.DNS_SERVFAIL, "")}, P.RECORD_LOOKUP),
    ],
)
async def test_a_policy_holds_though_its_record_is_lost(texts: dict[str, DnsAnswer], problem: P) -> None:
    names = Names(sts_record())
    async with world(names, HttpsHost([policy_answer()])) as policies:
        await policies.find(target_of())
        names.texts = texts
        found = await policies.find(target_of())
    assert (mode_of(found), problem_of(found)) == (MtaStsMode.ENFORCE, problem)
    assert found.mta_sts is not None
    assert found.mta_sts.valid is False


async def test_a_domain_that_has_left_with_the_mode_none_has_left() -> None:
    """RFC 8461 8.3."""
    names = Names(sts_record())
    async with world(names, HttpsHost([policy_answer("none")])) as policies:
        assert mode_of(await policies.find(target_of())) is MtaStsMode.NONE
        names.texts = {}
        found = await policies.find(target_of())
    assert (mode_of(found), problem_of(found), found.policy) == (MtaStsMode.ABSENT, None, None)


async def test_domains_that_share_a_fetch_ask_once() -> None:
    host = HttpsHost([policy_answer()])
    async with world(Names(sts_record()), host) as policies:
        found = await asyncio.gather(*(policies.find(target_of()) for _ in range(10)))
    assert {mode_of(one) for one in found} == {MtaStsMode.ENFORCE}
    assert len(host.requests) == 1
