"""The TLSA records that count for a mail host: the names asked, their order, and the cases without DANE."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from exporter.model.address import Family
from exporter.model.failure import Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.model.policy import Tlsa, TlsaLookup, TlsaStatus
from exporter.resolver.answer import DnsAnswer, Record, failed
from exporter.resolver.tlsa import lookup_tlsa

BOTH = (Family.IPV4, Family.IPV6)
RECORD = Tlsa(3, 1, 1, b"\x01" * 32)
OTHER = Tlsa(3, 1, 1, b"\x02" * 32)
NXDOMAIN = DnsAnswer(failure=Failure(Stage.DNS, C.DNS_NXDOMAIN))


class Zone:
    """Questions answered from a map; what is not in it is authenticated not to exist. `asked` in order."""

    def __init__(self, answers: dict[tuple[str, str], DnsAnswer]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, str]] = []

    async def ask(self, name: str, kind: str) -> DnsAnswer:
        self.asked.append((name, kind))
        return self._answers.get((name, kind), DnsAnswer(authenticated=True))

    async def ask_both(self, name: str, kinds: Sequence[str]) -> Sequence[DnsAnswer]:
        return [await self.ask(name, kind) for kind in kinds]


def _secure(*records: Record, canonical: str = "") -> DnsAnswer:
    return DnsAnswer(records, authenticated=True, is_alias=bool(canonical), canonical=canonical)


def _insecure(*records: Record, canonical: str = "") -> DnsAnswer:
    return DnsAnswer(records, is_alias=bool(canonical), canonical=canonical)


def _zone(answers: dict[tuple[str, str], DnsAnswer]) -> Zone:
    usual = {
        ("mx.a.example", "A"): _secure("192.0.2.1"),
        ("_25._tcp.mx.a.example", "TLSA"): _secure(RECORD),
    }
    return Zone(usual | answers)


async def _look_up(zone: Zone) -> TlsaLookup:
    return await lookup_tlsa(zone, "mx.a.example", 25, BOTH)


async def test_records_that_are_authenticated_all_the_way_are_found() -> None:
    zone = _zone({})
    assert await _look_up(zone) == TlsaLookup(TlsaStatus.FOUND, (RECORD,), ("mx.a.example",))
    assert zone.asked[-1] == ("_25._tcp.mx.a.example", "TLSA")


async def test_the_port_is_part_of_the_name() -> None:
    zone = _zone({("_2525._tcp.mx.a.example", "TLSA"): _secure(OTHER)})
    assert (await lookup_tlsa(zone, "mx.a.example", 2525, BOTH)).records == (OTHER,)


@pytest.mark.parametrize(
    "answers",
    [
        {("mx.a.example", "A"): _insecure("192.0.2.1")},
        {("mx.a.example", "AAAA"): _insecure("2001:db8::1")},
        {("mx.a.example", "A"): failed(C.DNS_BOGUS, ""), ("mx.a.example", "AAAA"): failed(C.DNS_BOGUS, "")},
        {
            ("mx.a.example", "A"): _insecure("192.0.2.1", canonical="b.example"),
            ("mx.a.example", "CNAME"): _insecure("b.example"),
        },
    ],
    ids=["a", "aaaa", "no address", "alias"],
)
async def test_where_an_answer_is_not_authenticated_nothing_is_asked_about_tlsa(
    answers: dict[tuple[str, str], DnsAnswer],
) -> None:
    """RFC 7672 2.2.3: some name servers fall silent at the question."""
    zone = _zone(answers)
    lookup = await _look_up(zone)
    assert lookup.status is TlsaStatus.INSECURE
    assert lookup.detail
    assert "TLSA" not in {kind for _, kind in zone.asked}


async def test_one_family_that_cannot_be_looked_up_does_not_hide_the_other() -> None:
    lookup = await _look_up(_zone({("mx.a.example", "AAAA"): failed(C.DNS_TIMEOUT, "")}))
    assert lookup.status is TlsaStatus.FOUND


@pytest.mark.parametrize("answer", [DnsAnswer(authenticated=True), DnsAnswer(), NXDOMAIN, _insecure(RECORD)])
async def test_no_records_or_insecure_ones_are_none(answer: DnsAnswer) -> None:
    lookup = await _look_up(_zone({("_25._tcp.mx.a.example", "TLSA"): answer}))
    assert lookup == TlsaLookup(TlsaStatus.ABSENT)


@pytest.mark.parametrize("reason", [C.DNS_BOGUS, C.DNS_SERVFAIL, C.DNS_TIMEOUT, C.DNS_REFUSED, C.DNS_MALFORMED])
async def test_records_that_cannot_be_looked_up_are_no_absence(reason: C) -> None:
    """RFC 7672 2.1.2: a forger could make the question fail."""
    lookup = await _look_up(_zone({("_25._tcp.mx.a.example", "TLSA"): failed(reason, "why")}))
    assert lookup.status is TlsaStatus.FAILED
    assert lookup.failure is not None
    assert lookup.failure.failure_class is reason


ALIAS = {("mx.a.example", "A"): _secure("192.0.2.1", canonical="b.example")}


async def test_of_a_secure_alias_the_final_name_comes_first() -> None:
    zone = _zone(ALIAS | {("_25._tcp.b.example", "TLSA"): _secure(OTHER)})
    assert await _look_up(zone) == TlsaLookup(TlsaStatus.FOUND, (OTHER,), ("b.example",))


async def test_then_the_alias_itself() -> None:
    zone = _zone(ALIAS)
    assert await _look_up(zone) == TlsaLookup(TlsaStatus.FOUND, (RECORD,), ("mx.a.example",))
    assert [name for name, kind in zone.asked if kind == "TLSA"] == ["_25._tcp.b.example", "_25._tcp.mx.a.example"]


async def test_an_alias_whose_final_name_cannot_be_asked_about_fails() -> None:
    zone = _zone(ALIAS | {("_25._tcp.b.example", "TLSA"): failed(C.DNS_SERVFAIL, "")})
    assert (await _look_up(zone)).status is TlsaStatus.FAILED


LEAVING = {("mx.a.example", "A"): _insecure("192.0.2.1", canonical="b.example")}


async def test_of_a_secure_alias_into_an_insecure_zone_the_alias_alone_counts() -> None:
    zone = _zone(LEAVING | {("mx.a.example", "CNAME"): _secure("b.example")})
    assert await _look_up(zone) == TlsaLookup(TlsaStatus.FOUND, (RECORD,), ("mx.a.example",))


async def test_an_alias_that_cannot_be_asked_about_fails() -> None:
    zone = _zone(LEAVING | {("mx.a.example", "CNAME"): failed(C.DNS_BOGUS, "")})
    assert (await _look_up(zone)).status is TlsaStatus.FAILED


async def test_the_mx_answer_is_a_matter_of_each_domain() -> None:
    zone = _zone({})
    await _look_up(zone)
    assert "MX" not in {kind for _, kind in zone.asked}
