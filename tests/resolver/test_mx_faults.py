"""Sentences about MX records that solve it: each names the fault, and the name to act on. The DNS is a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dns.rcode
import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.config.values import parse_network
from exporter.diagnosis.domain_failure import without_mx
from exporter.lab.dns_host import DnsHost, Fault
from exporter.model.address import Family
from exporter.model.configuration import Limits, ResolverSettings
from exporter.model.failure import Confidence, Failure, Stage, Verdict
from exporter.model.failure import FailureClass as C
from exporter.model.result import MxHost, MxLookup, ProbeResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.net.special_addresses import forbidden
from exporter.probe.prober import Prober
from exporter.resolver.client import Resolver
from exporter.resolver.mx_faults import forbidden_address, is_doubled

BOTH = (Family.IPV4, Family.IPV6)
MAX_WORDS = 25
Records = Mapping[tuple[str, str], Sequence[str]]
Faults = Mapping[str | tuple[str, str], Fault]


class _Dns:
    """A resolver that asks a name server of its own; `ttl` 0: nothing is remembered."""

    def __init__(self, records: Records, faults: Faults | None = None, address: str = "127.0.0.1") -> None:
        self.host = DnsHost(records, faults)
        self._address = address

    async def __aenter__(self) -> Resolver:
        server = await self.host.start(self._address)
        self._resolver = Resolver(ResolverSettings(nameservers=(server,), timeout=2.0))
        return self._resolver

    async def __aexit__(self, *_: object) -> None:
        self._resolver.close()
        await self.host.stop()


async def _look(records: Records, domain: str = "example.com", faults: Faults | None = None) -> MxLookup:
    async with _Dns(records, faults) as resolver:
        return await resolver.lookup_mx(domain, BOTH)


async def _probe(
    records: Records,
    domain: str = "example.com",
    faults: Faults | None = None,
    *,
    address: str = "127.0.0.1",
    allowed: tuple[str, ...] = (),
) -> ProbeResult:
    settings = Settings(timeout=1.0, port=1, allow_addresses=tuple(map(parse_network, allowed)))
    async with _Dns(records, faults, address) as resolver:
        prober = Prober(resolver, Limits(), "me.example.net", ProbeSlots(10))
        return await prober.probe(Target(TargetKind.DOMAIN, domain, domain, settings))


def _failure(found: MxLookup | ProbeResult) -> Failure:
    assert found.failure is not None
    failure = found.failure
    assert len(failure.detail.split()) <= MAX_WORDS, failure.detail
    return failure


# Aliases, missing dots, addresses, localhost


async def test_a_domain_that_is_an_alias_of_a_name_without_mx_and_address() -> None:
    failure = _failure(await _look({("example.com", "CNAME"): ["www.example.net."], ("www.example.net", "TXT"): ["x"]}))
    assert failure.failure_class is C.DNS_NO_ADDRESS
    assert failure.detail == "example.com is an alias of www.example.net, which has no MX record and no address"
    assert failure.about == "www.example.net"


async def test_an_alias_that_ends_nowhere() -> None:
    failure = _failure(await _look({("example.com", "CNAME"): ["gone.example.net."]}))
    assert failure.failure_class is C.DNS_NXDOMAIN
    assert "is an alias of gone.example.net, which does not exist" in failure.detail
    assert failure.about == "gone.example.net"


async def test_an_mx_host_that_is_an_alias_that_ends_nowhere() -> None:
    records = {("example.com", "MX"): ["10 mail.example.com."], ("mail.example.com", "CNAME"): ["gone.example.net."]}
    failure = _failure(await _look(records))
    assert failure.failure_class is C.MX_UNRESOLVABLE
    assert failure.detail == "the MX host mail.example.com is an alias of gone.example.net, which does not exist"


@pytest.mark.parametrize(
    ("domain", "names", "meant"),
    [
        ("example.com", "mail.example.com.example.com", "mail.example.com"),
        ("sub.example.com", "mail.example.com.example.com", "mail.example.com"),
        ("example.com", "mx.provider.test.example.com", "mx.provider.test"),
        ("sub.example.com", "mx.provider.test.sub.example.com", "mx.provider.test"),
    ],
)
async def test_a_final_dot_that_is_missing(domain: str, names: str, meant: str) -> None:
    records = {(domain, "MX"): [f"10 {names}."], (meant, "A"): ["192.0.2.7"]}
    failure = _failure(await _look(records, domain))
    assert failure.failure_class is C.MX_UNRESOLVABLE
    assert failure.detail == f"the final dot is missing in the zone: the MX record names {names}"
    assert any(f"write {meant}." in part for part in failure.evidence)


async def test_a_doubled_name_says_so_though_what_is_meant_does_not_exist_either() -> None:
    failure = _failure(await _look({("example.com", "MX"): ["10 mail.example.com.example.com."]}))
    assert "the final dot is missing" in failure.detail


async def test_a_host_that_is_absent_for_another_reason_is_only_absent() -> None:
    dns = _Dns({("example.com", "MX"): [f"{number} mail{number}.sub.example.com." for number in range(20)]})
    async with dns as resolver:
        failure = _failure(await resolver.lookup_mx("example.com", (Family.IPV4,)))
    assert failure.detail == "the MX host mail0.sub.example.com does not exist"
    assert sum(dns.host.queries.values()) == 1 + 20 + 1, "one more question and no more"


async def test_an_address_with_the_zones_name_behind_it() -> None:
    failure = _failure(await _look({("example.com", "MX"): ["10 192.0.2.7.example.com."]}))
    assert failure.failure_class is C.MX_IS_ADDRESS
    assert "192.0.2.7" in failure.detail


@pytest.mark.parametrize("name", ["localhost", "localhost.localdomain", "x.localhost", "localhost.example.com"])
async def test_localhost_says_what_null_mx_says(name: str) -> None:
    lookup = await _look({("example.com", "MX"): [f"10 {name}."], ("example.com", "A"): ["192.0.2.1"]})
    failure = _failure(lookup)
    assert (failure.failure_class, failure.verdict) == (C.DNS_NULL_MX, Verdict.DECLINED)
    assert name in failure.detail


async def test_localhost_of_the_domain_itself_that_is_loopback_says_so_too() -> None:
    records = {("example.com", "MX"): ["10 localhost.example.com."], ("localhost.example.com", "A"): ["127.0.0.1"]}
    assert _failure(await _look(records)).failure_class is C.DNS_NULL_MX


async def test_localhost_among_others_is_left_out_as_null_mx_is() -> None:
    records = {("example.com", "MX"): ["0 localhost.", "10 mx.example.com."], ("mx.example.com", "A"): ["192.0.2.1"]}
    lookup = await _look(records)
    assert [host.name for host in lookup.hosts] == ["mx.example.com"]
    assert lookup.null_mx_among_others


@pytest.mark.parametrize(
    ("domain", "zones", "said"),
    [
        ("nosuch.com", {}, "registry of com"),
        ("www.example.com", {("example.com", "A"): ["192.0.2.1"]}, ""),
    ],
)
async def test_of_a_domain_that_does_not_exist_the_zone_is_told(domain: str, zones: Records, said: str) -> None:
    failure = _failure(await _look(zones, domain))
    assert failure.failure_class is C.DNS_NXDOMAIN
    assert said in " ".join(failure.evidence)


async def test_a_nameserver_that_a_servfail_names_is_whom_to_call() -> None:
    text = "[192.0.2.9]:53 rcode=REFUSED for example.com MX\n\x1b[31m\u202e" + "x" * 600
    fault = Fault(rcode=dns.rcode.SERVFAIL, extended_error=22, extended_text=text)
    failure = _failure(await _look({}, faults={"example.com": fault}))
    assert (failure.failure_class, failure.about) == (C.DNS_SERVFAIL, "192.0.2.9")
    assert "EDE 22 No Reachable Authority" in failure.detail
    assert failure.evidence[0].isprintable()
    assert len(failure.evidence[0]) < 500


# Special addresses


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("10.25.25.25", "allow_addresses: [10.25.25.25]"),
        ("fd00::25", "allow_addresses: [fd00::25]"),
        ("127.0.0.1", "every host means itself"),
    ],
)
def test_a_special_address_comes_with_what_to_do(address: str, said: str) -> None:
    reason = forbidden(address, ())
    assert reason is not None
    failure = forbidden_address("mx.example.com", address, reason)
    assert failure.failure_class is C.MX_ADDRESS_FORBIDDEN
    assert said in " ".join(failure.evidence)


async def test_a_name_collision_is_told_as_one() -> None:
    records = {("example.com", "MX"): ["10 mx.example.com."], ("mx.example.com", "A"): ["127.0.53.53"]}
    failure = _failure(await _probe(records))
    assert failure.failure_class is C.MX_ADDRESS_FORBIDDEN
    assert "name collision" in failure.detail


# No MX record


def _implicit(*addresses: str, alias: str = "") -> MxLookup:
    return MxLookup("example.com", (MxHost("example.com", 0, addresses),), alias_of=alias)


@pytest.mark.parametrize(
    ("lookup", "failure_class", "expected"),
    [
        (
            _implicit("192.0.2.7"),
            C.CONNECT_REFUSED,
            "example.com has no MX record; its own address 192.0.2.7 was tried and runs no mail",
        ),
        (
            _implicit("192.0.2.7", "2001:db8::7"),
            C.CONNECT_TIMEOUT,
            "example.com has no MX record; its own addresses 192.0.2.7, 2001:db8::7 were tried and none answers",
        ),
        (
            _implicit("192.0.2.7", alias="www.example.net"),
            C.CONNECT_REFUSED,
            "example.com is an alias of www.example.net, which has no MX record; its own address 192.0.2.7 was tried"
            " and runs no mail",
        ),
    ],
)
def test_without_mx_the_domain_is_told_so_first(lookup: MxLookup, failure_class: C, expected: str) -> None:
    own = Failure(Stage.CONNECT, failure_class, "refuses the connection")
    worded = without_mx(lookup, own)
    assert worded.detail == expected
    assert len(worded.detail.split()) <= MAX_WORDS
    assert (worded.failure_class, worded.verdict, worded.confidence) == (failure_class, own.verdict, own.confidence)
    assert "refuses the connection" in worded.evidence


async def test_without_mx_a_special_address_is_told_as_the_domains_own() -> None:
    failure = _failure(await _probe({("example.com", "A"): ["192.168.1.4"]}))
    assert failure.failure_class is C.MX_ADDRESS_FORBIDDEN
    assert failure.detail == "example.com has no MX record; its own address 192.168.1.4 is private (RFC 1918)"


async def test_what_could_not_be_found_out_of_an_mx_host_is_no_surer_than_of_a_domain() -> None:
    records = {("example.com", "MX"): ["10 mx.example.com."]}
    failure = _failure(await _look(records, faults={"mx.example.com": Fault(rcode=dns.rcode.SERVFAIL)}))
    assert (failure.failure_class, failure.confidence) == (C.MX_UNRESOLVABLE, Confidence.LIKELY)
    absent = _failure(await _look(records))
    assert (absent.failure_class, absent.confidence) == (C.MX_UNRESOLVABLE, Confidence.CERTAIN)


async def test_aliases_in_a_circle_are_told_in_words() -> None:
    records = {("example.com", "CNAME"): ["b.example.com."], ("b.example.com", "CNAME"): ["example.com."]}
    failure = _failure(await _look(records))
    assert failure.failure_class is C.DNS_MALFORMED
    assert "its aliases lead in a circle" in failure.detail


@pytest.mark.parametrize("domain", ["nosuch.invalid", "nosuch.example", "nosuch.test", "nosuch.local"])
async def test_where_nobody_registers_anything_no_registry_is_spoken_of(domain: str) -> None:
    assert not _failure(await _look({}, domain)).evidence


@pytest.mark.parametrize(
    ("records", "faults"),
    [
        ({("example.com", "TXT"): ["x"]}, {}),
        ({("example.com", "CNAME"): ["b.example.net."], ("b.example.net", "TXT"): ["x"]}, {}),
        ({("example.com", "MX"): ["10 192.0.2.1."]}, {}),
        ({}, {"example.com": Fault(silent=True)}),
    ],
    ids=["no address", "an alias without address", "an address", "silence"],
)
async def test_evidence_does_not_say_the_finding_again(records: Records, faults: Faults) -> None:
    assert not _failure(await _look(records, faults=faults)).evidence


def test_a_failure_that_says_more_keeps_its_words_and_one_with_mx_is_left_alone() -> None:
    blocked = Failure(Stage.CONNECT, C.EGRESS_BLOCKED, "port 25 is shut")
    assert without_mx(_implicit("192.0.2.7"), blocked).detail == "port 25 is shut"
    with_mx = MxLookup("example.com", (MxHost("mx.example.com", 10, ("192.0.2.7",)),), mx_records=1)
    assert without_mx(with_mx, blocked) is blocked


def test_doubled_names() -> None:
    assert is_doubled("example.com", "mail.example.com.example.com")
    assert is_doubled("example.com", "example.com.example.com")
    assert not is_doubled("example.com", "mail.example.com")
    assert not is_doubled("com.com", "mail.com.com")


# A resolver that filters

MX = {("example.com", "MX"): ["10 mx.example.com."]}
CONTROL = "no-such-name-asked-by-mx-exporter.mx.example.com"


@pytest.mark.parametrize("code", [15, 16, 17, 18, 4])
@pytest.mark.parametrize("rcode", [None, dns.rcode.NXDOMAIN, dns.rcode.REFUSED, dns.rcode.SERVFAIL])
@pytest.mark.parametrize("name", ["example.com", "mx.example.com"])
async def test_a_resolver_that_says_that_it_filters_is_ours(
    code: int, rcode: dns.rcode.Rcode | None, name: str
) -> None:
    records = MX | {("mx.example.com", "A"): ["0.0.0.0"]}
    fault = Fault(rcode=rcode, extended_error=code, extended_text="by order of \x1b[31mus")
    dns_ = _Dns(records, {name: fault})
    async with dns_ as resolver:
        lookup = await resolver.lookup_mx("example.com", BOTH)
        server = dns_.host.server
    failure = _failure(lookup)
    assert (failure.stage, failure.failure_class) == (Stage.DNS, C.RESOLVER_FAILING)
    assert (failure.verdict, failure.confidence, failure.about) == (Verdict.LOCAL, Confidence.CERTAIN, server)
    assert server in failure.detail
    assert f"EDE {code} " in failure.detail
    assert all(text.isprintable() for text in failure.evidence)
    filtered = lookup.filtered if name == "example.com" else lookup.hosts[0].filtered
    assert filtered is failure


@pytest.mark.parametrize(
    ("records", "confidence"),
    [
        ({("mx.example.com", "A"): ["0.0.0.0"], ("mx.example.com", "AAAA"): ["::"]}, Confidence.LIKELY),
        ({("mx.example.com", "A"): ["0.0.0.0"], (CONTROL, "A"): ["0.0.0.0"]}, Confidence.LIKELY),
        ({("mx.example.com", "A"): ["0.0.0.0"]}, Confidence.UNCERTAIN),
        ({("mx.example.com", "A"): ["127.0.0.1"], (CONTROL, "A"): ["127.0.0.1"]}, Confidence.UNCERTAIN),
        ({("mx.example.com", "A"): ["127.53.0.1"], (CONTROL, "A"): ["127.53.0.1"]}, Confidence.LIKELY),
        ({("mx.example.com", "A"): ["127.53.0.1"]}, Confidence.UNCERTAIN),
    ],
)
async def test_an_address_that_the_resolver_made_up_is_ours(records: Records, confidence: Confidence) -> None:
    failure = _failure(await _probe({**MX, **records}, address="127.53.0.1"))
    assert (failure.failure_class, failure.verdict, failure.confidence) == (
        C.RESOLVER_FAILING,
        Verdict.LOCAL,
        confidence,
    )
    assert failure.about.startswith("127.53.0.1")


@pytest.mark.parametrize(
    ("records", "faults"),
    [
        ({("mx.example.com", "A"): ["127.0.0.1"]}, {}),
        ({("mx.example.com", "A"): ["127.0.0.1"], (CONTROL, "A"): ["192.0.2.1"]}, {}),
        ({("mx.example.com", "A"): ["0.0.0.0"]}, {("mx.example.com", "A"): Fault(authenticated=True)}),
        ({("mx.example.com", "A"): ["10.0.0.1"], (CONTROL, "A"): ["10.0.0.1"]}, {}),
        ({("mx.example.com", "A"): ["127.0.0.1"], ("mx.example.com", "AAAA"): ["::1"]}, {}),
    ],
)
async def test_what_a_zone_publishes_itself_is_theirs(records: Records, faults: Faults) -> None:
    failure = _failure(await _probe({**MX, **records}, faults=faults, address="127.53.0.1"))
    assert (failure.failure_class, failure.verdict) == (C.MX_ADDRESS_FORBIDDEN, Verdict.MISCONFIGURED)


async def test_a_domain_without_mx_whose_own_address_is_made_up() -> None:
    records = {("example.com", "A"): ["0.0.0.0"], ("example.com", "AAAA"): ["::"]}
    failure = _failure(await _probe(records))
    assert (failure.failure_class, failure.confidence) == (C.RESOLVER_FAILING, Confidence.LIKELY)


async def test_the_resolvers_own_address_is_probed_where_it_is_allowed() -> None:
    records = {**MX, ("mx.example.com", "A"): ["127.53.0.1"]}
    failure = _failure(await _probe(records, address="127.53.0.1", allowed=("127.0.0.0/8",)))
    assert failure.failure_class is C.CONNECT_REFUSED


async def test_one_address_that_is_none_beside_a_real_one_is_no_sign() -> None:
    records = {**MX, ("mx.example.com", "A"): ["0.0.0.0", "192.0.2.1"]}
    dns_ = _Dns(records)
    async with dns_ as resolver:
        lookup = await resolver.lookup_mx("example.com", BOTH)
    assert lookup.hosts[0].filtered is None
    assert (CONTROL, "A") not in dns_.host.queries
