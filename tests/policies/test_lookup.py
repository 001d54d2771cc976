"""All policies of a target together, within the time of a probe."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from exporter.concurrency.slots import ProbeSlots
from exporter.lab.https_host import HttpsHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.address import Family
from exporter.model.configuration import Limits
from exporter.model.policy import MtaStsMode
from exporter.model.result import MxHost, MxLookup
from exporter.model.target import PolicyKind, TargetKind
from exporter.probe.prober import Prober
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
    names.silent = {f"_smtp._tls.{DOMAIN}", "mx.a.example"}
    async with world(names, host) as policies:
        found = await policies.find(target_of(timeout=0.3), ["mx.a.example", "mx2.a.example"])
        assert (mode_of(found), problem_of(found)) == (MtaStsMode.UNKNOWN, None)
        assert found.mta_sts is not None
        assert found.mta_sts.valid is None
        assert found.tls_rpt is not None
        assert found.tls_rpt.present is None
        assert found.tlsa["mx.a.example"] is None
        assert found.tlsa["mx2.a.example"] is not None
        host.gate.set()
        names.silent = set()
        assert mode_of(await policies.find(target_of(), [])) is MtaStsMode.ENFORCE
        assert len(host.requests) == 1


async def test_a_host_without_a_domain_has_no_policy_of_one() -> None:
    host = HttpsHost([policy_answer()])
    target = replace(target_of(), kind=TargetKind.HOST)
    found = await found_policies(Names(sts_record()), host, target)
    assert (found.mta_sts, found.tls_rpt) == (None, None)
    assert host.requests == []


async def test_who_waits_for_a_policy_host_holds_no_slot() -> None:
    """A slow policy host must not keep others from being probed."""
    host, mail = HttpsHost([policy_answer()], gate=asyncio.Event()), SmtpHost(ordinary("mx.a.example"))
    assert host.gate is not None
    port = await mail.start("127.0.0.1", 0)
    slots = ProbeSlots(1)
    await slots.take()
    async with world(Names(sts_record()), host) as policies:
        target = target_of(PolicyKind.MTA_STS)
        target = replace(target, settings=replace(target.settings, port=port))
        prober = Prober(_OneHost(), Limits(), "probe.example", slots, policies=policies)
        probing = asyncio.create_task(prober.probe(target))
        await slots.take()  # given back by the one who waits
        assert not probing.done()
        slots.free()
        host.gate.set()
        result = await probing
    await mail.stop()
    assert result.mta_sts is not None
    assert (result.up, result.mta_sts.mode) == (True, MtaStsMode.ENFORCE)
    assert not slots.take_nowait()  # it ends with the slot it began with


class _OneHost:
    """Every name is one host, at 127.0.0.1."""

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        return MxLookup(domain, (MxHost("mx.a.example", 10, ("127.0.0.1",)),), mx_records=1)

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        return MxHost(name, 0, ("127.0.0.1",))
