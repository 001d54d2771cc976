"""The answers of those who own a domain and mean harm, by kind: what makes others keep, render and do too much."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from tests.attack.world.plan import Plan
from tests.attack.world.records import (
    AAAA,
    ASKED,
    CNAME,
    MX,
    NXDOMAIN,
    SERVFAIL,
    SHORT,
    TXT,
    A,
    Question,
    address,
    below,
    extended_errors,
    label,
    message,
    mx,
    name,
    nothing,
    record,
)

_UDP_BYTES: Final = 1232
_DAY: Final = 86400
_MAIL_HOSTS: Final = 40
_MX_RECORDS: Final = 2900  # of 22 bytes: 64 KB
_WRONG_IDS: Final = 50
_TIMES: Final = 200
_LINKS: Final = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent, in order. `pause`: byte by byte over TCP; `hangs`: nothing over TCP, and no end either."""

    data: bytes | tuple[bytes, ...] = ()
    pause: float = 0.0
    hangs: bool = False


# The question, what stands before the domain, the domain's number among its kind.
_Answerer = Callable[[Question, str, int, Plan], Reply]


def _whole(question: Question, *records: bytes) -> Reply:
    """Over UDP what fits, or that it does not."""
    data = message(question, *records)
    if not question.tcp and len(data) > _UDP_BYTES:
        data = message(question, truncated=True)
    return Reply(data)


def _plain(question: Question, plan: Plan, ttl: int = SHORT) -> Reply:
    """An ordinary domain, whose mail host is the bystander."""
    if question.kind == MX:
        return Reply(message(question, mx(below("mx"), ttl=ttl)))
    if question.kind == A:
        return Reply(message(question, address(plan.bystander, ttl)))
    return Reply(nothing(question, ttl=ttl))


@cache
def _private(count: int, kind: int, ttl: int) -> tuple[bytes, ...]:
    if kind == A:
        return tuple(record(A, struct.pack("!I", 0x0A000000 + number), ttl) for number in range(1, count + 1))
    return tuple(record(AAAA, b"\xfd" + bytes(11) + struct.pack("!I", number), ttl) for number in range(1, count + 1))


def _addresses(question: Question, before: str, number: int, plan: Plan) -> Reply:
    ttl = 0 if number % 2 else _DAY
    if question.kind == MX:
        return _whole(question, *(mx(below(f"m{host}"), host, ttl) for host in range(_MAIL_HOSTS)))
    if question.kind in (A, AAAA) and before:
        return _whole(question, *_private(plan.pace.addresses, question.kind, ttl))
    return Reply(nothing(question))


@cache
def _many_mx(ttl: int) -> tuple[bytes, ...]:
    return tuple(mx(below(f"h{host:04}"), host, ttl) for host in range(_MX_RECORDS))


def _mx_64k(question: Question, before: str, number: int, plan: Plan) -> Reply:
    if question.kind == MX and not before:
        return _whole(question, *_many_mx(0 if number % 2 else _DAY))
    return _plain(question, plan, _DAY)


def _ttl(question: Question, before: str, number: int, plan: Plan) -> Reply:
    return _plain(question, plan, 2**31 if number % 2 else 0)


def _compression(question: Question, before: str, number: int, plan: Plan) -> Reply:
    # Where the name of the first record's data begins: header, question, owner, ten bytes, preference.
    at = 12 + len(question.wire) + 14
    loops = (
        struct.pack("!H", 0xC000 | at),
        struct.pack("!HH", 0xC000 | at + 2, 0xC000 | at),
        label(b"x" * 60) + struct.pack("!H", 0xC000 | at),
        b"".join(struct.pack("!H", 0xC000 | at + 2 * step) for step in range(120, 0, -1)) + b"\0",
    )
    return Reply(message(question, mx(loops[number % len(loops)]), mx(name("mx.example"))))


def _header_pointer(question: Question, before: str, number: int, plan: Plan) -> Reply:
    offset = (0, 2, 4, 6)[(number + question.serial) % 4]
    pointer = struct.pack("!H", 0xC000 | offset)
    owner = record(MX, struct.pack("!H", 1) + name("mx.example"), 60, pointer)
    return Reply(message(question, owner if number % 2 else mx(pointer)))


def _tcp_hang(question: Question, before: str, number: int, plan: Plan) -> Reply:
    return Reply(message(question, truncated=True), hangs=True)


def _tcp_dribble(question: Question, before: str, number: int, plan: Plan) -> Reply:
    if not question.tcp:
        return Reply(message(question, truncated=True))
    return Reply(message(question, *_many_mx(60)), pause=0.2)


def _wrong_id(question: Question, before: str, number: int, plan: Plan) -> Reply:
    right = message(question, mx(name("mx.stranger.example")))
    (own,) = struct.unpack("!H", question.id)
    return Reply(tuple(struct.pack("!H", own ^ step) + right[2:] for step in range(1, _WRONG_IDS + 1)))


def _wrong_question(question: Question, before: str, number: int, plan: Plan) -> Reply:
    return Reply(message(question, mx(name("mx.example")), asked=name("good-0.example") + question.wire[-4:]))


def _cname(question: Question, before: str, number: int, plan: Plan) -> Reply:
    match number % 3:
        case 0:
            loop = (record(CNAME, below("loop")), record(CNAME, question.wire[:-4], owner=below("loop")))
            return Reply(message(question, *loop))
        case 1:
            links = [record(CNAME, below("l0"))]
            links += [record(CNAME, below(f"l{at + 1}"), owner=below(f"l{at}")) for at in range(_LINKS)]
            return _whole(question, *links)
    return Reply(message(question, record(CNAME, label(b"x%d" % question.serial) + name("dns-cname-2.example"), 0)))


_NAMES: Final = (
    (label(b"a\0b"), label(b"mx.with.dots"), label(b"\xff\xfe"), label(b" ")),
    (label(b"\x1b[31m\x1b]0;x\x07"), label(b"<script>alert(1)</script>"), label(b'"} 1\n# HELP x'), label(b"\r\n")),
    (label(b"x" * 63) * 3, label(b"_mx"), label(b"-mx-"), label(b"XN--A")),
    (label("straße".encode()), label(b"*"), label(b"\\"), label(b"a") * 40),
)


def _names(question: Question, before: str, number: int, plan: Plan) -> Reply:
    if question.kind == MX:
        return Reply(message(question, *(mx(odd + ASKED) for odd in _NAMES[number % len(_NAMES)])))
    return _plain(question, plan)


@cache
def _long_texts() -> tuple[bytes, ...]:
    text = b"v=STSv1; id=" + b"a" * 240
    return tuple(record(TXT, (bytes([len(text)]) + text) * 16, 0) for _ in range(14))


def _txt(question: Question, before: str, number: int, plan: Plan) -> Reply:
    return _whole(question, *_long_texts()) if question.kind == TXT else _plain(question, plan)


def _ede(question: Question, before: str, number: int, plan: Plan) -> Reply:
    errors = extended_errors(100, b"\x1b[1m<b>" + b"e" * 100)
    if question.kind != MX or number % 2:
        return Reply(message(question, rcode=SERVFAIL, additional=(errors,)))
    return Reply(message(question, mx(below("mx")), additional=(errors,)))


def _silence(question: Question, before: str, number: int, plan: Plan) -> Reply:
    return Reply(hangs=True)


def _errors(question: Question, before: str, number: int, plan: Plan) -> Reply:
    return Reply(nothing(question, (SERVFAIL, 5, 1, 4, NXDOMAIN, 9, 11)[(number + question.serial) % 7], 0))


def _random_address(plan: Plan, kind: int) -> bytes:
    """Nobody listens there, or it must not be connected to."""
    if kind == AAAA:
        return record(AAAA, b"\xfd" + random.randbytes(15), 0)
    if random.random() < 0.5:
        return record(A, bytes([10]) + random.randbytes(3), 0)
    return record(A, bytes([127, plan.block, random.randrange(128, 200), random.randrange(1, 255)]), 0)


def _rotating(question: Question, before: str, number: int, plan: Plan) -> Reply:
    if question.kind == MX:
        return Reply(message(question, mx(below("mx"), ttl=0)))
    if question.kind not in (A, AAAA):
        return Reply(nothing(question, ttl=0))
    return _whole(question, *(_random_address(plan, question.kind) for _ in range((2, 16, 60, 600)[number % 4])))


def _changing_mx(question: Question, before: str, number: int, plan: Plan) -> Reply:
    if question.kind == MX:
        made = (below(f"m{random.getrandbits(48):x}") for _ in range((1, 4, 20, 200)[number % 4]))
        return _whole(question, *(mx(target, ttl=0) for target in made))
    if question.kind == A and before:
        return Reply(message(question, _random_address(plan, A)))
    return Reply(nothing(question, ttl=0))


def _forbidden(question: Question, before: str, number: int, plan: Plan) -> Reply:
    inner = f"127.{plan.block + 1}.0.1"
    if question.kind == MX:
        return Reply(message(question, mx(below("mx"), 1), mx(name(inner), 2), mx(below("mx6"), 3)))
    if question.kind == A:
        texts = (inner, "0.0.0.0", "127.0.0.1", "10.0.0.1", "169.254.169.254", "224.0.0.1", "240.0.0.1", "192.0.2.1")
        return Reply(message(question, *map(address, texts)))
    if question.kind == AAAA:
        hexed = f"7f{plan.block + 1:02x}:1"
        texts6 = ("::1", f"::ffff:{inner}", f"64:ff9b::{hexed}", f"2002:{hexed}::1", f"::{hexed}", "fe80::1", "fc00::1")
        return Reply(message(question, *map(address, texts6)))
    return Reply(nothing(question))


def _self(question: Question, before: str, number: int, plan: Plan) -> Reply:
    if question.kind != MX:
        return _plain(question, plan)
    sets = (
        (mx(ASKED),),
        (mx(b"\0", 0), mx(below("mx"), 5)),
        (mx(name("localhost")), mx(name("localhost.localdomain"))),
        (mx(name("127.0.0.1")), mx(label(b"[127.0.0.1]") + b"\0")),
        tuple(mx(below("MX" if at % 2 else "mx"), 10) for at in range(300)),
    )
    return _whole(question, *sets[number % len(sets)])


def _garbage(question: Question, before: str, number: int, plan: Plan) -> Reply:
    match (number + question.serial) % 5:
        case 0:
            return Reply(question.id + random.randbytes(random.randrange(300)))
        case 1:
            return Reply(message(question, count=65535))
        case 2:
            return Reply(question.id + b"\1\0\0\1\0\0\0\0\0\0" + question.wire)  # our own question
        case 3:
            data = message(question, mx(below("mx")), mx(below("mx2")))
            return Reply(data[: random.randrange(12, len(data))])
    flipped = bytearray(message(question, mx(below("mx"))))
    for _ in range(3):
        flipped[random.randrange(2, len(flipped))] ^= 1 << random.randrange(8)
    return Reply(bytes(flipped))


def _many_dead(question: Question, before: str, number: int, plan: Plan) -> Reply:
    """Sixteen addresses where nobody listens."""
    if question.kind == MX:
        return Reply(message(question, mx(below("mx"), ttl=_DAY)))
    if question.kind == A and before:
        first = 16 * (number % 15) + 1
        where = (f"127.{plan.block}.{160 + number // 15}.{first + at}" for at in range(16))
        return Reply(message(question, *(address(text, _DAY) for text in where)))
    return Reply(nothing(question, ttl=_DAY))


def _flood(question: Question, before: str, number: int, plan: Plan) -> Reply:
    once = _plain(question, plan, 0).data
    return Reply((once,) * _TIMES if isinstance(once, bytes) and not question.tcp else once)


ANSWERS: Final[Mapping[str, _Answerer]] = MappingProxyType(
    {
        "dns-addresses": _addresses,
        "dns-mx-64k": _mx_64k,
        "dns-ttl": _ttl,
        "dns-compression": _compression,
        "dns-header-pointer": _header_pointer,
        "dns-tcp-hang": _tcp_hang,
        "dns-tcp-dribble": _tcp_dribble,
        "dns-wrong-id": _wrong_id,
        "dns-wrong-question": _wrong_question,
        "dns-cname": _cname,
        "dns-names": _names,
        "dns-txt": _txt,
        "dns-ede": _ede,
        "dns-silence": _silence,
        "dns-errors": _errors,
        "dns-rotating": _rotating,
        "dns-changing-mx": _changing_mx,
        "dns-forbidden": _forbidden,
        "dns-self": _self,
        "dns-garbage": _garbage,
        "dns-flood": _flood,
        "web-probes": _mx_64k,
        "web-slow-readers": _many_dead,
    }
)
