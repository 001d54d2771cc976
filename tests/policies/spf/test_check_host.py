"""The evaluation of SPF: its limits, and what it says of a failure. Its results are held by the published suite."""

from __future__ import annotations

import asyncio

from exporter.model.standing import SpfResult
from exporter.policies.spf.check_host import MAX_TERMS, check_host
from exporter.resolver.answer import DnsAnswer
from tests.standing.zones import Zones
from tests.support.virtual_time import run_virtually

OURS = "192.0.2.1"
SENDER = "probe@sender.example"


def policy(text: str) -> dict[tuple[str, str], list[bytes]]:
    return {("sender.example", "TXT"): [text.encode()]}


async def test_the_null_sender_stands_for_the_ehlo_name() -> None:
    zones = Zones({("probe.example", "TXT"): [b"v=spf1 ip4:192.0.2.1 -all"]})
    assert (await check_host(zones, OURS, "", "probe.example")).result is SpfResult.PASS
    assert (await check_host(zones, "192.0.2.2", "", "probe.example")).result is SpfResult.FAIL


async def test_a_failure_of_the_dns_is_temporary_with_its_reason() -> None:
    found = await check_host(Zones({}, ["sender.example"]), OURS, SENDER, "probe.example")
    assert (found.result, found.reason) == (SpfResult.TEMPERROR, "no answer from the resolver")


async def test_a_wrong_policy_is_told_with_the_mistake() -> None:
    found = await check_host(Zones(policy("v=spf1 foo -all")), OURS, SENDER, "probe.example")
    assert found.result is SpfResult.PERMERROR
    assert found.reason == "the policy of sender.example: the mechanism 'foo' is not known, or malformed"


async def test_a_policy_that_includes_itself_ends_at_the_limit_of_terms() -> None:
    zones = Zones(policy("v=spf1 include:sender.example -all"))
    found = await check_host(zones, OURS, SENDER, "probe.example")
    assert found.result is SpfResult.PERMERROR
    assert sum(zones.asked.values()) <= MAX_TERMS + 1


async def test_queries_are_bounded_whatever_the_policy_says() -> None:
    records: dict[tuple[str, str], list[object]] = {}
    terms = " ".join(f"mx:m{number}.example" for number in range(40))
    records[("sender.example", "TXT")] = [f"v=spf1 {terms} ptr -all".encode()]
    for number in range(40):
        names = [f"h{each}.m{number}.example" for each in range(10)]
        records[(f"m{number}.example", "MX")] = [(10, name) for name in names]
        records |= {(name, "A"): ["198.51.100.7"] for name in names}
    zones = Zones(records)  # type: ignore[arg-type]
    assert (await check_host(zones, OURS, SENDER, "probe.example")).result is SpfResult.PERMERROR
    assert sum(zones.asked.values()) <= 1 + MAX_TERMS * 11


def test_the_whole_has_a_limit_in_time() -> None:
    class Slow:
        async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
            await asyncio.sleep(15)
            return DnsAnswer((b"v=spf1 a -all",) if kind == "TXT" else ())

    found = run_virtually(check_host(Slow(), OURS, SENDER, "probe.example"))
    assert found.result is SpfResult.TEMPERROR
    assert found.reason == "not known within 20 s"
