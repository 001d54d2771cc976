"""DNS messages put together by hand, so that they may be as wrong as one likes (RFC 1035 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

A, NS, CNAME, SOA, MX, TXT, AAAA, OPT = 1, 2, 5, 6, 15, 16, 28, 41
SERVFAIL, NXDOMAIN = 2, 3
HEADER_BYTES: Final = 12
# Seconds: what is not told otherwise is asked again at the next probe.
SHORT: Final = 1
# Owner of an answer: the name asked about, which stands behind the header.
ASKED: Final = b"\xc0\x0c"
# QR, RD, RA
_ANSWER: Final = 0x8180
_TRUNCATED: Final = 0x0200
_IN: Final = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What a client asks; `serial` tells how many there were before."""

    id: bytes
    wire: bytes  # name, type, class
    name: str  # lower case, without the final dot; what is no text in it, escaped
    kind: int
    tcp: bool
    serial: int = 0


def parse(data: bytes, *, tcp: bool, serial: int = 0) -> Question | None:
    """The question of a query, None if it is none."""
    if len(data) < HEADER_BYTES or data[2] & 0x80 or data[4:6] != b"\0\1":
        return None
    labels, at = [], HEADER_BYTES
    while at < len(data) and (length := data[at]):
        if length > 63:
            return None
        labels.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    end = at + 5
    if end > len(data):
        return None
    (kind,) = struct.unpack_from("!H", data, at + 1)
    name = ".".join(label.decode("ascii", "backslashreplace") for label in labels)
    return Question(data[:2], data[HEADER_BYTES:end], name.lower(), kind, tcp, serial)


def message(
    question: Question,
    *records: bytes,
    rcode: int = 0,
    authority: tuple[bytes, ...] = (),
    additional: tuple[bytes, ...] = (),
    count: int | None = None,
    asked: bytes | None = None,
    truncated: bool = False,
) -> bytes:
    """An answer. `count` says another number of records than there are, `asked` another question."""
    flags = _ANSWER | rcode | (_TRUNCATED if truncated else 0)
    answers = len(records) if count is None else count
    head = struct.pack("!HHHHH", flags, 1, answers, len(authority), len(additional))
    return b"".join((question.id, head, question.wire if asked is None else asked, *records, *authority, *additional))


def record(kind: int, data: bytes, ttl: int = SHORT, owner: bytes = ASKED) -> bytes:
    """One record."""
    return owner + struct.pack("!HHIH", kind, _IN, ttl, len(data)) + data


def address(text: str, ttl: int = SHORT) -> bytes:
    """An A or AAAA record of the name asked about."""
    found = ip_address(text)
    return record(A if found.version == 4 else AAAA, found.packed, ttl)


def mx(target: bytes, preference: int = 10, ttl: int = SHORT) -> bytes:
    """An MX record of the name asked about; `target` as it stands on the wire."""
    return record(MX, struct.pack("!H", preference) + target, ttl)


def name(text: str) -> bytes:
    """A name on the wire, without compression."""
    return b"".join(label(part.encode()) for part in text.split(".") if part) + b"\0"


def label(data: bytes) -> bytes:
    """One label."""
    return bytes([len(data)]) + data


def below(text: str) -> bytes:
    """A name directly below the one asked about."""
    return label(text.encode()) + ASKED


def nothing(question: Question, rcode: int = 0, ttl: int = SHORT) -> bytes:
    """No such record, or name, and for how long (RFC 2308)."""
    soa = name("ns.invalid") + name("admin.invalid") + struct.pack("!IIIII", 1, 3600, 600, 86400, ttl)
    return message(question, rcode=rcode, authority=(record(SOA, soa, ttl, b"\0"),))


def extended_errors(count: int, text: bytes) -> bytes:
    """An OPT record with so many extended errors (RFC 8914), of all codes in turn."""
    options = b"".join(struct.pack("!HHH", 15, 2 + len(text), number % 30) + text for number in range(count))
    return b"\0" + struct.pack("!HHIH", OPT, 1232, 0, len(options)) + options
