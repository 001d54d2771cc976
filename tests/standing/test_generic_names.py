"""Names that receivers take for no mail server's, in the spellings that providers use, and those that they do not."""

from __future__ import annotations

import pytest

from exporter.standing.generic_names import generic_reason

V4 = "192.0.2.1"
V6 = "2001:db8::1:2:3"


@pytest.mark.parametrize(
    "name",
    [
        "192-0-2-1.dynamic.example.net",
        "ip-192-0-2-1.example.net",
        "1-2-0-192.example.net",  # reversed
        "192.0.2.1.static.example.net",
        "static.1.2.0.192.clients.example.net",
        "host-192-000-002-001.example.net",  # padded
        "192000002001.example.net",
        "c0000201.example.net",  # hexadecimal
        "pC0000201.dip0.example.net",
        "c0-00-02-01.example.net",
        "3221225985.example.net",  # one number
        "ec2-192-0-2-1.compute-1.amazonaws.com",
        "192_0_2_1.example.net",
    ],
)
def test_a_name_with_the_address_in_it_is_generic(name: str) -> None:
    assert generic_reason(name, V4) == "has our address in it"


@pytest.mark.parametrize(
    "name",
    [
        "2001-db8--1-2-3.example.net",
        "2001-db8-0-0-0-1-2-3.example.net",
        "20010db8000000000000000100020003.example.net",
        "3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.example.net",
        "2001-0db8-0000-0000-0000-0001-0002-0003.example.net",
    ],
)
def test_so_is_one_with_an_ipv6_address(name: str) -> None:
    assert generic_reason(name, V6) == "has our address in it"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("dsl-7-3.example.net", "dsl"),
        ("adsl12.example.net", "adsl"),
        ("host7.dyn.example.net", "dyn"),
        ("dynamic.example.net", "dynamic"),
        ("dhcp-12.example.net", "dhcp"),
        ("ppp12.example.co.uk", "ppp"),
        ("cable-5.example.net", "cable"),
        ("customer.residential.example.net", "residential"),
        ("a.broadband.example.net", "broadband"),
        ("x.ftth.example.net", "ftth"),
        ("pool-12-34.example.net", "pool"),
        ("ip12-34.example.net", "ip"),
        ("host-7f3a9c.example.net", "host"),
        ("client.12345.example.net", "client"),
        ("vps123456.example.net", "vps"),
        ("mobile-7-3.example.net", "mobile"),
    ],
)
def test_a_word_of_access_networks_or_pools_is_generic(name: str, word: str) -> None:
    assert f"the word {word} " in generic_reason(name, V4)


@pytest.mark.parametrize(
    "name",
    [
        "li1234-56.members.linode.com",
        "vps-d2c3f4a1.vps.ovh.net",
        "vm.westeurope.cloudapp.azure.com",
        "ns3123456.ip-51-1-2.eu",
        "7.2.0.34.bc.googleusercontent.com",
    ],
)
def test_the_default_names_of_hosting_are_generic(name: str) -> None:
    assert generic_reason(name, V4)


@pytest.mark.parametrize(
    "name",
    [
        "mail.example.net",
        "mx1.example.net",
        "mx-out-07.example.net",
        "smtp2.dynamic.com",  # a name that somebody chose
        "mail.cable.co.uk",
        "dsl.example",  # the domain itself
        "mail-wm1-f41.google.com",
        "mail-eopbgr50089.outbound.protection.outlook.com",
        "o1.ptr1234.sendgrid.net",
        "a8-50.smtp-out.amazonses.com",
        "server1.example.net",
        "host.example.net",
        "relay.pool.example.net",
        "mx.dynamo.example.net",
        "mail.adslot.example.net",
        "mail192.example.net",
        "mail-192-0-2.example.net",
        "mail-2023.pool.example.net",
        "mx1.fiber.example.net",
        "smtp.dsl.example.net",
        "server2024.example.net",
        "mobile.example.net",
        "wireless.example.net",
    ],
)
def test_the_names_of_mail_servers_are_not(name: str) -> None:
    assert generic_reason(name, V4) == ""


def test_case_and_final_dot_do_not_matter() -> None:
    assert generic_reason("IP-192-0-2-1.Example.NET.", V4)


def test_another_address_in_it_is_no_sign_of_ours() -> None:
    assert generic_reason("mx-198-51-100-7.example.net", V4) == ""
    assert generic_reason("11192-0-2-1.example.net", V4) == ""
