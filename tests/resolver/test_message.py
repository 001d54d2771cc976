"""The answer section of a message of a stranger."""

from __future__ import annotations

from exporter.model.failure import FailureClass as C
from exporter.resolver.answer import DnsAnswer, read_reply
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
