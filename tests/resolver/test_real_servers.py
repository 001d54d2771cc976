"""The resolver against real name servers: nsd with the zones, a validating unbound before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exporter.model.address import Family
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import Confidence, Verdict
from exporter.model.failure import FailureClass as C
from exporter.resolver.client import Resolver
from tests.support.daemons import free_port, nsd, unbound
from tests.support.dnssec import sign

BOTH = (Family.IPV4, Family.IPV6)
SOA = "$TTL 60\n@ IN SOA ns.{zone}. admin.{zone}. 1 3600 600 86400 30\n@ IN NS ns.{zone}.\nns IN A 127.0.0.1\n"
ZONE = (
    SOA.format(zone="mail.example")
    + """
@ IN MX 10 mx1
@ IN MX 20 mx2
mx1 IN A 192.0.2.1
mx1 IN AAAA 2001:db8::1
mx2 IN A 192.0.2.2
implicit IN A 192.0.2.3
nullmx IN MX 0 .
alias IN MX 5 www
www IN CNAME mx1
nothing IN TXT "no address"
unresolvable IN MX 5 absent
dangling IN CNAME nowhere
doubled IN MX 5 mx1.mail.example
nobody IN MX 5 localhost.
xn--mller-kva IN MX 5 mx1
"""
    + "".join(f"many IN MX {number} a-rather-long-name-for-a-mail-host-{number}.many\n" for number in range(200))
)
BOGUS = SOA.format(zone="bogus.example") + "@ IN MX 10 mx\nmx IN A 192.0.2.9\n"


@asynccontextmanager
async def _resolver(port: int) -> AsyncIterator[Resolver]:
    resolver = Resolver(ResolverSettings(nameservers=(("127.0.0.1", port),), timeout=5.0))
    try:
        yield resolver
    finally:
        resolver.close()


@pytest.fixture(scope="module")
def resolver_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("dns")
    signed, anchor = sign(folder / "good", "mail.example", ZONE)
    # Signed by one key, and another is trusted: what a broken rollover looks like.
    broken, _ = sign(folder / "broken", "bogus.example", BOGUS)
    _, other = sign(folder / "other", "bogus.example", BOGUS)
    with (
        nsd(folder / "nsd", {"mail.example": signed, "bogus.example": broken}) as port,
        unbound(
            folder / "unbound", {"mail.example": port, "bogus.example": port}, trust_anchors=[anchor, other]
        ) as resolver,
    ):
        yield resolver


async def test_hosts_with_their_addresses_and_the_ad_bit(resolver_port: int) -> None:
    async with _resolver(resolver_port) as resolver:
        lookup = await resolver.lookup_mx("mail.example", BOTH)
    assert [(host.preference, host.name, host.addresses) for host in lookup.hosts] == [
        (10, "mx1.mail.example", ("192.0.2.1", "2001:db8::1")),
        (20, "mx2.mail.example", ("192.0.2.2",)),
    ]
    assert (lookup.failure, lookup.authenticated, lookup.mx_records) == (None, True, 2)
    assert lookup.duration is not None
    assert lookup.duration > 0


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("implicit.mail.example", None),
        ("xn--mller-kva.mail.example", None),
        ("nullmx.mail.example", C.DNS_NULL_MX),
        ("absent.mail.example", C.DNS_NXDOMAIN),
        ("nothing.mail.example", C.DNS_NO_ADDRESS),
        ("unresolvable.mail.example", C.MX_UNRESOLVABLE),
        ("bogus.example", C.DNS_BOGUS),
    ],
)
async def test_what_a_real_resolver_says_gets_its_class(resolver_port: int, domain: str, expected: C | None) -> None:
    async with _resolver(resolver_port) as resolver:
        lookup = await resolver.lookup_mx(domain, BOTH)
    assert (lookup.failure.failure_class if lookup.failure else None) == expected


async def test_an_mx_that_is_an_alias(resolver_port: int) -> None:
    async with _resolver(resolver_port) as resolver:
        lookup = await resolver.lookup_mx("alias.mail.example", BOTH)
    assert [(host.name, host.addresses, host.is_cname) for host in lookup.hosts] == [
        ("www.mail.example", ("192.0.2.1", "2001:db8::1"), True)
    ]


async def test_an_answer_too_long_for_a_datagram_comes_whole_over_tcp(resolver_port: int) -> None:
    async with _resolver(resolver_port) as resolver:
        lookup = await resolver.lookup_mx("many.mail.example", (Family.IPV4,))
    assert lookup.mx_records == 200


async def test_an_answer_within_its_ttl_is_not_asked_again(resolver_port: int) -> None:
    async with _resolver(resolver_port) as resolver:
        first = await resolver.lookup_mx("mail.example", BOTH)
        second = await resolver.lookup_mx("mail.example", BOTH)
    assert first.duration == second.duration


async def test_a_resolver_that_refuses_is_ours(tmp_path: Path) -> None:
    with nsd(tmp_path, {"mail.example": ZONE}) as port:
        async with _resolver(port) as resolver:
            lookup = await resolver.lookup_mx("elsewhere.test", BOTH)
    assert lookup.failure is not None
    assert lookup.failure.failure_class is C.DNS_REFUSED


async def test_a_resolver_that_is_not_there_is_ours() -> None:
    async with _resolver(free_port()) as resolver:
        lookup = await resolver.lookup_mx("mail.example", BOTH)
    assert lookup.failure is not None
    assert lookup.failure.failure_class is C.DNS_TIMEOUT


BLOCKED = (
    SOA.format(zone="blocked.example") + "@ IN MX 10 mx\nmx IN A 192.0.2.9\nown IN MX 10 zero\nzero IN A 0.0.0.0\n"
)


def _rpz(folder: Path, *records: str) -> str:
    """A response policy zone of these records, as the end of unbound's configuration."""
    zone = folder / "rpz.zone"
    zone.write_text("$TTL 60\n@ IN SOA ns. admin. 1 3600 600 86400 30\n@ IN NS ns.\n" + "\n".join(records) + "\n")
    return f'rpz:\n  name: "rpz.invalid"\n  zonefile: "{zone}"\n'


@pytest.mark.parametrize(
    ("records", "confidence"),
    [
        (("mx.blocked.example A 0.0.0.0", "mx.blocked.example AAAA ::"), Confidence.LIKELY),
        (("mx.blocked.example A 0.0.0.0", "*.mx.blocked.example A 0.0.0.0"), Confidence.LIKELY),
        (("mx.blocked.example A 0.0.0.0",), Confidence.UNCERTAIN),
    ],
)
async def test_a_response_policy_zone_is_told_as_a_filter_of_ours(
    tmp_path: Path, records: tuple[str, ...], confidence: Confidence
) -> None:
    with (
        nsd(tmp_path / "nsd", {"blocked.example": BLOCKED}) as authority,
        unbound(tmp_path / "unbound", {"blocked.example": authority}, ends=_rpz(tmp_path, *records)) as port,
    ):
        async with _resolver(port) as resolver:
            lookup = await resolver.lookup_mx("blocked.example", BOTH)
            own = await resolver.lookup_mx("own.blocked.example", BOTH)
    filtered = lookup.hosts[0].filtered
    assert filtered is not None
    assert (filtered.failure_class, filtered.confidence) == (C.RESOLVER_FAILING, confidence)
    assert filtered.about == f"127.0.0.1:{port}"
    # The zone's own 0.0.0.0, of which nothing more is to be seen from here.
    assert own.hosts[0].filtered is not None
    assert own.hosts[0].filtered.confidence is Confidence.UNCERTAIN


async def test_a_resolver_that_may_not_be_asked_says_so(tmp_path: Path) -> None:
    with unbound(tmp_path, {}, more="  access-control: 127.0.0.0/8 refuse\n") as port:
        async with _resolver(port) as resolver:
            lookup = await resolver.lookup_mx("mail.example", BOTH)
    assert lookup.failure is not None
    assert lookup.failure.verdict is Verdict.LOCAL


async def test_a_domain_whose_nameserver_does_not_know_it_is_dead(tmp_path: Path) -> None:
    with (
        nsd(tmp_path / "nsd", {"other.example": SOA.format(zone="other.example")}) as lame,
        unbound(tmp_path / "unbound", {"mail.example": lame}) as port,
    ):
        async with _resolver(port) as resolver:
            lookup = await resolver.lookup_mx("mail.example", BOTH)
    assert lookup.failure is not None
    assert (lookup.failure.failure_class, lookup.failure.verdict) == (C.DNS_SERVFAIL, Verdict.DEAD)
    assert lookup.cause is C.DNS_SERVFAIL
    assert lookup.asked_at is not None
    assert lookup.nameserver == f"127.0.0.1:{port}"


async def test_an_alias_that_ends_nowhere_and_a_name_that_its_zone_has_not(resolver_port: int) -> None:
    async with _resolver(resolver_port) as resolver:
        dangling = await resolver.lookup_mx("dangling.mail.example", BOTH)
        absent = await resolver.lookup_mx("absent.mail.example", BOTH)
        doubled = await resolver.lookup_mx("doubled.mail.example", BOTH)
        nobody = await resolver.lookup_mx("nobody.mail.example", BOTH)
    assert dangling.failure is not None
    assert "is an alias of nowhere.mail.example, which does not exist" in dangling.failure.detail
    assert absent.failure is not None
    assert absent.failure.evidence == ("mail.example exists, and its zone has no such name",)
    assert doubled.failure is not None
    assert "the final dot is missing" in doubled.failure.detail
    assert nobody.failure is not None
    assert nobody.failure.failure_class is C.DNS_NULL_MX
