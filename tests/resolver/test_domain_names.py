"""Names in a message of a stranger: they lead only back, and all of them have a bound."""

from __future__ import annotations

import pytest

from exporter.resolver.answer import read_reply
from exporter.resolver.domain_names import MalformedReply
from tests.support import dns_messages as dns

NAME = "evil.example"
# Where the question ends, and with it the header of the first record's data begins.
AFTER_QUESTION = dns.HEADER + len(dns.wire(NAME)) + 4
FIRST_DATA = AFTER_QUESTION + 12


def _pointer(target: int) -> bytes:
    return (0xC000 | target).to_bytes(2, "big")


def _malformed(data: bytes) -> bool:
    try:
        read_reply(NAME, data)
    except MalformedReply:
        return True
    return False


@pytest.mark.parametrize("target", range(dns.HEADER))
def test_no_name_is_read_from_the_header(target: int) -> None:
    owner = dns.record("A", b"\x2c\0\0\1", owner=b"\1x" + _pointer(target))
    assert _malformed(dns.reply(NAME, "A", [owner]))
    assert _malformed(dns.reply(NAME, "A", [dns.record("A", b"\x2c\0\0\1", owner=_pointer(target))]))
    assert _malformed(dns.reply(NAME, "MX", [dns.record("MX", b"\0\1\2mx" + _pointer(target))]))
    assert _malformed(dns.reply(NAME, "A", [dns.record("CNAME", _pointer(target))]))
    assert _malformed(dns.reply(NAME, "A", authority=[dns.record("SOA", bytes(22), owner=_pointer(target))], code=3))


@pytest.mark.parametrize("beyond", [0, 1, 2, 5, 1000])
def test_no_name_leads_forward_or_to_itself(beyond: int) -> None:
    place = FIRST_DATA + 2  # of the MX host's name
    assert _malformed(dns.reply(NAME, "MX", [dns.record("MX", b"\0\1" + _pointer(place + beyond))]))
    assert _malformed(dns.reply(NAME, "MX", [dns.record("MX", b"\0\1\1x" + _pointer(place + beyond))]))
    assert _malformed(dns.reply(NAME, "A", [dns.record("A", bytes(4), owner=_pointer(AFTER_QUESTION + beyond))]))


def test_a_name_that_leads_back_is_read() -> None:
    records = [dns.record("MX", b"\0\1\2mx" + dns.QUESTION), dns.record("MX", b"\0\2\1x" + _pointer(FIRST_DATA + 2))]
    assert read_reply(NAME, dns.reply(NAME, "MX", records)).records == ((1, f"mx.{NAME}"), (2, f"x.mx.{NAME}"))


@pytest.mark.parametrize("data", [dns.chained_names(NAME), dns.chained_names(NAME, "A"), dns.pointer_ladder(NAME)])
def test_names_that_take_longer_than_all_else_are_not_read_to_the_end(data: bytes) -> None:
    assert _malformed(data)


def test_a_name_is_no_longer_than_a_name() -> None:
    assert _malformed(dns.reply(NAME, "MX", [dns.record("MX", b"\0\1" + b"\1x" * 128 + b"\0")]))


# Beside the records
