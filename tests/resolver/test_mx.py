"""The hosts that take a domain's mail. The DNS is a map of answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from exporter.model.address import Family
from exporter.model.failure import Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.model.result import MxLookup
from exporter.resolver.answer import DnsAnswer, Record, failed
from exporter.resolver.mx import MAX_ADDRESSES, MAX_HOSTS, lookup_host, lookup_mx

BOTH = (Family.IPV4, Family.IPV6)


class Zone:
    """Questions answered from a map; what is not in it has no such record."""

    def __init__(self, answers: dict[tuple[str, str], DnsAnswer | Sequence[Record]]) -> None:
        self._answers = {
            key: value if isinstance(value, DnsAnswer) else DnsAnswer(tuple(value)) for key, value in answers.items()
        }
        self.asked: Counter[tuple[str, str]] = Counter()

    async def ask(self, name: str, kind: str) -> DnsAnswer:
        self.asked[name, kind] += 1
        await asyncio.sleep(0)
        return self._answers.get((name, kind), DnsAnswer())

    async def ask_both(self, name: str, kinds: Sequence[str]) -> Sequence[DnsAnswer]:
        return [await self.ask(name, kind) for kind in kinds]


async def _lookup(
    answers: dict[tuple[str, str], DnsAnswer | Sequence[Record]], families: tuple[Family, ...] = BOTH
) -> MxLookup:
    return await lookup_mx(Zone(answers), "a.example", families)


def _class(lookup: MxLookup) -> C | None:
    return None if lookup.failure is None else lookup.failure.failure_class


async def test_hosts_come_by_preference_then_name_with_ipv4_before_ipv6() -> None:
    lookup = await _lookup(
        {
            ("a.example", "MX"): [(20, "c.example"), (10, "d.example"), (10, "b.example")],
            ("b.example", "A"): ["192.0.2.10", "192.0.2.9"],
            ("b.example", "AAAA"): ["2001:db8::1"],
            ("c.example", "A"): ["192.0.2.3"],
            ("d.example", "AAAA"): ["2001:db8::4"],
        }
    )
    assert [(host.preference, host.name, host.addresses) for host in lookup.hosts] == [
        (10, "b.example", ("192.0.2.9", "192.0.2.10", "2001:db8::1")),
        (10, "d.example", ("2001:db8::4",)),
        (20, "c.example", ("192.0.2.3",)),
    ]
    assert (lookup.failure, lookup.mx_records) == (None, 3)


async def test_a_host_named_twice_is_one_with_its_best_preference() -> None:
    lookup = await _lookup(
        {("a.example", "MX"): [(20, "b.example"), (5, "b.example")], ("b.example", "A"): ["192.0.2.1"]}
    )
    assert [(host.preference, host.name) for host in lookup.hosts] == [(5, "b.example")]
    assert lookup.mx_records == 2


async def test_without_mx_the_domain_itself_is_the_host() -> None:
    lookup = await _lookup({("a.example", "A"): ["192.0.2.1"]})
    assert [(host.preference, host.name, host.addresses) for host in lookup.hosts] == [(0, "a.example", ("192.0.2.1",))]
    assert (lookup.failure, lookup.mx_records) == (None, 0)


async def test_an_alias_with_an_implicit_mx_is_no_fault() -> None:
    lookup = await _lookup({("a.example", "A"): DnsAnswer(("192.0.2.1",), is_alias=True, canonical="b.example")})
    assert not lookup.hosts[0].is_cname


async def test_an_mx_that_is_an_alias_is_told() -> None:
    alias = DnsAnswer(("192.0.2.1",), is_alias=True, canonical="c.example")
    lookup = await _lookup({("a.example", "MX"): [(1, "b.example")], ("b.example", "A"): alias})
    assert (lookup.hosts[0].is_cname, lookup.hosts[0].alias_of) == (True, "c.example")


async def test_null_mx_alone_declines() -> None:
    lookup = await _lookup({("a.example", "MX"): [(0, "")], ("a.example", "A"): ["192.0.2.1"]})
    assert (_class(lookup), lookup.hosts) == (C.DNS_NULL_MX, ())


async def test_null_mx_among_others_is_left_out_and_told() -> None:
    lookup = await _lookup({("a.example", "MX"): [(0, ""), (10, "b.example")], ("b.example", "A"): ["192.0.2.1"]})
    assert (lookup.failure, lookup.null_mx_among_others) == (None, True)
    assert [host.name for host in lookup.hosts] == ["b.example"]


@pytest.mark.parametrize("failure", [C.DNS_NXDOMAIN, C.DNS_SERVFAIL, C.DNS_BOGUS, C.DNS_TIMEOUT, C.DNS_MALFORMED])
async def test_what_became_of_the_mx_question_is_the_failure(failure: C) -> None:
    assert _class(await _lookup({("a.example", "MX"): failed(failure, "")})) is failure


async def test_neither_mx_nor_address() -> None:
    assert _class(await _lookup({})) is C.DNS_NO_ADDRESS


@pytest.mark.parametrize("failure", [C.DNS_SERVFAIL, C.DNS_TIMEOUT, C.DNS_BOGUS])
async def test_an_implicit_mx_whose_address_cannot_be_asked_fails_like_the_question(failure: C) -> None:
    assert _class(await _lookup({("a.example", "A"): failed(failure, "")})) is failure


@pytest.mark.parametrize("kind", ["A", "AAAA"])
async def test_one_family_failing_does_not_hide_the_other(kind: str) -> None:
    other = {"A": "AAAA", "AAAA": "A"}[kind]
    address = {"A": "192.0.2.1", "AAAA": "2001:db8::1"}[other]
    lookup = await _lookup(
        {
            ("a.example", "MX"): [(1, "b.example")],
            ("b.example", kind): failed(C.DNS_SERVFAIL, ""),
            ("b.example", other): [address],
        }
    )
    assert (lookup.failure, lookup.hosts[0].addresses) == (None, (address,))


async def test_only_the_families_wanted_are_asked() -> None:
    zone = Zone({("a.example", "MX"): [(1, "b.example")], ("b.example", "A"): ["192.0.2.1"]})
    await lookup_mx(zone, "a.example", (Family.IPV4,))
    assert zone.asked.keys() == {("a.example", "MX"), ("b.example", "A")}


@pytest.mark.parametrize("literal", ["192.0.2.1", "[192.0.2.1]", "2001:db8::1", "127.0.0.1"])
async def test_an_address_where_a_host_name_belongs(literal: str) -> None:
    lookup = await _lookup({("a.example", "MX"): [(1, literal)]})
    assert _class(lookup) is C.MX_IS_ADDRESS


async def test_an_address_beside_a_real_host_fails_alone() -> None:
    lookup = await _lookup(
        {("a.example", "MX"): [(1, "192.0.2.9"), (2, "b.example")], ("b.example", "A"): ["192.0.2.1"]}
    )
    assert lookup.failure is None
    assert [host.failure.failure_class if host.failure else None for host in lookup.hosts] == [C.MX_IS_ADDRESS, None]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (C.DNS_NXDOMAIN, C.MX_UNRESOLVABLE),
        (C.DNS_SERVFAIL, C.MX_UNRESOLVABLE),
        (C.DNS_BOGUS, C.MX_UNRESOLVABLE),
        (None, C.MX_UNRESOLVABLE),
        (C.DNS_TIMEOUT, C.DNS_TIMEOUT),
        (C.DNS_REFUSED, C.DNS_REFUSED),
    ],
)
async def test_no_host_with_an_address(host: C | None, expected: C) -> None:
    answer = DnsAnswer() if host is None else failed(host, "")
    lookup = await _lookup(
        {("a.example", "MX"): [(1, "b.example")], ("b.example", "A"): answer, ("b.example", "AAAA"): answer}
    )
    assert _class(lookup) is expected


async def test_when_our_resolver_fails_for_one_of_several_it_is_ours() -> None:
    lookup = await _lookup(
        {
            ("a.example", "MX"): [(1, "b.example"), (2, "c.example")],
            ("b.example", "A"): failed(C.DNS_NXDOMAIN, ""),
            ("c.example", "A"): failed(C.DNS_TIMEOUT, ""),
        }
    )
    assert _class(lookup) is C.DNS_TIMEOUT


async def test_hundreds_of_mx_records_are_counted_and_the_most_preferred_looked_up() -> None:
    records = [(number, f"mx{number}.example") for number in range(300)]
    zone = Zone({("a.example", "MX"): records, **{(name, "A"): ["192.0.2.1"] for _, name in records}})
    lookup = await lookup_mx(zone, "a.example", BOTH)
    assert (lookup.mx_records, len(lookup.hosts)) == (300, MAX_HOSTS)
    assert lookup.hosts[0].name == "mx0.example"
    assert len(zone.asked) == 1 + 2 * MAX_HOSTS


async def test_an_address_is_its_own_host() -> None:
    assert (await lookup_host(Zone({}), "2001:0db8::1", 0, BOTH)).addresses == ("2001:db8::1",)


async def test_of_all_addresses_of_a_domain_those_of_the_preferred_hosts_are_kept_and_all_are_counted() -> None:
    hosts = [(number, f"mx{number:02}.example") for number in range(MAX_HOSTS)]
    addresses = tuple(f"44.0.0.{number}" for number in range(100))
    zone = {(name, "A"): DnsAnswer(addresses, more=900) for _, name in hosts}
    lookup = await _lookup({("a.example", "MX"): hosts, **zone}, (Family.IPV4,))
    assert [len(host.addresses) for host in lookup.hosts[:6]] == [100, 100, 100, 100, 100, 12]
    assert sum(len(host.addresses) for host in lookup.hosts) == MAX_ADDRESSES
    assert sum(len(host.addresses) + host.more for host in lookup.hosts) == 1000 * MAX_HOSTS
    assert lookup.failure is None


async def test_mx_records_that_are_not_kept_are_counted() -> None:
    records = DnsAnswer(((10, "b.example"),), more=99)
    lookup = await _lookup({("a.example", "MX"): records, ("b.example", "A"): ["192.0.2.1"]})
    assert lookup.mx_records == 100


async def test_a_name_that_has_to_be_escaped_is_no_host_and_not_looked_up() -> None:
    zone = Zone(
        {("a.example", "MX"): [(10, "mx\\032one.example"), (20, "b.example")], ("b.example", "A"): ["192.0.2.1"]}
    )
    lookup = await lookup_mx(zone, "a.example", BOTH)
    assert lookup.hosts[0].failure is not None
    assert lookup.hosts[0].failure.failure_class is C.MX_UNRESOLVABLE
    assert lookup.hosts[1].failure is None
    assert not any("\\" in name for name, _ in zone.asked)


async def test_addresses_that_are_not_kept_are_counted_by_family() -> None:
    v6 = DnsAnswer(tuple(f"2001:db8::{number:x}" for number in range(1, 101)), more=50)
    hosts = [(number, f"mx{number:02}.example") for number in range(8)]
    zone = {(name, "AAAA"): v6 for _, name in hosts} | {
        (name, "A"): DnsAnswer(("192.0.2.1",), more=7) for _, name in hosts
    }
    lookup = await _lookup({("a.example", "MX"): hosts, **zone})
    assert sum(len(host.addresses) for host in lookup.hosts) == MAX_ADDRESSES
    kept_v6 = sum(":" in address for host in lookup.hosts for address in host.addresses)
    assert kept_v6 + sum(host.more_ipv6 for host in lookup.hosts) == 8 * 150
    kept_v4 = MAX_ADDRESSES - kept_v6
    assert kept_v4 + sum(host.more - host.more_ipv6 for host in lookup.hosts) == 8 * 8


@pytest.mark.parametrize(
    ("answer", "incomplete"),
    [
        (DnsAnswer(), False),
        (failed(C.DNS_NXDOMAIN, "no such name"), False),
        (failed(C.DNS_SERVFAIL, "SERVFAIL"), True),
        (failed(C.DNS_TIMEOUT, "no answer"), True),
        (DnsAnswer(filtered=Failure(Stage.DNS, C.RESOLVER_FAILING, "a policy")), True),
    ],
)
async def test_a_host_of_which_one_family_is_not_known_is_incomplete(answer: DnsAnswer, incomplete: bool) -> None:
    lookup = await _lookup(
        {
            ("a.example", "MX"): [(10, "b.example")],
            ("b.example", "A"): ["192.0.2.1"],
            ("b.example", "AAAA"): answer,
        }
    )
    (host,) = lookup.hosts
    assert (host.addresses, host.failure, host.incomplete) == (("192.0.2.1",), None, incomplete)
