"""A DNS message -> the records that answer its question, at the end of the aliases; or where there are none, the SOA.

The message comes from a stranger, so it is not parsed with dnspython, which needs 0.3 s for 64 KiB of records; this
parser needs 5 ms at most. It walks the answer section once, and reads of each record only owner, type and TTL, of a
signature its dates. It passes over the authority section of a positive answer, and additional records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from struct import error as too_short
from typing import Final

from exporter.resolver.domain_names import HEADER_BYTES, MalformedReply, NameReader, suffixes

A: Final = 1
NS: Final = 2
CNAME: Final = 5
SOA: Final = 6
PTR: Final = 12
MX: Final = 15
TXT: Final = 16
AAAA: Final = 28
RRSIG: Final = 46
TLSA: Final = 52
_IN: Final = 1
# RFC 2181 8: anything larger is taken for 0.
MAX_LEGAL_TTL: Final = 2**31 - 1
# Aliases between the name in the question and the one that has the records. Resolvers stop at 8 to 20.
MAX_ALIASES: Final = 16
# Records of a negative answer, with its SOA among the first (RFC 2308 3); with DNSSEC there are a dozen others.
_MAX_AUTHORITY: Final = 32
# Seconds for which a negative answer without an SOA is cached.
_TTL_WITHOUT_SOA: Final = 300
# Two names of one octet at least, and five numbers (RFC 1035 3.3.13); the last of them counts for negative answers.
_LEAST_SOA_BYTES: Final = 22

_HEADER: Final = Struct("!HHHHHH").unpack_from
_QUESTION: Final = Struct("!HH").unpack_from
_RECORD: Final = Struct("!HHIH").unpack_from
_RECORD_BYTES: Final = 10
_NUMBER: Final = Struct("!I").unpack_from
# RFC 4034 3.1: the type that is covered, and behind the algorithm, labels and TTL the end and the begin.
_SIGNATURE: Final = Struct("!HxxxxxxII").unpack_from
_LEAST_RRSIG_BYTES: Final = 19
# RFC 1035 4.1.4: "the name in the question", which stands right behind the header.
_POINTER_TO_QUESTION: Final = b"\xc0\x0c"

Place = tuple[int, int]  # of a record's data: where it begins and ends
Times = tuple[int, int]  # of a signature: its end and its begin, Unix time


class UselessReply(Exception):  # noqa: N818 - no error of the program
    """An answer that can be read but not used; the message is the reason, as the end of a sentence about it."""


@dataclass(frozen=True, slots=True)
class RecordSection:
    """The part of the answer section that answers the question."""

    kind: int
    name: bytes  # that the records belong to, in wire form: the end of the aliases
    is_alias: bool
    places: list[Place]  # of the records' data
    ttl: int  # the least along the aliases
    names: NameReader
    zone: bytes | None = None  # where there are no records: the zone that says so
    signed: Times | None = None  # the signature that holds; of records and aliases, the one that ends first


def section_of(data: bytes) -> RecordSection:
    """The answer section of a message. Raises MalformedReply, UselessReply."""
    try:
        return _section_of(data)
    except (IndexError, too_short):
        raise MalformedReply("it ends too early") from None


def _section_of(data: bytes) -> RecordSection:
    names = NameReader(data)
    _, _, questions, answers, authorities, _ = _HEADER(data)
    if questions != 1:
        raise MalformedReply(f"it repeats {questions} questions where one was asked")
    question, place = names.at(HEADER_BYTES)
    kind, _ = _QUESTION(data, place)
    found: dict[bytes, list[Place]] = {}
    times: dict[bytes, int] = {}
    aliases: dict[bytes, tuple[Place, int]] = {}
    signatures: list[tuple[bytes, int]] = []  # owner, and the place of the data
    place += 4
    for _ in range(answers):
        if data[place : place + 2] == _POINTER_TO_QUESTION:
            owner, place = question, place + 2
        else:
            owner, place = names.at(place)
        rdtype, rdclass, ttl, length = _RECORD(data, place)
        begins, place = place + _RECORD_BYTES, place + _RECORD_BYTES + length
        if rdclass != _IN or rdtype not in (kind, CNAME):
            if rdtype == RRSIG and rdclass == _IN and length >= _LEAST_RRSIG_BYTES:
                signatures.append((owner, begins))
            continue
        ttl = ttl if ttl <= MAX_LEGAL_TTL else 0
        if rdtype != kind:
            aliases[owner] = (begins, place), ttl
        elif owner in found:
            found[owner].append((begins, place))
            times[owner] = min(ttl, times[owner])
        else:
            found[owner], times[owner] = [(begins, place)], ttl
    if place > len(data):
        raise MalformedReply("it ends too early")
    name, ttl = _follow(names, question, found, aliases)
    if name in found:
        signed = _first_end(data, signatures, [(name, kind), *((alias, CNAME) for alias in aliases)])
        return RecordSection(kind, name, name != question, found[name], min(ttl, times[name]), names, signed=signed)
    zone, negative = _zone_of(data, names, name, place, authorities)
    return RecordSection(kind, name, name != question, [], min(ttl, negative), names, zone)


def _follow(
    names: NameReader, name: bytes, found: dict[bytes, list[Place]], aliases: dict[bytes, tuple[Place, int]]
) -> tuple[bytes, int]:
    """The name at the end of the aliases of `name`, and the least TTL among them."""
    least = MAX_LEGAL_TTL
    for _ in range(MAX_ALIASES + 1):
        if name in found or name not in aliases:
            return name, least
        (begins, ends), ttl = aliases[name]
        name, least = name_in(names, begins, ends), min(least, ttl)
    raise UselessReply(f"contradicts itself: its aliases lead in a circle, or there are more than {MAX_ALIASES}")


def _first_end(data: bytes, signatures: Sequence[tuple[bytes, int]], sets: Sequence[tuple[bytes, int]]) -> Times | None:
    """The times of the signature that ends first, of those of `sets`: owner and type of records."""
    latest: dict[tuple[bytes, int], Times] = {}
    for owner, place in signatures:
        covered, ends, begins = _SIGNATURE(data, place)
        # A set is valid as long as one of its signatures is (RFC 4035 5.3.3).
        latest[owner, covered] = max((ends, begins), latest.get((owner, covered), (0, 0)))
    return min((latest[each] for each in sets if each in latest), default=None)


def _zone_of(data: bytes, names: NameReader, name: bytes, place: int, authorities: int) -> tuple[bytes | None, int]:
    """The zone closest to `name` whose SOA stands in the authority section, and its TTL for negative answers."""
    zones: dict[bytes, int] = {}
    for _ in range(min(authorities, _MAX_AUTHORITY)):
        owner, place = names.at(place)
        rdtype, rdclass, ttl, length = _RECORD(data, place)
        place += _RECORD_BYTES + length
        if rdtype == SOA and rdclass == _IN:
            if length < _LEAST_SOA_BYTES or place > len(data):
                raise MalformedReply("an SOA record is too short")
            (minimum,) = _NUMBER(data, place - 4)
            zones[owner] = min(ttl if ttl <= MAX_LEGAL_TTL else 0, minimum)
    zone = next((each for each in suffixes(name) if each in zones), None) if zones else None
    return zone, _TTL_WITHOUT_SOA if zone is None else zones[zone]


def name_in(names: NameReader, begins: int, ends: int) -> bytes:
    """The name that a record's data is. Raises MalformedReply."""
    name, behind = names.at(begins)
    if behind != ends:
        raise MalformedReply("a record is longer or shorter than the name in it")
    return name
