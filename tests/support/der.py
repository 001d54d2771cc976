"""Certificates written byte by byte, for those that no library would issue."""

from __future__ import annotations

from typing import Final

# A prime of which the one before it is divisible by 2 many times over: to take a square root takes that many squarings,
# squared. The x of a few points whose y is such a root, on the curve y² = x³ - 3x + 7.
_POWER: Final = 644
_PRIME: Final = 1161 * 2**_POWER + 1


def element(tag: int, *parts: bytes) -> bytes:
    """Tag, length and contents (X.690 8.1)."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def integer(value: int) -> bytes:
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def identifier(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = bytes([40 * first + second])
    for number in rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.insert(0, 0x80 | number & 0x7F)
        body += bytes(digits)
    return element(0x06, body)


def sequence(*parts: bytes) -> bytes:
    return element(0x30, *parts)


def certificate_with(key: bytes, subject: bytes = b"\x30\0") -> bytes:
    """A certificate of `subject` for this SubjectPublicKeyInfo, without an issuer; its signature is none."""
    algorithm = sequence(identifier("1.2.840.10045.4.3.2"))
    dates = sequence(element(0x17, b"250101000000Z"), element(0x17, b"450101000000Z"))
    body = sequence(element(0xA0, integer(2)), integer(1), algorithm, sequence(), dates, subject, key)
    return sequence(body, algorithm, element(0x03, b"\0" + sequence(integer(5), integer(7))))


def key_on_own_curve(x: int) -> bytes:
    """A key on a curve of its own making, its points compressed: OpenSSL takes 0.16 s to find that it is none."""
    size = (_PRIME.bit_length() + 7) // 8
    point = b"\x02" + x.to_bytes(size, "big")
    field = sequence(identifier("1.2.840.10045.1.1"), integer(_PRIME))
    curve = sequence(element(0x04, (_PRIME - 3).to_bytes(size, "big")), element(0x04, (7).to_bytes(size, "big")))
    parameters = sequence(integer(1), field, curve, element(0x04, point), integer(_PRIME), integer(1))
    return sequence(sequence(identifier("1.2.840.10045.2.1"), parameters), element(0x03, b"\0" + point))
