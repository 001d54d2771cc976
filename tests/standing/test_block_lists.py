"""Our standing against a real name server: a reverse zone, block lists of both families, and SPF policies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from exporter.model.configuration import ResolverSettings
from exporter.model.standing import ListingState, SpfResult
from exporter.policies.spf.check_host import check_host
from exporter.resolver.client import Resolver
from exporter.standing.block_lists import lookup_listing
from exporter.standing.own_names import lookup_reverse_dns
from tests.support.daemons import nsd

SOA = "$TTL 60\n@ IN SOA ns.{zone}. admin.{zone}. 1 3600 600 86400 30\n@ IN NS ns.example.\n"
OURS, OURS_6, CLEAN = "192.0.2.1", "2001:db8::1", "192.0.2.7"
_NIBBLES_OF_TESTS = "0.0.0.0.0.f.7.f.f.f.f" + ".0" * 20
_NIBBLES = "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2"
TESTS = f"2.0.0.127 IN A 127.0.0.2\n2.{_NIBBLES_OF_TESTS} IN A 127.0.0.2\n"
ZONES = {
    "bl.example": (
        f'{TESTS}{_NIBBLES} IN A 127.0.0.2\n1.2.0.192 IN A 127.0.0.4\n1.2.0.192 IN TXT "see" " http://bl.example/"\n'
    ),
    "v4.example": "2.0.0.127 IN A 127.0.0.2\n",
    "everything.example": "* IN A 127.0.0.2\n",
    "refusing.example": "* IN A 127.255.255.254\n",
    "nothing.example": "",
    "2.0.192.in-addr.arpa": "1 IN PTR mail.sender.example.\n7 IN PTR 192-0-2-7.dynamic.example.\n",
    "sender.example": '@ IN TXT "v=spf1 mx:sender.example " "-all"\n@ IN MX 10 mail\nmail IN A 192.0.2.1\n',
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    zones = {zone: SOA.format(zone=zone) + text for zone, text in ZONES.items()}
    with nsd(tmp_path_factory.mktemp("nsd"), zones) as port:
        yield port


@asynccontextmanager
async def _resolver(port: int) -> AsyncIterator[Resolver]:
    resolver = Resolver(ResolverSettings((("127.0.0.1", port),), 5.0))
    try:
        yield resolver
    finally:
        resolver.close()


@pytest.mark.parametrize(
    ("zone", "address", "state"),
    [
        ("bl.example", OURS, ListingState.LISTED),
        ("bl.example", OURS_6, ListingState.LISTED),
        ("bl.example", CLEAN, ListingState.CLEAR),
        ("bl.example", "2001:db8::2", ListingState.CLEAR),
        ("v4.example", OURS, ListingState.CLEAR),
        ("v4.example", OURS_6, ListingState.IPV4_ONLY),
        ("everything.example", OURS, ListingState.DEAD),
        ("everything.example", OURS_6, ListingState.DEAD),
        ("refusing.example", OURS, ListingState.REFUSED),
        ("nothing.example", OURS, ListingState.DEAD),
        ("not-served.example", OURS, ListingState.FAILED),  # REFUSED by the server
    ],
)
async def test_a_list_of_each_kind_gets_its_state(port: int, zone: str, address: str, state: ListingState) -> None:
    async with _resolver(port) as resolver:
        found = await lookup_listing(resolver, zone, address)
    assert found.state is state, found.detail


async def test_a_listing_is_told_with_its_code_and_the_words_of_the_list(port: int) -> None:
    async with _resolver(port) as resolver:
        found = await lookup_listing(resolver, "bl.example", OURS)
    assert (found.codes, found.detail) == (("127.0.0.4",), "see http://bl.example/")
    assert found.at > 0


async def test_the_reverse_zone_is_read(port: int) -> None:
    async with _resolver(port) as resolver:
        ours, other, none = [await lookup_reverse_dns(resolver, address) for address in (OURS, CLEAN, "192.0.2.9")]
    assert (ours.confirmed, ours.generic) == (True, False)
    assert (other.names[0].name, other.generic) == ("192-0-2-7.dynamic.example", True)
    assert (none.names, none.confirmed) == ((), False)


async def test_spf_is_evaluated_over_the_resolver(port: int) -> None:
    async with _resolver(port) as resolver:
        ours = await check_host(resolver, OURS, "probe@sender.example", "probe.example")
        other = await check_host(resolver, CLEAN, "probe@sender.example", "probe.example")
    assert (ours.result, other.result) == (SpfResult.PASS, SpfResult.FAIL)
