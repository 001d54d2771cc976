"""DNS messages as bytes: questions written, answers read. The format is dnspython's business, from both sides.

A question is a name between two ends that are always the same, so only the name is written anew. Of an answer with
records nothing but those is parsed: what a server adds about itself takes as long again. And where they are ordinary,
they are parsed one by one: the message around them takes three times as long as they do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.wire

from exporter.resolver.unknown_type import after_name, with_tlsa_unread

# What an answer may measure over UDP without being fragmented on the way (DNS flag day 2020).
UDP_PAYLOAD: Final = 1232
HEADER_BYTES: Final = 12
_IN: Final = b"\0\1"
# RFC 1035 4.1.4: "the name in the question", which stands right behind the header.
_POINTER_TO_QUESTION: Final = b"\xc0\x0c"
_QUERY_ANSWER: Final = 0x80  # of the bits QR and Opcode
# An OPT record without options: the root, its type; size, code, version and flags; no data.
_OPT_HEAD: Final = b"\0" + int(dns.rdatatype.OPT).to_bytes(2, "big")
_BARE_OPT_BYTES: Final = 11
MAX_LEGAL_TTL: Final = 2**31 - 1  # RFC 2181 8: anything larger is taken for 0


class MalformedReply(Exception):  # noqa: N818 - no error of the program
    """An answer came and cannot be parsed."""


def _ends(*, edns: bool) -> tuple[bytes, bytes]:
    """What stands before and behind the question; the id is 0."""
    query = dns.message.make_query(".", "A", use_edns=0 if edns else -1, want_dnssec=edns, payload=UDP_PAYLOAD, id=0)
    query.flags |= dns.flags.AD  # RFC 6840 5.7: tell us whether it is authenticated
    wire = query.to_wire()
    return wire[:HEADER_BYTES], wire[HEADER_BYTES + 5 :]


_WITH_EDNS: Final = _ends(edns=True)
_WITHOUT_EDNS: Final = _ends(edns=False)


def question_section(name: str, kind: dns.rdatatype.RdataType) -> bytes:
    """Name in lower case, type and class. Raises DNSException or UnicodeError for what is no name."""
    return dns.name.from_text(name).to_digestable() + int(kind).to_bytes(2, "big") + _IN


def query(section: bytes, *, edns: bool = True) -> bytes:
    """The message that asks; its id is 0."""
    before, behind = _WITH_EDNS if edns else _WITHOUT_EDNS
    return before + section + behind


def answers(data: bytes, section: bytes) -> bool:
    """Whether a message with the right id is the answer to the question `section` (RFC 5452 9.1)."""
    if len(data) < HEADER_BYTES or not data[2] & 0x80:
        return False
    if data[4:6] == b"\0\0":
        # A server that could not read the question need not repeat it (RFC 1035 4.1.1: FORMERR, NOTIMP …).
        return rcode_of(data) not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    return data[HEADER_BYTES : HEADER_BYTES + len(section)].lower() == section.lower()


def rcode_of(data: bytes) -> int:
    """The code in the header; :func:`code_of` tells the whole of it."""
    return data[3] & 0x0F


def code_of(data: bytes) -> int:
    """The whole code: of an answer without records EDNS may add to what the header says (RFC 6891 6.1.3: BADVERS)."""
    code = data[3] & 0x0F
    if code or data[6:8] != b"\0\0":
        return code
    opt = opt_of(data)
    return code if opt is None else opt.extended_code << 4 | code


class Opt(NamedTuple):
    """What an answer says in EDNS."""

    extended_code: int
    options: tuple[tuple[int, bytes], ...]  # number and data


def opt_of(data: bytes) -> Opt | None:
    """The OPT record; None where there is none, or the way to it cannot be read."""
    if data[10:12] == b"\0\0":
        return None
    if data[-_BARE_OPT_BYTES:-8] == _OPT_HEAD and data[-2:] == b"\0\0":
        return Opt(data[-6], ())  # the usual case: it stands last, and says nothing more
    try:
        questions, *counts = (int.from_bytes(data[place : place + 2], "big") for place in range(4, HEADER_BYTES, 2))
        place = HEADER_BYTES
        for _ in range(questions):
            place = after_name(data, place) + 4
        for _ in range(sum(counts)):
            place = after_name(data, place)
            length = data[place + 8] << 8 | data[place + 9]
            if int.from_bytes(data[place : place + 2], "big") == dns.rdatatype.OPT:
                return Opt(data[place + 4], tuple(_options(data[place + 10 : place + 10 + length])))
            place += 10 + length
    except IndexError:
        pass
    return None


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    """RFC 6891 6.1.2."""
    place = 0
    while place + 4 <= len(data):
        number, length = (int.from_bytes(data[at : at + 2], "big") for at in (place, place + 2))
        yield number, data[place + 4 : place + 4 + length]
        place += 4 + length


def is_truncated(data: bytes) -> bool:
    """Whether the rest is to be had over TCP."""
    return bool(data[2] & 0x02)


def ordinary_records(data: bytes) -> tuple[list[dns.rdata.Rdata], int] | None:
    """The records of an answer and their TTL in seconds, where all are of the type and the name asked for.

    None for any other answer, as one with an alias, an error or a fault: :func:`parse` tells what it is.
    """
    if data[2] & 0xF8 != _QUERY_ANSWER or rcode_of(data) != dns.rcode.NOERROR or data[4:6] != b"\0\1":
        return None
    records: list[dns.rdata.Rdata] = []
    ttl = MAX_LEGAL_TTL
    try:
        place = after_name(data, HEADER_BYTES)
        kind = int.from_bytes(data[place : place + 2], "big")
        if kind == dns.rdatatype.CNAME or data[place + 2 : place + 4] != _IN:
            return None
        parser = dns.wire.Parser(data, place + 4)
        for _ in range(int.from_bytes(data[6:8], "big")):
            if parser.get_bytes(2) != _POINTER_TO_QUESTION:
                return None
            rdtype, rdclass, seconds, length = parser.get_struct("!HHIH")
            if rdtype == dns.rdatatype.RRSIG:
                parser.get_bytes(length)
                continue
            if rdtype != kind or rdclass != dns.rdataclass.IN:
                return None
            with parser.restrict_to(length):
                records.append(dns.rdata.from_wire_parser(rdclass, rdtype, parser))
            ttl = min(ttl, seconds if seconds <= MAX_LEGAL_TTL else 0)
    except Exception:  # bytes of strangers; read as a message, they tell what is wrong with them
        return None
    return (records, ttl) if records else None


def parse(data: bytes) -> dns.message.Message:
    """The message. Raises MalformedReply."""
    if rcode_of(data) == dns.rcode.NOERROR and data[6:8] != b"\0\0":
        data = data[:8] + b"\0\0\0\0" + data[HEADER_BYTES:]
    try:
        return _from_wire(data)
    except Exception as error:  # bytes of strangers: whatever the parser trips over is theirs
        unread = with_tlsa_unread(data)
        if unread is not None:
            with contextlib.suppress(Exception):  # no better; the first error counts
                return _from_wire(unread)
        raise MalformedReply(f"{type(error).__name__}: {error}") from None


def _from_wire(data: bytes) -> dns.message.Message:
    return dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
