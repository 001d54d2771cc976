"""TLSA records in zones that nsd serves and a validating unbound judges, as far as the resolver's part goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from exporter.model.address import Family
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import FailureClass as C
from exporter.model.policy import TlsaStatus
from exporter.resolver.client import Resolver
from tests.support.daemons import nsd, unbound
from tests.support.dnssec import sign

BOTH = (Family.IPV4, Family.IPV6)
SOA = "$TTL 60\n@ IN SOA ns.{zone}. admin.{zone}. 1 3600 600 86400 30\n@ IN NS ns.{zone}.\nns IN A 127.0.0.1\n"
EE = "3 1 1 " + "AB" * 32
SIGNED = (
    SOA.format(zone="signed.example")
    + f"""
@ IN MX 10 mx
good IN MX 10 mx
leaving IN MX 10 mx.plain.example.
aliased IN MX 10 alias
departing IN MX 10 departure
tampered IN MX 10 forged
implicit IN A 192.0.2.8
_25._tcp.implicit IN TLSA {EE}
mx IN A 192.0.2.1
mx IN AAAA 2001:db8::1
_25._tcp.mx IN TLSA {EE}
_25._tcp.mx IN TLSA 2 0 1 {"CD" * 32}
bare IN MX 10 bare
bare IN A 192.0.2.2
alias IN CNAME mx
departure IN CNAME mx.plain.example.
_25._tcp.departure IN TLSA {EE}
forged IN A 192.0.2.3
_25._tcp.forged IN TLSA 3 1 1 {"DEADBEEF" * 8}
pointed IN A 192.0.2.4
_25._tcp.pointed IN CNAME _25._tcp.mx
malformed IN A 192.0.2.7
_25._tcp.malformed IN TLSA {EE}
_25._tcp.malformed IN TLSA 3 1 1 {"AB" * 31}
lengthy IN A 192.0.2.8
_25._tcp.lengthy IN TLSA 3 1 1 {"AB" * 31}
_25._tcp.lengthy IN TLSA 3 0 0 {"5A" * 8000}
large IN A 192.0.2.5
_25._tcp.large IN TLSA 3 0 0 {"5A" * 17000}
texts IN TXT "v=STSv1; " "id=1;"
texts IN TXT "v=spf1 -all"
"""
)
PLAIN = SOA.format(zone="plain.example") + f"@ IN MX 10 mx\nmx IN A 192.0.2.6\n_25._tcp.mx IN TLSA {EE}\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("dns")
    signed, anchor = sign(folder / "signed", "signed.example", SIGNED)
    assert "DEADBEEF" in signed
    # One record changed after it was signed.
    signed = signed.replace("DEADBEEF", "DEADBEE0", 1)
    with (
        nsd(folder / "nsd", {"signed.example": signed, "plain.example": PLAIN}) as nsd_port,
        unbound(
            folder / "unbound", {"signed.example": nsd_port, "plain.example": nsd_port}, trust_anchors=[anchor]
        ) as resolver,
    ):
        yield resolver


@pytest.fixture
async def resolver(port: int) -> AsyncIterator[Resolver]:
    resolver = Resolver(ResolverSettings(nameservers=(("127.0.0.1", port),)))
    yield resolver
    resolver.close()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mx.signed.example", TlsaStatus.FOUND),
        ("implicit.signed.example", TlsaStatus.FOUND),
        ("bare.signed.example", TlsaStatus.ABSENT),
        ("mx.plain.example", TlsaStatus.INSECURE),
        ("alias.signed.example", TlsaStatus.FOUND),
        ("departure.signed.example", TlsaStatus.FOUND),
        ("forged.signed.example", TlsaStatus.FAILED),
        ("pointed.signed.example", TlsaStatus.FOUND),
        ("large.signed.example", TlsaStatus.FAILED),
        ("absent.signed.example", TlsaStatus.INSECURE),
    ],
)
async def test_what_a_validating_resolver_says_about_a_host(resolver: Resolver, host: str, status: TlsaStatus) -> None:
    lookup = await resolver.lookup_tlsa(host, 25, BOTH)
    assert lookup.status is status, lookup
    if status is TlsaStatus.FOUND:
        assert "3 1 1 " + "ab" * 32 in map(str, lookup.records)


@pytest.mark.parametrize(
    ("host", "records"),
    [
        ("malformed.signed.example", {"3 1 1 " + "ab" * 32, "3 1 1 " + "ab" * 31}),
        ("lengthy.signed.example", {"3 1 1 " + "ab" * 31, "3 0 0 " + "5a" * 64 + "…"}),
    ],
    ids=["udp", "tcp"],
)
async def test_a_malformed_record_is_a_record_and_hides_no_other(
    resolver: Resolver, host: str, records: set[str]
) -> None:
    """RFC 6698 4.1: it is unusable, which is not to say that there is none."""
    lookup = await resolver.lookup_tlsa(host, 25, BOTH)
    assert set(map(str, lookup.records)) == records, lookup


async def test_a_forged_record_is_bogus(resolver: Resolver) -> None:
    lookup = await resolver.lookup_tlsa("forged.signed.example", 25, BOTH)
    assert lookup.failure is not None
    assert lookup.failure.failure_class is C.DNS_BOGUS


async def test_an_alias_gives_the_name_its_certificate_may_have(resolver: Resolver) -> None:
    assert (await resolver.lookup_tlsa("alias.signed.example", 25, BOTH)).names == ("mx.signed.example",)
    assert (await resolver.lookup_tlsa("departure.signed.example", 25, BOTH)).names == ("departure.signed.example",)


async def test_the_strings_of_a_txt_record_are_one_text(resolver: Resolver) -> None:
    answer = await resolver.lookup_txt("texts.signed.example")
    assert set(answer.records) == {b"v=STSv1; id=1;", b"v=spf1 -all"}
    assert answer.authenticated
    assert not (await resolver.lookup_txt("mx.signed.example")).records
