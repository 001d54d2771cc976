"""DNS messages as bytes: queries to send, and the header and EDNS of answers, before their records are read.

A query is a name between two constant parts, so only the name is written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from struct import Struct
from struct import error as too_short
from typing import Final, NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from exporter.resolver.domain_names import HEADER_BYTES, POINTER, after_name

# The size of an answer over UDP that no network fragments (DNS flag day 2020).
UDP_PAYLOAD: Final = 1232
_IN: Final = b"\0\1"
# An OPT record without options: the root, its type; size, code, version and flags; no data.
_OPT_HEAD: Final = b"\0" + int(dns.rdatatype.OPT).to_bytes(2, "big")
_BARE_OPT_BYTES: Final = 11
_HEADER: Final = Struct("!HHHHHH").unpack_from
_RECORD: Final = Struct("!HHIH").unpack_from  # the fields behind a record's owner
_RECORD_BYTES: Final = 10
_TRUNCATED: Final = 0x02  # TC (RFC 1035 4.1.1)
# Options of one answer that are read; servers send four or five, and a message has room for 16,000.
_MAX_OPTIONS: Final = 64


def _ends(*, edns: bool, recursion: bool = True) -> tuple[bytes, bytes]:
    """The constant parts before and behind the question; the id is 0."""
    query = dns.message.make_query(".", "A", use_edns=0 if edns else -1, want_dnssec=edns, payload=UDP_PAYLOAD, id=0)
    query.flags |= dns.flags.AD  # RFC 6840 5.7: asks for the AD bit in the answer
    if not recursion:
        query.flags &= ~dns.flags.RD
    wire = query.to_wire()
    return wire[:HEADER_BYTES], wire[HEADER_BYTES + 5 :]


_WITH_EDNS: Final = _ends(edns=True)
_WITHOUT_EDNS: Final = _ends(edns=False)
_DIRECT: Final = {edns: _ends(edns=edns, recursion=False) for edns in (True, False)}


def question_section(name: str, kind: dns.rdatatype.RdataType) -> bytes:
    """Name in lower case, type and class. Raises DNSException or UnicodeError for an invalid name."""
    return dns.name.from_text(name).to_digestable() + int(kind).to_bytes(2, "big") + _IN


def query(section: bytes, *, edns: bool = True, recursion: bool = True) -> bytes:
    """The message of a query; its id is 0. `recursion`: it asks a resolver, else a server for what it holds itself."""
    before, behind = _DIRECT[edns] if not recursion else _WITH_EDNS if edns else _WITHOUT_EDNS
    return before + section + behind


def answers(data: bytes, section: bytes) -> bool:
    """True where a message with the right id answers the question `section` (RFC 5452 9.1)."""
    if len(data) < HEADER_BYTES or not data[2] & 0x80:
        return False
    if data[4:6] == b"\0\0":
        # A server that could not read the question need not repeat it (RFC 1035 4.1.1: FORMERR, NOTIMP …).
        return rcode_of(data) not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    return data[HEADER_BYTES : HEADER_BYTES + len(section)].lower() == section.lower()


def rcode_of(data: bytes) -> int:
    """The response code in the header; :func:`code_of` gives the whole code."""
    return data[3] & 0x0F


def code_of(data: bytes) -> int:
    """The whole response code: in an answer without records EDNS may extend it (RFC 6891 6.1.3: BADVERS)."""
    code = data[3] & 0x0F
    if code or data[6:8] != b"\0\0":
        return code
    opt = opt_of(data)
    return code if opt is None else opt.extended_code << 4 | code


class Opt(NamedTuple):
    """The EDNS part of an answer."""

    extended_code: int
    options: tuple[tuple[int, bytes], ...]  # number and data


def opt_of(data: bytes) -> Opt | None:
    """The OPT record; None where there is none, or the records before it cannot be read."""
    if data[10:12] == b"\0\0":
        return None
    if data[-_BARE_OPT_BYTES:-8] == _OPT_HEAD and data[-2:] == b"\0\0":
        return Opt(data[-6], ())  # the usual case: the last record, without options
    try:
        _, _, questions, *counts = _HEADER(data)
        place = HEADER_BYTES
        if questions:  # one, or none where the question could not be read
            place = after_name(data, place) + 4
        for _ in range(sum(counts)):
            place = place + 2 if data[place] >= POINTER else after_name(data, place)
            rdtype, _, ttl, length = _RECORD(data, place)
            place += _RECORD_BYTES
            if rdtype == dns.rdatatype.OPT:
                # In place of the TTL of other records stand a code, a version and flags.
                return Opt(ttl >> 24, tuple(islice(_options(data[place : place + length]), _MAX_OPTIONS)))
            place += length
    except (IndexError, too_short):
        pass
    return None


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and data of the options (RFC 6891 6.1.2)."""
    place = 0
    while place + 4 <= len(data):
        number, length = (int.from_bytes(data[at : at + 2], "big") for at in (place, place + 2))
        yield number, data[place + 4 : place + 4 + length]
        place += 4 + length


def is_truncated(data: bytes) -> bool:
    """True of an answer whose rest is available over TCP."""
    return bool(data[2] & _TRUNCATED)


def cut(data: bytes) -> bytes:
    """The message marked as truncated."""
    return data[:2] + bytes([data[2] | _TRUNCATED]) + data[3:]
