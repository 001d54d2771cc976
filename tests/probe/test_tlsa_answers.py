"""The TLSA records of the hosts of a turn."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import cast

import pytest

from exporter.model.address import Family
from exporter.model.policy import DANE_EE, Tlsa, TlsaLookup, TlsaStatus
from exporter.policies.host_policies import TlsaSearches
from exporter.policies.queries import PolicyQueries
from exporter.probe.tlsa_answers import NOT_ASKED, TlsaAnswers, TlsaKnown
from tests.probe.test_hosts import MINUTE, Kept, domain

ABSENT, FOUND = TlsaLookup(TlsaStatus.ABSENT), TlsaLookup(TlsaStatus.FOUND, (Tlsa(DANE_EE, 1, 1, b"x" * 32),), ("mx",))


class TlsaZone:
    """A resolver of TLSA records: a lookup for each name; an Event in its place is waited for."""

    def __init__(self, **lookups: TlsaLookup | asyncio.Event) -> None:
        self.lookups = lookups
        self.asked: list[tuple[str, int]] = []

    async def lookup_tlsa(
        self, host: str, port: int, families: tuple[Family, ...], domain: str | None = None
    ) -> TlsaLookup:
        assert domain is None, "what a host has is no matter of a domain"
        self.asked.append((host, port))
        found = self.lookups.get(host.partition(".")[0], ABSENT)
        if isinstance(found, asyncio.Event):
            await found.wait()
            return FOUND
        return found

    def searches(self, patience: float = 2.0) -> TlsaSearches:
        return TlsaSearches(cast(PolicyQueries, self), patience=patience)


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_each_name_is_asked_about_once_and_an_address_never(kept: Kept) -> None:
    zone = TlsaZone(a=FOUND)
    a, b, c = (
        kept.table.hold(domain(), kept.key(name), MINUTE).host for name in ("a.example", "b.example", "192.0.2.9")
    )
    answers = TlsaAnswers(zone.searches(), 5.0, nullcontext)
    answers.begin((a, b, c))
    await answers.wait((a, b, c))
    assert zone.asked == [("a.example", 25), ("b.example", 25)]
    assert answers.of(b) == TlsaKnown(ABSENT)
    assert answers.of(c) == NOT_ASKED
    known = answers.of(a)
    assert known.lookup is not None
    assert known.lookup.records == FOUND.records


async def test_the_certificate_may_have_the_name_of_a_domain_of_the_host(kept: Kept) -> None:
    """RFC 7672 3.2.2."""
    holders = [domain(f"d{number}.example") for number in range(100)]
    hosts = {kept.table.hold(holder, kept.key("a.example"), MINUTE).host for holder in holders}
    answers = TlsaAnswers(TlsaZone(a=FOUND).searches(), 5.0, nullcontext)
    await answers.wait([*hosts])
    (host,) = hosts
    lookup = answers.of(host).lookup
    assert lookup is not None
    assert lookup.names[:3] == ("mx", "d0.example", "d1.example")
    assert len(lookup.names) == 65


async def test_records_that_are_not_known_in_time_are_awaited(kept: Kept) -> None:
    never = asyncio.Event()
    searches = TlsaZone(a=never).searches(patience=0.0)
    host = kept.table.hold(domain(), kept.key("a.example"), MINUTE).host
    answers = TlsaAnswers(searches, 5.0, nullcontext)
    await answers.wait((host,))
    assert answers.of(host) == TlsaKnown(None, awaited=True)
    never.set()
    later = TlsaAnswers(searches, 5.0, nullcontext)
    later.begin((host,))
    for _ in range(5):
        await asyncio.sleep(0)
    assert later.of(host).lookup is not None, "the search went on"
