"""The policies of a domain together, within the time of a turn."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace

import pytest

from exporter.lab.https_host import HttpsHost
from exporter.model.policy import MtaStsMode
from exporter.model.target import PolicyKind, TargetKind
from exporter.policies.domain_policies import wanted
from tests.policies.lookups import (
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


async def test_what_is_not_known_in_time_is_left_open_and_known_the_next_time() -> None:
    names, host = Names(sts_record()), HttpsHost([policy_answer()], gate=asyncio.Event())
    assert host.gate is not None
    names.silent = {f"_smtp._tls.{DOMAIN}"}
    async with world(names, host) as policies:
        found = await policies.find(target_of(timeout=0.3))
        assert (mode_of(found), problem_of(found)) == (MtaStsMode.UNKNOWN, None)
        assert found.mta_sts is not None
        assert found.mta_sts.valid is None
        assert found.tls_rpt is not None
        assert found.tls_rpt.present is None
        host.gate.set()
        names.silent = set()
        assert mode_of(await policies.find(target_of())) is MtaStsMode.ENFORCE
        assert len(host.requests) == 1


async def test_a_turn_that_does_not_wait_has_the_result_of_the_last_search() -> None:
    names = Names(sts_record())
    async with world(names, HttpsHost([policy_answer()])) as policies:
        policies._patience = 0.0
        target = target_of()
        for mode in (MtaStsMode.UNKNOWN, MtaStsMode.ENFORCE):
            search = policies.begin(target)
            assert search is not None
            await search.wait(nullcontext)
            assert mode_of(search.found) is mode
            assert search._search is not None
            await search._search
            await asyncio.sleep(0)


async def test_a_host_without_a_domain_has_no_policy_of_one() -> None:
    host = HttpsHost([policy_answer()])
    target = replace(target_of(), kind=TargetKind.HOST)
    found = await found_policies(Names(sts_record()), host, target)
    assert (found.mta_sts, found.tls_rpt) == (None, None)
    assert host.requests == []
    async with world(Names(sts_record()), host) as policies:
        assert policies.begin(target) is None


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ((PolicyKind.DANE,), ()),
        ((PolicyKind.DANE, PolicyKind.TLS_RPT), (PolicyKind.TLS_RPT,)),
        ((PolicyKind.MTA_STS,), (PolicyKind.MTA_STS,)),
    ],
)
def test_dane_is_a_matter_of_the_hosts(named: tuple[PolicyKind, ...], expected: tuple[PolicyKind, ...]) -> None:
    assert wanted(target_of(*named)) == expected
