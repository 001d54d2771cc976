"""Our reverse DNS in probes that are made once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from exporter.commands.one_shot import OneShotProbes
from exporter.commands.own_names import OwnNames
from exporter.lab.dns_host import DnsHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary, reply
from exporter.model.address import Family
from exporter.model.configuration import Config, Egress, ResolverSettings, Standing
from exporter.model.failure import Confidence, FailureClass
from exporter.model.result import DomainResult, TranscriptLine
from exporter.model.standing import AddressSource
from exporter.model.target import Settings, Target, TargetKind
from exporter.report.local_state import LocalState
from tests.probe.probing import LOOPBACK
from tests.results import changed, down_host, result, up_host
from tests.standing.zones import Zones

OURS = "192.0.2.1"
ASKED = Config(standing=Standing((), ("bl.example",)))
GREETED = (
    TranscriptLine(0.1, True, b"EHLO probe.example\r\n"),
    TranscriptLine(0.2, False, b"250 mx at your service, [192.0.2.1]\r\n"),
)


def hosts_that_tell() -> Sequence[DomainResult]:
    return [
        result(changed(up_host(f"mx.{number}.example"), address=f"{number}.1.0.1", transcript=GREETED))
        for number in (8, 9, 11)
    ]


async def test_the_address_is_the_one_that_hosts_tell_in_the_same_run() -> None:
    names = OwnNames(ASKED)
    zones = Zones({("1.2.0.192.in-addr.arpa", "PTR"): ["mail.example"], ("mail.example", "A"): [OURS]})
    for each in hosts_that_tell():
        names.heard(each)
    standing = (await names.view(zones)).of(Family.IPV4)
    assert (standing.address, standing.source) == (OURS, AddressSource.TOLD)
    assert standing.reverse is not None
    assert standing.reverse.confirmed is True
    assert not [name for name, _ in zones.asked if name.endswith("bl.example")], "lists are not asked"


def test_only_a_refusal_for_it_is_a_reason_to_look_it_up() -> None:
    refused = result(down_host(FailureClass.RDNS_REQUIRED))
    assert OwnNames(ASKED).may_explain(refused)
    assert not OwnNames(ASKED).may_explain(result(down_host(FailureClass.REPUTATION_BLOCKED)))
    assert not OwnNames(Config()).may_explain(refused)


class _Kept:
    """A report that keeps the results."""

    streams = True

    def __init__(self) -> None:
        self.results: list[DomainResult] = []

    def progress(self, result: DomainResult) -> None:
        pass

    def know(self, side: LocalState) -> None:
        pass

    def add(self, target: Target, result: DomainResult) -> None:
        self.results.append(result)

    async def keep_drawn(self) -> None:
        await asyncio.Event().wait()

    def finish(self, without_result: Sequence[str] = ()) -> int:
        return 0


@pytest.mark.parametrize("has_name", [True, False])
async def test_a_refusal_for_it_is_told_with_what_is_so(has_name: bool) -> None:
    refusing = SmtpHost(ordinary("mx.strict.example", greeting=reply(554, "cannot find your reverse hostname")))
    port = await refusing.start("127.62.0.1")
    named = {("1.2.0.192.in-addr.arpa", "PTR"): ["mail.example."], ("mail.example", "A"): [OURS]}
    dns = DnsHost({("mx.strict.example", "A"): ["127.62.0.1"], **(named if has_name else {})})
    config = Config(standing=Standing((OURS,)), egress=Egress(witness_ports=(), trace=False))
    probes = OneShotProbes(config, config.modules, ResolverSettings((await dns.start(),)), "probe.example")
    name, report = "mx.strict.example", _Kept()
    settings = Settings(port=port, timeout=5.0, allow_addresses=LOOPBACK)
    try:
        await probes.probe_all([Target(TargetKind.HOST, name, name, settings)], report)
    finally:
        await probes.close()
        await dns.stop()
        await refusing.stop()
    failure = report.results[0].failure
    assert failure is not None
    assert failure.failure_class is FailureClass.RDNS_REQUIRED
    if has_name:
        assert failure.evidence == (
            f"the PTR record of our address {OURS} names mail.example, which resolves back to it",
        )
    else:
        assert failure.confidence is Confidence.CERTAIN
        assert failure.evidence == (f"our address {OURS} has no PTR record: 1.2.0.192.in-addr.arpa names nothing",)
