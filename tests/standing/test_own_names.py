"""The names of our address: PTR records that resolve back or not, and the EHLO name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.resolver.answer import DnsAnswer
from exporter.standing.own_names import MAX_NAMES, lookup_helo, lookup_reverse_dns
from tests.standing.zones import Zones

OURS, OURS_6 = "192.0.2.1", "2001:db8::1"
POINTER = "1.2.0.192.in-addr.arpa"
POINTER_6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"


async def test_a_name_that_resolves_back_is_confirmed() -> None:
    zones = Zones({(POINTER, "PTR"): ["mail.example.net"], ("mail.example.net", "A"): ["192.0.2.7", OURS]})
    found = await lookup_reverse_dns(zones, OURS)
    assert (found.pointer, found.confirmed, found.generic) == (POINTER, True, False)
    (name,) = found.names
    assert (name.name, name.resolves_back, name.addresses) == ("mail.example.net", True, (OURS, "192.0.2.7"))


async def test_ipv6_is_asked_by_nibbles_and_for_its_own_type() -> None:
    zones = Zones({(POINTER_6, "PTR"): ["mail.example.net"], ("mail.example.net", "AAAA"): [OURS_6]})
    assert (await lookup_reverse_dns(zones, OURS_6)).confirmed is True
    assert zones.asked == {(POINTER_6, "PTR"): 1, ("mail.example.net", "AAAA"): 1}


async def test_without_a_record_there_is_no_name() -> None:
    found = await lookup_reverse_dns(Zones({}), OURS)
    assert (found.names, found.confirmed, found.failure, found.generic) == ((), False, "", None)


@pytest.mark.parametrize("records", [{("mail.example.net", "A"): ["198.51.100.7"]}, {}])
async def test_a_name_that_leads_elsewhere_is_not_confirmed(records: dict[tuple[str, str], list[str]]) -> None:
    found = await lookup_reverse_dns(Zones({(POINTER, "PTR"): ["mail.example.net"], **records}), OURS)
    assert found.confirmed is False
    assert found.names[0].resolves_back is False


async def test_a_lookup_that_fails_shows_nothing() -> None:
    found = await lookup_reverse_dns(Zones({}, [POINTER]), OURS)
    assert (found.confirmed, bool(found.failure)) == (None, True)
    half = await lookup_reverse_dns(Zones({(POINTER, "PTR"): ["mail.example.net"]}, ["mail.example.net"]), OURS)
    assert half.confirmed is None


async def test_one_of_several_names_that_resolves_back_is_enough() -> None:
    zones = Zones(
        {(POINTER, "PTR"): ["a.example.net", "192-0-2-1.example.net"], ("192-0-2-1.example.net", "A"): [OURS]},
        ["a.example.net"],
    )
    found = await lookup_reverse_dns(zones, OURS)
    assert (found.confirmed, found.generic) == (True, False)
    assert [bool(each.generic) for each in found.names] == [True, False]


async def test_only_some_of_many_names_are_looked_up() -> None:
    zones = Zones({(POINTER, "PTR"): [f"mail{number}.example.net" for number in range(100)]})
    found = await lookup_reverse_dns(zones, OURS)
    assert len(found.names) == MAX_NAMES
    assert sum(zones.asked.values()) == 1 + MAX_NAMES
    # None of these resolves back, and one of the others may.
    assert (found.confirmed, found.failure) == (None, "there are 90 more names, which are not looked up")


async def test_some_of_many_names_may_confirm_the_address_and_show_that_one_is_no_generic_name() -> None:
    names = [f"dsl-{number:03}.example.net" for number in range(100)]
    zones = Zones({(POINTER, "PTR"): names, ("dsl-000.example.net", "A"): [OURS]})
    found = await lookup_reverse_dns(zones, OURS)
    assert (found.confirmed, found.generic) == (True, None)
    zones.records[POINTER, "PTR"] = ["a.example.net", *names]
    assert (await lookup_reverse_dns(zones, OURS)).generic is False


async def test_an_ehlo_name_with_more_addresses_than_are_kept_is_not_known() -> None:
    class Many(Zones):
        async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
            return replace(await super().lookup_records(name, kind), more=7)

    found = await lookup_helo(Many({("probe.example", "A"): ["192.0.2.7"]}), "probe.example", OURS)
    assert found is not None
    assert (found.matches, found.detail) == (None, "it has 8 addresses")


async def test_a_name_that_is_none_is_not_asked_about() -> None:
    zones = Zones({(POINTER, "PTR"): ["", "mail\\000.example.net"]})
    found = await lookup_reverse_dns(zones, OURS)
    assert (found.confirmed, [each.name for each in found.names]) == (False, [".", "mail\\000.example.net"])
    assert sum(zones.asked.values()) == 1


async def test_an_ehlo_name_matches_where_it_resolves_to_the_address() -> None:
    zones = Zones({("probe.example", "A"): [OURS], ("probe.example", "AAAA"): ["2001:db8::9"]}, ["silent.example"])
    found = await lookup_helo(zones, "probe.example", OURS)
    assert found is not None
    assert found.matches is True
    other = await lookup_helo(zones, "probe.example", OURS_6)
    assert other is not None
    assert (other.matches, other.detail) == (False, "it resolves to 2001:db8::9")
    absent = await lookup_helo(zones, "absent.example", OURS)
    assert absent is not None
    assert (absent.matches, absent.detail) == (False, "it has no IPv4 address")
    silent = await lookup_helo(zones, "silent.example", OURS)
    assert silent is not None
    assert silent.matches is None


async def test_a_literal_is_compared_and_says_nothing_of_the_other_family() -> None:
    zones = Zones({})
    same = await lookup_helo(zones, f"[{OURS}]", OURS)
    other = await lookup_helo(zones, "[10.0.0.5]", OURS)
    assert same is not None
    assert other is not None
    assert (same.matches, other.matches) == (True, False)
    assert await lookup_helo(zones, f"[{OURS}]", OURS_6) is None
    literal = await lookup_helo(zones, "[IPv6:2001:DB8::1]", OURS_6)
    assert literal is not None
    assert literal.matches is True
    assert await lookup_helo(zones, "", OURS) is None
    assert not zones.asked
