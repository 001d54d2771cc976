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


def _signature(kind: str, ends: int, begins: int = 1, *, owner: bytes = dns.QUESTION) -> bytes:
    """The signature of a record set: type, algorithm, labels, TTL, times, key, signer, and no useful bits."""
    times = ends.to_bytes(4, "big") + begins.to_bytes(4, "big")
    head = dns.CODES[kind].to_bytes(2, "big") + bytes([13, 2]) + (300).to_bytes(4, "big")
    return dns.record("RRSIG", head + times + b"\0\1" + dns.wire("example") + b"\1" * 64, owner=owner)


def _mx(*more: bytes) -> DnsAnswer:
    return read_reply(NAME, dns.reply(NAME, "MX", [dns.record("MX", b"\0\x0a\2mx" + dns.QUESTION), *more]))


def test_of_two_signatures_of_one_set_the_later_one_holds() -> None:
    found = _mx(_signature("MX", 500, 7), _signature("MX", 900, 8), _signature("A", 100)).signature
    assert found is not None
    assert (found.ends, found.begins, found.of, found.is_authenticated) == (900.0, 8.0, f"MX of {NAME}", False)


def test_of_an_alias_and_what_it_leads_to_the_first_end_counts() -> None:
    other = dns.wire("other.example")
    records = [
        dns.record("CNAME", other),
        _signature("CNAME", 400),
        dns.record("A", b"\x2c\0\0\1", owner=other),
        _signature("A", 600, owner=other),
    ]
    found = read_reply(NAME, dns.reply(NAME, "A", records, authenticated=True)).signature
    assert found is not None
    assert (found.ends, found.is_authenticated) == (400.0, True)


def test_a_signature_that_is_cut_off_or_of_another_set_says_nothing() -> None:
    assert _mx(_signature("TXT", 500)).signature is None
    assert _mx(_signature("MX", 500, owner=dns.wire("other.example"))).signature is None
    assert _mx(dns.record("RRSIG", b"\0\x0f\x0d\2")).signature is None
