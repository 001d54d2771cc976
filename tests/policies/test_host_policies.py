"""The TLSA records of mail hosts looked up, once for all addresses of a host."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

from exporter.model.address import Family
from exporter.model.policy import Tlsa, TlsaLookup, TlsaStatus
from exporter.policies.host_policies import TlsaSearches, with_domains
from tests.policies.lookups import Names

BOTH = (Family.IPV4, Family.IPV6)
SMALL, LARGE = (TlsaLookup(TlsaStatus.FOUND, (Tlsa(3, 1, 0, bytes(size)),), ("mx.a.example",)) for size in (32, 5000))


class Records(Names):
    """A DNS with the TLSA records `answer` for all hosts."""

    answer = SMALL

    async def lookup_tlsa(self, host: str, port: int, families: tuple[Family, ...]) -> TlsaLookup:
        await super().lookup_tlsa(host, port, families)
        return self.answer


async def _found(searches: TlsaSearches, seconds: float = 5.0) -> TlsaLookup | None:
    search = searches.begin("mx.a.example", 25, BOTH, seconds)
    assert search is not None
    await search.wait(nullcontext)
    return search.found


async def test_all_addresses_of_a_host_share_one_search_at_its_port() -> None:
    names = Records()
    searches = TlsaSearches(names)
    begun = [searches.begin("mx.a.example", 2525, BOTH, 5.0) for _ in range(3)]
    for search in begun:
        assert search is not None
        await search.wait(nullcontext)
        assert search.found == SMALL
    assert names.tlsa == [("mx.a.example", 2525)]


async def test_an_address_has_no_records() -> None:
    names = Names()
    searches = TlsaSearches(names)
    assert searches.begin("192.0.2.1", 25, BOTH, 5.0) is None
    assert searches.begin("2001:db8::1", 25, BOTH, 5.0) is None
    assert names.tlsa == []


async def test_records_that_are_not_known_in_time_are_those_of_the_last_time() -> None:
    names = Records()
    searches = TlsaSearches(names, patience=0.0)
    assert await _found(searches) is None
    await asyncio.sleep(0.01)
    names.silent = {"mx.a.example"}
    assert await _found(searches) == SMALL


async def test_a_search_ends_with_its_time_and_is_not_known_then() -> None:
    names = Records(silent={"mx.a.example"})
    assert await _found(TlsaSearches(names), 0.05) is None


async def test_large_records_are_not_remembered() -> None:
    names = Records()
    names.answer = LARGE
    searches = TlsaSearches(names)
    assert await _found(searches) == LARGE
    names.silent = {"mx.a.example"}
    late = TlsaSearches(names, patience=0.0, searches=searches._searches)
    assert await _found(late) is None
    await searches._searches.close()


def test_the_certificate_may_have_the_name_of_a_domain_that_uses_the_host() -> None:
    """RFC 7672 3.2.2."""
    named = with_domains(SMALL, ["a.example", "b.example", "a.example"])
    assert named is not None
    assert named.names == ("mx.a.example", "a.example", "b.example")
    many = with_domains(SMALL, (f"d{number}.example" for number in range(10_000)))
    assert many is not None
    assert len(many.names) == 65
    absent = TlsaLookup(TlsaStatus.ABSENT)
    assert with_domains(absent, ["a.example"]) is absent
    assert with_domains(None, ["a.example"]) is None
