"""Answers are read in two ways, the ordinary ones faster: both say the same of every message."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.resolver.answer import Answer, read_answer, read_reply
from exporter.resolver.wire import MalformedReply, ordinary_records, parse

NAME = "a.example"
KINDS = {
    "A": ["192.0.2.1", "192.0.2.2"],
    "AAAA": ["2001:db8::1", "2001:db8::2"],
    "MX": ["10 mx.a.example.", "10 MX.A.example.", "20 mx.b.example.", "0 ."],
    "TXT": ['"v=STSv1; id=1"', '"v=STSv1;" " id=1"', '""'],
    "CNAME": ["mx.a.example.", "mx.b.example."],
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


def _read(data: bytes, *, whole: bool) -> Answer | type[Exception]:
    try:
        return read_answer(NAME, parse(data)) if whole else read_reply(NAME, data)
    except MalformedReply:
        return MalformedReply


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


@given(messages())
@example(_message("A", [(60, "192.0.2.1"), (60, "192.0.2.1")]))
@example(_message("TXT", [(60, '"ab"'), (60, '"a" "b"')]))
def test_both_ways_say_the_same(data: bytes) -> None:
    whole = _read(data, whole=True)
    # Unread, a signature may be broken: nobody looks at it.
    assert _read(data, whole=False) == whole or whole is MalformedReply


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"CNAME"}))
@pytest.mark.parametrize("signed", [False, True])
def test_what_servers_send_is_ordinary(kind: str, *, signed: bool) -> None:
    assert ordinary_records(_message(kind, [(60, data) for data in KINDS[kind]], signed=signed)) is not None


@pytest.mark.parametrize("data", [_message("A", []), _message("A", [(60, "192.0.2.1")], alias=True)])
def test_no_records_and_aliases_are_not(data: bytes) -> None:
    assert ordinary_records(data) is None
