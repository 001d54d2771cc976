"""DNS answers of the kinds that an attacker writes: as much as 64 KiB hold, and names that lead where none can be."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

MAX_BYTES = 65_535
CODES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "OPT": 41, "RRSIG": 46, "TLSA": 52}
QUESTION = b"\xc0\x0c"  # a pointer to the name in the question
HEADER = 12


def wire(name: str) -> bytes:
    """A name without anything that needs escaping."""
    labels = name.encode("latin-1").split(b".") if name else []
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(kind: str, data: bytes, *, owner: bytes = QUESTION, ttl: int = 60) -> bytes:
    """One record."""
    head = CODES[kind].to_bytes(2, "big") + b"\0\1" + ttl.to_bytes(4, "big") + len(data).to_bytes(2, "big")
    return owner + head + data


def reply(
    name: str,
    kind: str,
    records: Iterable[bytes] = (),
    *,
    authority: Iterable[bytes] = (),
    additional: Iterable[bytes] = (),
    code: int = 0,
    authenticated: bool = False,
) -> bytes:
    """The answer to a question about `name`, its id 0."""
    sections = [list(records), list(authority), list(additional)]
    counts = b"".join(len(section).to_bytes(2, "big") for section in sections)
    question = wire(name) + CODES[kind].to_bytes(2, "big") + b"\0\1"
    return (
        b"\0\0\x81"
        + bytes([0x80 | 0x20 * authenticated | code])
        + b"\0\1"
        + counts
        + question
        + b"".join(map(b"".join, sections))
    )


def as_many(name: str, kind: str, records: Iterable[bytes], room: int = MAX_BYTES) -> bytes:
    """As many of the records as the longest message holds."""
    room -= len(reply(name, kind))
    taken: list[bytes] = []
    for each in records:
        room -= len(each)
        if room < 0:
            break
        taken.append(each)
    return reply(name, kind, taken)


def addresses(name: str, count: int, prefix: int = 10) -> bytes:
    """`count` A records of one /8."""
    return reply(name, "A", [record("A", bytes([prefix]) + n.to_bytes(3, "big")) for n in range(1, count + 1)])


def addresses6(name: str, count: int, prefix: bytes = b"\x20\x01\x0d\xb8") -> bytes:
    """`count` AAAA records below one prefix."""
    return reply(name, "AAAA", [record("AAAA", prefix + n.to_bytes(12, "big")) for n in range(1, count + 1)])


def longest_mx(name: str) -> bytes:
    """MX records as many as there is room for, each with a short name of its own below the domain."""
    data = ((n % 100).to_bytes(2, "big") + bytes([4]) + b"%04x" % n + QUESTION for n in range(1 << 16))
    return as_many(name, "MX", (record("MX", each) for each in data))


def heavy_mx(name: str) -> bytes:
    """MX records as many as there is room for, whose names end alike in 240 octets of which each has to be escaped."""
    tail = b"".join(bytes([60]) + b"\xff" * 60 for _ in range(3)) + bytes([50]) + b"\1" * 50 + b"\0"
    start = HEADER + len(wire(name)) + 4 + len(record("TXT", b""))
    pointer = (0xC000 | start).to_bytes(2, "big")
    names = (record("MX", (n % 100).to_bytes(2, "big") + bytes([4]) + b"%04x" % n + pointer) for n in range(1 << 16))
    return as_many(name, "MX", chain([record("TXT", tail)], names))


def chained_names(name: str, kind: str = "MX") -> bytes:
    """Records whose owners have 127 labels each, all by pointers into a chain that stands in another record."""
    many = b"\1x" * 110
    start = HEADER + len(wire(name)) + 4 + 12
    carrier = record("TXT", many + b"\0")
    owner = b"\1y" + (0xC000 | start).to_bytes(2, "big")
    each = record(kind, b"\0\1" + owner, owner=owner)
    room = MAX_BYTES - len(reply(name, kind)) - len(carrier)
    return reply(name, kind, [carrier, *[each] * (room // len(each))])


def pointer_ladder(name: str, kind: str = "A") -> bytes:
    """A ladder of pointers, each to the one before, and records whose owners are its last rung."""
    start = HEADER + len(wire(name)) + 4 + 12
    rungs = 8000
    ladder = b"\0\0" + b"".join((0xC000 | start + 2 * n).to_bytes(2, "big") for n in range(rungs))
    carrier = record("TXT", ladder)
    owner = (0xC000 | start + 2 * rungs).to_bytes(2, "big")
    each = record(kind, b"\1\1\1\1", owner=owner)
    return reply(name, kind, [carrier, *[each] * ((MAX_BYTES - len(carrier) - 60) // len(each))])


def aliases(name: str, links: int, kind: str = "MX") -> bytes:
    """A chain of aliases, each a name of its own, without records at its end."""
    owner, records = wire(name), []
    for n in range(links):
        target = wire(f"link{n}.{name}")
        records.append(record("CNAME", target, owner=owner))
        owner = target
    return reply(name, kind, records)


def one_long_text(name: str) -> bytes:
    """A TXT record of 60,000 bytes in strings of one octet."""
    return reply(name, "TXT", [record("TXT", b"\1a" * 30_000)])


def many_texts(name: str) -> bytes:
    """TXT records of one octet, as many as there is room for."""
    return as_many(name, "TXT", (record("TXT", bytes([2]) + n.to_bytes(2, "big")) for n in range(1 << 16)))


def many_tlsa(name: str, size: int = 35) -> bytes:
    """TLSA records, each another digest, as many as there is room for."""
    data = (b"\3\1\1" + n.to_bytes(4, "big").ljust(size - 3, b"\xaa") for n in range(1 << 16))
    return as_many(name, "TLSA", (record("TLSA", each) for each in data))


def with_options(name: str, options: Iterable[tuple[int, bytes]], *, code: int = 2) -> bytes:
    """A failure with these EDNS options."""
    data = b"".join(n.to_bytes(2, "big") + len(text).to_bytes(2, "big") + text for n, text in options)
    opt = b"\0" + (41).to_bytes(2, "big") + b"\x04\xd0" + bytes(4) + len(data).to_bytes(2, "big") + data
    return reply(name, "MX", additional=[opt], code=code)
