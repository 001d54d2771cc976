"""Macros of SPF, by the examples of RFC 7208 7.4."""

from __future__ import annotations

import time
from ipaddress import ip_address

import pytest

from exporter.policies.spf.macros import MacroValues, expand, is_name, wants_validated_name

DOMAIN = "email.example.com"
VALUES = MacroValues(ip_address("192.0.2.3"), "strong-bad", DOMAIN, DOMAIN, "mx.example.org")
VALUES_6 = MacroValues(ip_address("2001:db8::cb01"), "strong-bad", DOMAIN, DOMAIN, "mx.example.org")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{h}", "mx.example.org"),
        ("%{p}", "unknown"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("a%%b%_c%-d", "a%b c%20d"),
    ],
)
def test_the_examples_of_the_standard(text: str, name: str) -> None:
    assert expand(text, VALUES) == name


def test_an_ipv6_address_is_nibbles() -> None:
    reversed_nibbles = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert expand("%{ir}.%{v}._spf.%{d2}", VALUES_6).lower() == f"{reversed_nibbles}.ip6._spf.example.com"


def test_a_long_name_loses_its_first_labels() -> None:
    name = expand("x." * 200 + "%{d}", VALUES)
    assert len(name) <= 253
    assert name.endswith("x.email.example.com")


def test_what_a_hostile_record_stands_for_is_cut_at_once() -> None:
    domain = "a." * 120 + "example.com"
    values = MacroValues(ip_address("192.0.2.3"), "x", domain, domain, "mx.example.org")
    begun = time.process_time()
    name = expand("%{d}" * 4000, values)  # 16 KiB, as much as is read: a megabyte of labels
    assert time.process_time() - begun < 1.0  # cut label by label it took seconds, and nothing else ran
    assert name == expand("%{d}" * 4, values)
    assert len(name) <= 253
    assert expand("x" * 300, VALUES) == "x" * 300
    assert expand(f"{'x' * 300}.%{{d}}", VALUES) == DOMAIN
    assert expand(f"{'x' * 300}.{'y' * 235}.%{{d}}", VALUES) == f"{'y' * 235}.{DOMAIN}"


def test_only_names_are_asked_about() -> None:
    assert is_name("_spf.example.com")
    for wrong in ("", "a..b", "." * 3, "a" * 64 + ".example", "a\\032.example", "ü.example", "a." * 127 + "a", 'a".b'):
        assert not is_name(wrong), wrong


def test_the_name_of_the_address_is_looked_up_only_where_it_stands_in_a_macro() -> None:
    assert wants_validated_name("%{p}.example")
    assert wants_validated_name("%{P2r}.example")
    assert not wants_validated_name("p.%{d}")
