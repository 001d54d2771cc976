"""Answers are read as dnspython reads them, within bounds: of many records those that count, of a fault its kind."""

from __future__ import annotations

import re

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.model.failure import FailureClass
from exporter.model.policy import Tlsa
from exporter.resolver.answer import MAX_TTL, DnsAnswer, Record, read_reply
from exporter.resolver.domain_names import MalformedReply

NAME = "a.example"
KINDS = {
    "A": ["192.0.2.1", "192.0.2.2"],
    "AAAA": ["2001:db8::1", "2001:db8::2"],
    "MX": ["10 mx.a.example.", "10 MX.A.example.", "20 mx.b.example.", "0 ."],
    "TXT": ['"v=STSv1; id=1"', '"v=STSv1;" " id=1"', '""'],
    "CNAME": ["mx.a.example.", "mx.b.example."],
    "PTR": ["mail.a.example.", "MAIL.b.example."],
    "TLSA": ["3 1 1 " + "ab" * 32, "2 0 0 aabb"],
}
SIGNATURE = "{kind} 13 2 300 20300101000000 20250101000000 1 a.example. aaaa"


def _message(
    kind: str, records: list[tuple[int, str]], *, alias: bool = False, signed: bool = False, flags: int = 0
) -> bytes:
    """An answer with records of (TTL, data); the owner of each is a pointer, as dnspython compresses them."""
    message = dns.message.make_response(dns.message.make_query(NAME, kind, use_edns=0))
    message.flags |= flags
    owner = "target.a.example." if alias else f"{NAME}."
    if alias:
        message.answer.append(dns.rrset.from_text(f"{NAME}.", 60, "IN", "CNAME", owner))
    for ttl, data in records:
        message.answer.append(dns.rrset.from_text(owner, ttl, "IN", kind, data))
    if signed:
        message.answer.append(dns.rrset.from_text(owner, 300, "IN", "RRSIG", SIGNATURE.format(kind=kind)))
    return message.to_wire()


def _read(data: bytes) -> DnsAnswer | type[Exception]:
    try:
        return read_reply(NAME, data)
    except MalformedReply:
        return MalformedReply


def _as_dnspython_reads(data: bytes) -> tuple[set[str], float, str] | None:
    """Records, seconds and the end of the aliases; None where there is something wrong with the message."""
    try:
        # What stands beside the records that answer is nobody's business.
        whole = dns.message.from_wire(data[:8] + b"\0\0\0\0" + data[12:], ignore_trailing=True)
        assert isinstance(whole, dns.message.QueryMessage)
        chain = whole.resolve_chaining()
    except Exception:
        return None
    if whole.rcode() != dns.rcode.NOERROR or chain.answer is None:
        return None
    records = {rdata.to_text() for rdata in chain.answer}
    return records, float(chain.minimum_ttl), chain.canonical_name.to_text(omit_final_dot=True).lower()


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(sorted(KINDS)))
    record = st.tuples(st.sampled_from([0, 60, 300, 2**31 - 1]), st.sampled_from(KINDS[kind]))
    data = bytearray(
        _message(
            kind,
            draw(st.lists(record, max_size=4)),
            alias=draw(st.booleans()),
            signed=draw(st.booleans()),
            flags=draw(st.sampled_from([0, int(dns.flags.AD)])),
        )
    )
    for place, byte in draw(st.lists(st.tuples(st.integers(2, len(data) - 1), st.integers(0, 255)), max_size=3)):
        data[place] = byte
    return bytes(data[: draw(st.integers(12, len(data)))] if draw(st.booleans()) else data)


def _text(kind: str, record: Record) -> str:
    match record:
        case (preference, name):
            return f"{preference} {name}."
        case Tlsa():
            return str(record)
        case bytes():
            return dns.rdata.from_text("IN", "TXT", f'"{record.decode("latin-1")}"').to_text()
    return f"{record}." if kind in ("CNAME", "PTR") else str(record)


@settings(deadline=None)
@given(messages())
@example(_message("A", [(60, "192.0.2.1"), (60, "192.0.2.1")]))
@example(_message("TXT", [(60, '"ab"'), (60, '"a" "b"')]))
def test_records_are_those_that_dnspython_reads(data: bytes) -> None:
    expected, read = _as_dnspython_reads(data), _read(data)
    kind = dns.rdatatype.to_text(dns.message.from_wire(data, question_only=True).question[0].rdtype) if expected else ""
    if expected is None or kind not in KINDS or data[4:6] != b"\0\1":
        return  # what is wrong with it may have more than one name
    records, ttl, canonical = expected
    # A signature may be broken: nobody looks at it. But what dnspython can read is read.
    if read is MalformedReply:  # a name that continues in the header, which no server writes, is refused
        assert re.search(rb"\xc0[\x00-\x0b]", data)
        return
    assert isinstance(read, DnsAnswer)
    if read.failure is not None:
        assert read.failure.failure_class is FailureClass.DNS_MALFORMED
        return
    if kind != "TXT":  # of which dnspython shows how it is split
        assert {_text(kind, record).lower() for record in read.records} == {each.lower() for each in records}
    assert read.ttl == (0.0 if ttl == 0 else min(ttl, MAX_TTL))
    assert not read.is_alias or read.canonical == canonical


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"CNAME"}))
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("alias", [False, True])
def test_what_servers_send_is_read(kind: str, *, signed: bool, alias: bool) -> None:
    read = _read(_message(kind, [(60, data) for data in KINDS[kind]], signed=signed, alias=alias))
    assert isinstance(read, DnsAnswer)
    assert read.failure is None
    assert len(read.records) == {"MX": 3, "TXT": 3}.get(kind, 2)
    assert (read.ttl, read.is_alias, read.canonical) == (60.0, alias, "target.a.example" if alias else "")
