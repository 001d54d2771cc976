"""What one answer of a stranger may hold: so much is kept, the rest is counted, and names lead only to names."""

from __future__ import annotations

import pytest

from exporter.model.failure import FailureClass as C
from exporter.resolver.answer import MAX_RECORDS, DnsAnswer, read_reply
from exporter.resolver.extended_errors import extended_errors
from exporter.resolver.wire import opt_of
from exporter.resolver.wire_names import MalformedReply
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


def test_of_many_mx_records_the_most_preferred_are_kept_and_all_are_counted() -> None:
    records = [dns.record("MX", n.to_bytes(2, "big") + dns.wire(f"mx{n}")) for n in reversed(range(1000))]
    answer = read_reply(NAME, dns.reply(NAME, "MX", records))
    assert set(answer.records) == {(n, f"mx{n}") for n in range(MAX_RECORDS)}
    assert answer.more == 1000 - MAX_RECORDS


@pytest.mark.parametrize("order", [1, -1])
def test_of_many_addresses_the_same_are_kept_in_whatever_order_they_come(order: int) -> None:
    records = [dns.record("A", bytes([44, 0, n >> 8, n & 255])) for n in range(2000)][::order]
    answer = read_reply(NAME, dns.reply(NAME, "A", records))
    assert set(answer.records) == {f"44.0.0.{n}" for n in range(MAX_RECORDS)}
    assert answer.more == 2000 - MAX_RECORDS


def test_a_record_that_comes_twice_counts_once() -> None:
    answer = read_reply(NAME, dns.reply(NAME, "A", [dns.record("A", b"\x2c\0\0\1")] * 1000))
    assert (answer.records, answer.more) == (("44.0.0.1",), 0)


@pytest.mark.parametrize("data", [dns.many_texts(NAME), dns.one_long_text(NAME), dns.many_tlsa(NAME)])
def test_texts_and_tlsa_records_beyond_all_need_are_none(data: bytes) -> None:
    answer = read_reply(NAME, data)
    assert answer.records == ()
    assert answer.failure is not None
    assert answer.failure.failure_class is C.DNS_MALFORMED


def test_a_host_name_that_has_to_be_escaped_is_kept_no_longer_than_a_host_name() -> None:
    answer = read_reply(NAME, dns.heavy_mx(NAME))
    assert len(answer.records) == MAX_RECORDS
    assert all(len(record[1]) <= 253 for record in answer.records if isinstance(record, tuple))


# Where a name may lead


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


def test_of_thousands_of_options_the_first_are_looked_at() -> None:
    opt = opt_of(dns.with_options(NAME, [(15, b"\0\x16")] * 10_000))
    assert opt is not None
    assert len(opt.options) <= 64


def test_extended_errors_are_few_and_short() -> None:
    data = dns.with_options(NAME, [(15, bytes([0, n]) + b"\xff" * 2000) for n in range(30)])
    opt = opt_of(data)
    assert opt is not None
    errors = extended_errors(opt.options)
    assert 0 < len(errors) <= 8
    assert all(len(error.text) < 1000 for error in errors)
    failure = read_reply(NAME, data).failure
    assert failure is not None
    assert sum(map(len, failure.evidence)) < 8000


def test_what_stands_in_other_sections_is_not_looked_at() -> None:
    broken = [dns.record("A", b"", owner=_pointer(0))]
    answer = read_reply(NAME, dns.reply(NAME, "A", [dns.record("A", b"\x2c\0\0\1")], authority=broken))
    assert answer.records == ("44.0.0.1",)


def test_a_chain_of_aliases_of_many_names_is_followed_as_far_as_it_may_be() -> None:
    answer: DnsAnswer = read_reply(NAME, dns.aliases(NAME, 16))
    assert (answer.failure, answer.is_alias) == (None, True)
    failure = read_reply(NAME, dns.aliases(NAME, 400)).failure
    assert failure is not None
    assert failure.failure_class is C.DNS_MALFORMED
