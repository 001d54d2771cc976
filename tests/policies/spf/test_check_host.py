"""The evaluation of SPF: its limits, and what it says of a failure. Its results are held by the published suite."""

from __future__ import annotations

import asyncio

from exporter.model.standing import SpfResult
from exporter.policies.spf.check_host import MAX_TERMS, check_host
from exporter.resolver.answer import DnsAnswer, Record
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


async def test_a_term_counts_once_however_many_of_its_names_have_no_address() -> None:
    """Terms with void lookups are limited (RFC 7208 4.6.4): about an IPv6 address, all hosts of an mx may be such."""
    records: dict[tuple[str, str], list[Record]] = {
        ("sender.example", "TXT"): [b"v=spf1 a mx ip6:2001:db8::/32 -all"],
        ("sender.example", "A"): [OURS],
        ("sender.example", "MX"): [(10, f"mx{number}.sender.example") for number in range(5)],
    }
    zones = Zones(records)
    assert (await check_host(zones, "2001:db8::1", SENDER, "probe.example")).result is SpfResult.PASS
    assert zones.asked[("mx4.sender.example", "AAAA")] == 1
    records["sender.example", "TXT"] = [b"v=spf1 a mx exists:gone.example ip6:2001:db8::/32 -all"]
    found = await check_host(Zones(records), "2001:db8::1", SENDER, "probe.example")
    assert (found.result, found.reason) == (
        SpfResult.PERMERROR,
        "more than 2 terms of the policy name what has no records",
    )


async def test_a_dns_error_is_no_void_lookup() -> None:
    """RFC 7208 5.5: where the PTR lookup fails, the mechanism does not match, and the limit of 4.6.4 is not nearer."""
    records = policy("v=spf1 ptr a:one.example a:two.example ip4:192.0.2.1 -all")
    zones = Zones(records, ["1.2.0.192.in-addr.arpa"])
    assert (await check_host(zones, OURS, SENDER, "probe.example")).result is SpfResult.PASS
    assert (await check_host(Zones(records), OURS, SENDER, "probe.example")).result is SpfResult.PERMERROR
