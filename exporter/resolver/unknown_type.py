"""TLSA records as records of an unknown type (RFC 3597), for what dnspython will not read.

dnspython refuses a whole message for one TLSA record whose digest is too short. To a sender that record is no more than
unusable (RFC 6698 4.1), and the others beside it count. So where a message cannot be parsed, it is tried again with the
type TLSA renamed in its question and answers, which leaves the data of the records alone.
"""

from __future__ import annotations

from typing import Final

import dns.rdatatype

from exporter.dane.tlsa import Tlsa

# RFC 6895 3.1: for private use, so no parser has an opinion on it.
TLSA_UNREAD: Final = dns.rdatatype.RdataType.make(65_400)
_TLSA: Final = int(dns.rdatatype.TLSA)
_HEADER_BYTES: Final = 12


def with_tlsa_unread(wire: bytes) -> bytes | None:
    """The message with TLSA renamed; None if it asks for no TLSA, or is not even in the form of a message."""
    message = bytearray(wire)
    try:
        questions, answers = (int.from_bytes(message[place : place + 2], "big") for place in (4, 6))
        place = _HEADER_BYTES
        renamed = False
        for number in range(questions + answers):
            place = after_name(message, place)
            if int.from_bytes(message[place : place + 2], "big") == _TLSA:
                message[place : place + 2] = int(TLSA_UNREAD).to_bytes(2, "big")
                renamed |= number < questions
            # Type and class of a question; of a record also its TTL and data.
            place += 4 if number < questions else 10 + (message[place + 8] << 8 | message[place + 9])
    except IndexError:
        return None
    return bytes(message) if renamed else None


def tlsa_of(data: bytes) -> Tlsa:
    """The record with this data; where even the three numbers are not whole, one that nobody can use."""
    usage, selector, matching = data[:3].ljust(3, b"\xff")
    return Tlsa(usage, selector, matching, data[3:])


def after_name(message: bytes | bytearray, place: int) -> int:
    """The place behind a name (RFC 1035 4.1.4), which a pointer ends. Raises IndexError where there is no end."""
    while length := message[place]:
        if length >= 0xC0:
            return place + 2
        place += 1 + length
    return place + 1
