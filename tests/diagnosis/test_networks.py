"""The relations of addresses and of names."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.networks import network_of, organisation, registrant


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [
        ("192.0.2.1", "192.0.250.9", True),
        ("192.0.2.1", "192.1.2.1", False),
        ("2a01:4f00:1::1", "2a01:4f00:ffff::1", True),
        ("2a01:4f00::1", "2a01:4f01::1", False),
    ],
)
def test_a_network_is_a_16_or_a_32(one: str, other: str, related: bool) -> None:
    assert (network_of(one) == network_of(other)) is related


@given(st.ip_addresses())
def test_a_network_is_the_first_bits_of_an_address(address: IPv4Address | IPv6Address) -> None:
    assert network_of(str(address)) == int(address) >> (16 if address.version == 4 else 96)


@pytest.mark.parametrize("address", ["::", "::1", "1::", "1:0:0:2::", "::ffff:192.0.2.1", "64:ff9b::c000:201"])
def test_a_network_is_read_from_every_short_form(address: str) -> None:
    assert network_of(address) == int(ip_address(address)) >> 96


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mx1.mail.Example.com.", "example.com"),
        ("example.com", "example.com"),
        ("mx.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("mx.example.de", "example.de"),
        ("localhost", "localhost"),
        ("relay.example.net:25", "example.net"),
        ("mx.example.xn--p1ai", "example.xn--p1ai"),
        ("192.0.2.9:25", "192.0.2.9"),
        ("192.0.2.9", "192.0.2.9"),
        ("2001:db8::25", "2001:db8::25"),
        ("[2001:db8::25]:25", "[2001:db8::25]"),
        # What registries put names below is theirs to say, and differs from land to land.
        ("mx.ministry.gov.za", "ministry.gov.za"),
        ("a.mx.city.kobe.jp", "city.kobe.jp"),
        ("mx.shop.example.kobe.jp", "shop.example.kobe.jp"),
        ("mx.com.de", "com.de"),
        ("MX.Example.COM.AU", "example.com.au"),
        ("mx2.eu.farm.unknown-tld", "farm.unknown-tld"),
        # Names below a company's own suffix are the company's.
        ("inbound-smtp.eu-west-1.amazonaws.com", "amazonaws.com"),
        ("", ""),
        ("a..b", "a..b"),
    ],
)
def test_an_organisation_holds_what_it_has_registered(name: str, expected: str) -> None:
    assert organisation(name) == expected


def test_customers_of_a_company_are_one_organisation_and_several_registrants() -> None:
    one, other = "mail.one.dyndns.org", "mail.other.dyndns.org"
    assert organisation(one) == organisation(other)
    assert (registrant(one), registrant(other)) == ("one.dyndns.org", "other.dyndns.org")
    assert registrant("example") == "example"
