"""Sentences about MX records that solve it: each names the fault, and the name to act on. The DNS is a table."""

from __future__ import annotations

import dns.rcode
import pytest

from exporter.diagnosis.domain_failure import without_mx
from exporter.lab.dns_host import Fault
from exporter.model.address import Family
from exporter.model.failure import Confidence, Failure, Stage, Verdict
from exporter.model.failure import FailureClass as C
from exporter.model.result import MxHost, MxLookup
from exporter.net.special_addresses import forbidden
from exporter.resolver.mx_faults import forbidden_address, is_doubled
from tests.resolver.lookups import (
    MAX_WORDS,
    Faults,
    LoopbackDns,
    Records,
    failure_of,
    look_up,
    probe_domain,
)

# Aliases, missing dots, addresses, localhost


async def test_a_domain_that_is_an_alias_of_a_name_without_mx_and_address() -> None:
    failure = failure_of(
        await look_up({("example.com", "CNAME"): ["www.example.net."], ("www.example.net", "TXT"): ["x"]})
    )
    assert failure.failure_class is C.DNS_NO_ADDRESS
    assert failure.detail == "example.com is an alias of www.example.net, which has no MX record and no address"
    assert failure.about == "www.example.net"


async def test_an_alias_that_ends_nowhere() -> None:
    failure = failure_of(await look_up({("example.com", "CNAME"): ["gone.example.net."]}))
    assert failure.failure_class is C.DNS_NXDOMAIN
    assert "is an alias of gone.example.net, which does not exist" in failure.detail
    assert failure.about == "gone.example.net"


async def test_an_mx_host_that_is_an_alias_that_ends_nowhere() -> None:
    records = {("example.com", "MX"): ["10 mail.example.com."], ("mail.example.com", "CNAME"): ["gone.example.net."]}
    failure = failure_of(await look_up(records))
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
    failure = failure_of(await look_up(records, domain))
    assert failure.failure_class is C.MX_UNRESOLVABLE
    assert failure.detail == f"the final dot is missing in the zone: the MX record names {names}"
    assert any(f"write {meant}." in part for part in failure.evidence)


async def test_a_doubled_name_says_so_though_what_is_meant_does_not_exist_either() -> None:
    failure = failure_of(await look_up({("example.com", "MX"): ["10 mail.example.com.example.com."]}))
    assert "the final dot is missing" in failure.detail


async def test_a_host_that_is_absent_for_another_reason_is_only_absent() -> None:
    dns = LoopbackDns({("example.com", "MX"): [f"{number} mail{number}.sub.example.com." for number in range(20)]})
    async with dns as resolver:
        failure = failure_of(await resolver.lookup_mx("example.com", (Family.IPV4,)))
    assert failure.detail == "the MX host mail0.sub.example.com does not exist"
    assert sum(dns.host.queries.values()) == 1 + 20 + 1, "one more question and no more"


async def test_an_address_with_the_zones_name_behind_it() -> None:
    failure = failure_of(await look_up({("example.com", "MX"): ["10 192.0.2.7.example.com."]}))
    assert failure.failure_class is C.MX_IS_ADDRESS
    assert "192.0.2.7" in failure.detail


@pytest.mark.parametrize("name", ["localhost", "localhost.localdomain", "x.localhost", "localhost.example.com"])
async def test_localhost_says_what_null_mx_says(name: str) -> None:
    lookup = await look_up({("example.com", "MX"): [f"10 {name}."], ("example.com", "A"): ["192.0.2.1"]})
    failure = failure_of(lookup)
    assert (failure.failure_class, failure.verdict) == (C.DNS_NULL_MX, Verdict.DECLINED)
    assert name in failure.detail


async def test_localhost_of_the_domain_itself_that_is_loopback_says_so_too() -> None:
    records = {("example.com", "MX"): ["10 localhost.example.com."], ("localhost.example.com", "A"): ["127.0.0.1"]}
    assert failure_of(await look_up(records)).failure_class is C.DNS_NULL_MX


async def test_localhost_among_others_is_left_out_as_null_mx_is() -> None:
    records = {("example.com", "MX"): ["0 localhost.", "10 mx.example.com."], ("mx.example.com", "A"): ["192.0.2.1"]}
    lookup = await look_up(records)
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
    failure = failure_of(await look_up(zones, domain))
    assert failure.failure_class is C.DNS_NXDOMAIN
    assert said in " ".join(failure.evidence)


async def test_a_nameserver_that_a_servfail_names_is_whom_to_call() -> None:
    text = "[192.0.2.9]:53 rcode=REFUSED for example.com MX\n\x1b[31m\u202e" + "x" * 600
    fault = Fault(rcode=dns.rcode.SERVFAIL, extended_error=22, extended_text=text)
    failure = failure_of(await look_up({}, faults={"example.com": fault}))
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


def test_nothing_is_said_of_the_mail_of_an_address_that_is_configured_itself() -> None:
    assert "no mail" in " ".join(forbidden_address("mx.example.com", "127.0.0.1", "loopback").evidence)
    assert "no mail" not in " ".join(forbidden_address("127.0.0.1", "127.0.0.1", "loopback").evidence)


async def test_a_name_collision_is_told_as_one() -> None:
    records = {("example.com", "MX"): ["10 mx.example.com."], ("mx.example.com", "A"): ["127.0.53.53"]}
    failure = failure_of(await probe_domain(records))
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
    failure = failure_of(await probe_domain({("example.com", "A"): ["192.168.1.4"]}))
    assert failure.failure_class is C.MX_ADDRESS_FORBIDDEN
    assert failure.detail == "example.com has no MX record; its own address 192.168.1.4 is private (RFC 1918)"


async def test_what_could_not_be_found_out_of_an_mx_host_is_no_surer_than_of_a_domain() -> None:
    records = {("example.com", "MX"): ["10 mx.example.com."]}
    failure = failure_of(await look_up(records, faults={"mx.example.com": Fault(rcode=dns.rcode.SERVFAIL)}))
    assert (failure.failure_class, failure.confidence) == (C.MX_UNRESOLVABLE, Confidence.LIKELY)
    absent = failure_of(await look_up(records))
    assert (absent.failure_class, absent.confidence) == (C.MX_UNRESOLVABLE, Confidence.CERTAIN)


async def test_aliases_in_a_circle_are_told_in_words() -> None:
    records = {("example.com", "CNAME"): ["b.example.com."], ("b.example.com", "CNAME"): ["example.com."]}
    failure = failure_of(await look_up(records))
    assert failure.failure_class is C.DNS_MALFORMED
    assert "its aliases lead in a circle" in failure.detail


@pytest.mark.parametrize("domain", ["nosuch.invalid", "nosuch.example", "nosuch.test", "nosuch.local"])
async def test_where_nobody_registers_anything_no_registry_is_spoken_of(domain: str) -> None:
    assert not failure_of(await look_up({}, domain)).evidence


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
    assert not failure_of(await look_up(records, faults=faults)).evidence


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
