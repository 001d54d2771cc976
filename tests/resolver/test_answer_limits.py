"""Limits of one answer: a part of the records is kept, the rest is counted."""

from __future__ import annotations

import pytest

from exporter.model.failure import FailureClass as C
from exporter.resolver.answer import MAX_RECORDS, read_reply
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
