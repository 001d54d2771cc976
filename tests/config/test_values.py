"""Durations, host names, addresses and networks as users write them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.values import (
    MAX_SECONDS,
    format_duration,
    parse_address,
    parse_address_literal,
    parse_domain,
    parse_duration,
    parse_helo,
    parse_host_name,
    parse_host_port,
    parse_nameserver,
    parse_network,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1h30m", 5400.0),
        ("1d", 86400.0),
        ("1m1s1ms", 61.001),
        ("0s", 0.0),
        ("90s", 90.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", "'30' needs a unit, such as 30s"),
        ("", "'' is not a duration such as 250ms, 30s, 5m or 1h30m"),
        ("1.5s", "'1.5s' is not a duration such as 250ms, 30s, 5m or 1h30m"),
        ("-5s", "'-5s' is not a duration such as 250ms, 30s, 5m or 1h30m"),
        ("30m1h", "'30m1h' is not a duration such as 250ms, 30s, 5m or 1h30m"),
        ("5 m", "'5 m' is not a duration such as 250ms, 30s, 5m or 1h30m"),
        ("5M", "'5M' is not a duration such as 250ms, 30s, 5m or 1h30m"),
        ("\u0665s", "'\u0665s' is not a duration such as 250ms, 30s, 5m or 1h30m"),
        ("400d", "'400d' is longer than 366d"),
    ],
)
def test_bad_durations(text: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_duration(text)
    assert str(error.value) == message


@given(st.integers(min_value=0, max_value=int(MAX_SECONDS * 1000)))
def test_a_formatted_duration_reads_as_the_same(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.Com.", "example.com"),
        ("localhost", "localhost"),
        ("a-b.1.example", "a-b.1.example"),
        ("r3---sn-x.example.com", "r3---sn-x.example.com"),
        ("straße.de", "xn--strae-oqa.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("Bücher.Example", "xn--bcher-kva.example"),
        ("example\u3002com", "example.com"),
        ("\uff45xample.com", "example.com"),
        ("bücher\uff0eexample\uff0e", "xn--bcher-kva.example"),
        ("xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("XN--STRAE-OQA.de", "xn--strae-oqa.de"),
        ("ΒΌΛΟΣ.gr", "xn--nxasmq6b.gr"),
        (f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}"),
    ],
)
def test_host_names_become_lower_case_a_labels(text: str, name: str) -> None:
    assert parse_host_name(text) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        (".", "it is empty"),
        ("a..b", "it has an empty label"),
        (".a.b", "it has an empty label"),
        ("a.b..", "it has an empty label"),
        ("a_b.com", "it contains an underscore"),
        ("a b.com", "it contains a space"),
        ("user@example.com", "it contains the character '@'"),
        ("https://example.com/", "it contains the character ':'"),
        ("-a.com", "a label begins or ends with a hyphen"),
        ("a-.com", "a label begins or ends with a hyphen"),
        (f"{'a' * 64}.com", "a label is longer than 63 characters"),
        (f"{'a.' * 126}aa", "it is longer than 253 characters"),
        ("example.com\n", "it contains the character '\\n'"),
        ("192.0.2.1", "is an IP address, not a host name"),
        ("192.0.2.256", "is neither an address nor a host name: it ends in a number"),
        ("example.123", "is neither an address nor a host name: it ends in a number"),
        ("i❤.ws", "is not an international name (IDNA 2008)"),
        ("ä_b.de", "is not an international name (IDNA 2008)"),
        ("ä" * 70 + ".de", "is not an international name (IDNA 2008)"),
        ("ä" * 5000, "it is longer than 253 characters"),
        ("xn--\u0661.de", "is not an international name (IDNA 2008)"),
        ("\u05d2" + "\x1b" * 1000, "is not an international name (IDNA 2008)"),  # quoted whole by the library
        ("xn--99999999.de", "is not valid Punycode"),
    ],
)
def test_bad_host_names(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_host_name(text)
    assert reason in str(error.value)
    assert len(str(error.value)) < 1200
    assert str(error.value).isprintable()


@given(st.text(max_size=80))
def test_any_text_is_a_name_that_reads_as_itself_or_an_error(text: str) -> None:
    try:
        name = parse_host_name(text)
    except ValueError:
        return
    assert name.isascii()
    assert name == name.lower()
    assert 0 < len(name) <= 253
    assert parse_host_name(name) == name


@given(st.lists(st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True), min_size=2, max_size=5))
def test_every_ldh_name_is_taken_in_any_case(labels: list[str]) -> None:
    name = ".".join(label.replace("xn--", "xx--") for label in labels)
    assert parse_host_name(name.upper() + ".") == name


def test_a_domain_has_a_dot() -> None:
    assert parse_domain("example.com.") == "example.com"
    assert parse_domain("ai.") == "ai"
    with pytest.raises(ValueError, match=r"'localhost' is a single label: a domain has a dot \(or write localhost\. "):
        parse_domain("localhost")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("relay.example.net:25", "relay.example.net", 25),
        ("Relay.example.net", "relay.example.net", None),
        ("localhost:2525", "localhost", 2525),
        ("192.0.2.9", "192.0.2.9", None),
        ("192.0.2.9:25", "192.0.2.9", 25),
        ("2001:DB8:0::1", "2001:db8::1", None),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:465", "2001:db8::1", 465),
        ("straße.de:25", "xn--strae-oqa.de", 25),
    ],
)
def test_a_host_and_its_port(text: str, host: str, port: int | None) -> None:
    parsed = parse_host_port(text)
    assert (parsed.text, parsed.host, parsed.port) == (text, host, port)


@pytest.mark.parametrize(
    "text",
    [
        "", ":25", "a.example:", "a.example:0", "a.example:65536", "a.example:x", "a.example:-1",
        "a.example:\u0662\u0665", "[192.0.2.1]:25", "[2001:db8::1", "[2001:db8::1]25", "[]:25", "2001:db8::1::2",
        "fe80::1%eth0", "[fe80::1%eth0]:25", "a.example:25:25", "192.0.2.1.1:25", "a b:25",
    ],
)  # fmt: skip
def test_bad_hosts(text: str) -> None:
    with pytest.raises(ValueError):
        parse_host_port(text)


@pytest.mark.parametrize("text", ["smtp://mx.example.net:25", "http://mx.example.net", "//mx.example.net"])
def test_a_url_in_place_of_a_host_is_named_as_one(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is a URL: write its host alone, or host:port"):
        parse_host_port(text)


def test_name_servers_are_addresses() -> None:
    assert parse_nameserver("192.0.2.53") == ("192.0.2.53", 53)
    assert parse_nameserver("192.0.2.53:5300") == ("192.0.2.53", 5300)
    assert parse_nameserver("2001:db8::53") == ("2001:db8::53", 53)
    assert parse_nameserver("[2001:db8::53]:5300") == ("2001:db8::53", 5300)
    with pytest.raises(ValueError, match="cannot be looked up before it is known"):
        parse_nameserver("dns.example.net")


def test_addresses_are_of_their_family() -> None:
    assert parse_address("2001:DB8::0:1", 6) == "2001:db8::1"
    with pytest.raises(ValueError, match="'::1' is not an IPv4 address"):
        parse_address("::1", 4)


def test_networks() -> None:
    assert parse_network("10.0.0.0/8") == ip_network("10.0.0.0/8")
    assert parse_network("127.0.0.1") == ip_network("127.0.0.1/32")
    assert parse_network("2001:db8::/32") == ip_network("2001:db8::/32")
    with pytest.raises(ValueError, match=r"'10\.0\.0\.1/8' has bits set .* write 10\.0\.0\.0/8"):
        parse_network("10.0.0.1/8")
    with pytest.raises(ValueError, match="is not a network"):
        parse_network("10.0.0.0/33")


@given(st.ip_addresses())
def test_every_address_is_a_host(address: object) -> None:
    text = str(address)
    assert ip_address(parse_host_port(text).host) == address


def test_ehlo_takes_a_name_or_an_address_literal() -> None:
    assert parse_helo("Mail.Example.net") == "mail.example.net"
    assert parse_helo("") == ""
    assert parse_helo("[192.0.2.1]") == "[192.0.2.1]"
    assert parse_address_literal("[ipv6:2001:DB8::1]") == "[IPv6:2001:db8::1]"
    for text in ("[2001:db8::1]", "[192.0.2.1", "[x]", "192.0.2.1", "a\r\nQUIT"):
        with pytest.raises(ValueError):
            parse_helo(text)
