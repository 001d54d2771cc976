"""The address that a mail host tells in its answer to EHLO, in the forms of the makes that are in use."""

from __future__ import annotations

import pytest

from exporter.model.address import Family
from exporter.smtp.told_address import addresses_in, told_address, told_in

HOST = "203.0.113.9"
HOST_6 = "2001:db8:9::9"
EHLO = "probe.example"


@pytest.mark.parametrize(
    "line",
    [
        "mx.google.com at your service, [192.0.2.1]",
        "BN8NAM11FT012.mail.protection.outlook.com Hello [192.0.2.1]",  # Exchange
        "mx.example.net Hello probe.example [192.0.2.1]",  # Exim
        "mx.example.net Hello host.example.com [192.0.2.1], pleased to meet you",  # Sendmail, Proofpoint
        "mx.example.net Hello host.example.com [192.0.2.1] (may be forged), pleased to meet you",
        "mx.example.net Hello probe.example ([192.0.2.1]), pleased to meet you",  # Domino
        "mx.example.net Hello probe.example (192.0.2.1)",
        "mx.example.net Hello probe.example [192.0.2.1:45678]",
        "mail.example.com [192.0.2.1], this server offers 4 extensions",  # MailEnable
        "haraka.example.org Hello Unknown [192.0.2.1], Haraka is at your service.",
        "gmx.net Hello probe.example [192.0.2.1]",
        "resimta.example.net hello [192.0.2.1], pleased to meet you",  # Cloudmark
        "[203.0.113.9] Hello probe.example [192.0.2.1]",  # its own name is a literal
        "mx.example.net Hello 192.0.2.1, I am glad to meet you",
        "mx.example.net Nice to meet you, 192.0.2.1.",
        "mx.example.net Hello probe.example 192.0.2.1",
        "mx.example.net Hello ec2-192-0-2-1.compute-1.amazonaws.com [192.0.2.1]",
        "mx.example.net Hello [::ffff:192.0.2.1]",
    ],
)
def test_the_address_is_found_in_the_form_of_each_make(line: str) -> None:
    assert told_address(line, EHLO, HOST) == "192.0.2.1"


@pytest.mark.parametrize(
    "line",
    [
        "mx.example.net Hello probe.example [IPv6:2001:db8::1], pleased to meet you",
        "mx.google.com at your service, [2001:db8::1]",
        "mx.example.net Hello [2001:DB8:0:0::1]",
        "mx.example.net Hello probe.example [[IPv6:2001:db8::1]], pleased to meet you",
    ],
)
def test_an_ipv6_address_comes_out_in_its_canonical_text(line: str) -> None:
    assert told_address(line, EHLO, HOST_6) == "2001:db8::1"


@pytest.mark.parametrize(
    "line",
    [
        "mx.example.net",  # Postfix and many others
        "mx.example.net Hello probe.example, pleased to meet you",
        "mx.example.net [203.0.113.9] Hello probe.example",  # its own
        "mx.example.net Hello 192.0.2.1.static.example.net",  # a name
        "mx.example.net Hello probe.example [999.0.2.1]",
        "mx.example.net Version 4.94.2.1 ready",
        "mx.example.net MailServer 21.0.1.2 at your service",
        "mx.example.net Hello probe.example, this is MailServer 21.0.1.2, pleased to meet you",
        "mx.example.net Hello probe.example [2001:db8::1]",  # of a family that the session is not of
        "[192.0.2.1]",
        "",
    ],
)
def test_other_first_lines_tell_none(line: str) -> None:
    assert told_address(line, EHLO, HOST) is None


def test_the_argument_of_ehlo_is_not_taken_for_an_answer() -> None:
    assert told_address("mx.example.net Hello [10.0.0.5], pleased to meet you", "[10.0.0.5]", HOST) is None
    assert told_address("mx.example.net Hello [10.0.0.5] [192.0.2.1]", "[10.0.0.5]", HOST) == "192.0.2.1"
    assert told_address("mx.example.net Hello [10.0.0.5] [10.0.0.5]", "[10.0.0.5]", HOST) == "10.0.0.5"
    assert (
        told_address("mx.example.net Hello [IPv6:fd00::5] [IPv6:2001:db8::1]", "[IPv6:fd00::5]", HOST_6)
        == "2001:db8::1"
    )


def test_it_is_found_in_a_dialogue() -> None:
    lines = [
        (False, b"220 mx.example.net ESMTP [198.51.100.7]\r\n"),
        (True, b"EHLO probe.example\r\n"),
        (False, b"250-mx.example.net Hello probe.example [192.0.2.1]\r\n250-SIZE 1000\r\n"),
        (False, b"250 HELP\r\n"),
        (True, b"QUIT\r\n"),
        (False, b"221 Bye [198.51.100.7]\r\n"),
    ]
    assert told_in(lines, HOST) == ("192.0.2.1", "mx.example.net")
    assert told_in([(sent, bytes([byte])) for sent, data in lines[1:2] for byte in data], HOST) is None
    whole, pieces = lines[:2], [(False, bytes([byte])) for byte in b"250 mx hello [192.0.2.1]\r\n"]
    assert told_in([*whole, *pieces], HOST) is None  # too many pieces: nobody is made to read on


def test_an_answer_to_helo_counts_where_ehlo_was_refused() -> None:
    refused = [(True, b"EHLO probe.example\r\n"), (False, b"502 unknown [198.51.100.7]\r\n")]
    assert told_in(refused, HOST) is None
    helo = [(True, b"HELO probe.example\r\n"), (False, b"250 mx.example.net Hello [192.0.2.1]\r\n")]
    assert told_in([*refused, *helo], HOST) == ("192.0.2.1", "mx.example.net")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("MX.Example.NET", "mx.example.net"),
        ("mx", ""),
        ("[203.0.113.9]", ""),
        ("203.0.113.9", ""),
        ("mx.<b>.example", ""),
        ("m" * 300 + ".example", ""),
        ("m\xfc.example", ""),
    ],
)
def test_the_name_of_the_host_is_told_where_it_is_one(word: str, name: str) -> None:
    line = f"250 {word} Hello [192.0.2.1]\r\n".encode("latin-1")
    assert told_in([(True, b"EHLO probe.example\r\n"), (False, line)], HOST) == ("192.0.2.1", name)


def test_a_long_line_is_cut() -> None:
    line = b"250 mx.example.net " + b"x" * 5000 + b" [192.0.2.1]\r\n"
    assert told_in([(True, b"EHLO probe.example\r\n"), (False, line)], HOST) is None


def test_the_addresses_in_a_reply_are_found_by_family() -> None:
    text = 'said: "Client host [192.0.2.1] blocked; see 203.0.113.9." or IPv6:2001:db8::1, not 1.2.3.4.example'
    assert addresses_in(text, Family.IPV4) == {"192.0.2.1", "203.0.113.9"}
    assert addresses_in(text, Family.IPV6) == {"2001:db8::1"}
