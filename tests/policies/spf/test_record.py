"""The SPF record: which text is one, and what is wrong with it. The published suite has more of both."""

from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from exporter.model.standing import SpfResult
from exporter.policies.spf.record import Directive, SpfSyntaxError, parse, select


def test_the_record_is_chosen_by_its_version() -> None:
    others = [b"google-site-verification=x", b"v=spf10 -all", b"spf2.0/pra -all"]
    assert select(others) is None
    assert select([*others, b"V=SPF1 -all"]) == b"V=SPF1 -all"
    assert select([b"v=spf1"]) == b"v=spf1"
    with pytest.raises(SpfSyntaxError, match="2 records"):
        select([b"v=spf1 -all", b"v=spf1 a"])


def test_a_record_is_read_term_by_term() -> None:
    record = parse(b"v=spf1 ip4:192.0.2.0/24 ~A:%{d}.x.example/26//64 ?mx -all redirect=other.example exp=why.example")
    assert record.redirect == "other.example"
    assert record.directives == (
        Directive(SpfResult.PASS, "ip4", network=ip_network("192.0.2.0/24")),
        Directive(SpfResult.SOFTFAIL, "a", "%{d}.x.example", prefixes=(26, 64)),
        Directive(SpfResult.NEUTRAL, "mx"),
        Directive(SpfResult.FAIL, "all"),
    )


@pytest.mark.parametrize(
    "terms",
    [
        "ip4:192.0.2.300",
        "ip4:192.0.2.0/33",
        "ip4:192.0.2.0/024",
        "ip4:2001:db8::1",
        "ip6:fe80::1%eth0",
        "ip4",
        "a/33",
        "a//129",
        "a:",
        "include",
        "exists:",
        "all:x.example",
        "a:1.2.3.4",
        "unknown",
        "-",
        "redirect=a.example redirect=b.example",
        "a:%{c}.example",
        "a:%{d0}.example",
        "a:%x.example",
        "é",
    ],
)
def test_a_mistake_anywhere_spoils_the_record(terms: str) -> None:
    with pytest.raises(SpfSyntaxError):
        parse(f"v=spf1 {terms} -all".encode())


def test_an_unknown_modifier_is_passed_over() -> None:
    assert parse(b"v=spf1 moo=%{c}.x -all").directives == (Directive(SpfResult.FAIL, "all"),)


@pytest.mark.parametrize("term", ["a:" + "a" * 15000, "a:" + "." * 15000, "a:" + "a-" * 7000, "a:x." + "1" * 15000])
def test_a_long_term_takes_no_time(term: str) -> None:
    began = time.process_time()
    with pytest.raises(SpfSyntaxError):
        parse(f"v=spf1 {term}".encode())
    assert time.process_time() - began < 1.0
