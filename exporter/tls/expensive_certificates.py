"""Certificates that take long to decode, recognised by their bytes alone. Pure.

To decode a certificate is to decode its key, and for an elliptic curve with explicit parameters OpenSSL takes a square
root modulo a prime of the server's choice: 0.16 s for 635 bytes, so 25 s for the certificates of one handshake. No
authority issues such certificates (RFC 5480 2.1.1 forbids it), and none of them is ever verified.
"""

from __future__ import annotations

from typing import Final

# RFC 8446 4.4.2 gives no bound. Public chains have up to five; each costs OpenSSL about 0.1 ms to decode, in one go.
MAX_CERTIFICATES: Final = 64
# ANSI X9.62: prime-field and characteristic-two-field, without which no curve is described. The contents of an
# object identifier stand in one piece, and in this form alone.
_FIELDS: Final = (bytes.fromhex("2a8648ce3d0101"), bytes.fromhex("2a8648ce3d0102"))
# SEC 2: secp224r1, whose prime is the one of all named curves that takes long (0.5 ms) to take a square root modulo.
_SLOW_CURVE: Final = bytes.fromhex("2b81040021")
_MAX_SLOW: Final = 8
# RFC 5280 4.1.2.4: of a subject or an issuer; real ones have a tenth. To read and to show one of 70 KiB takes 60 ms.
MAX_NAME_BYTES: Final = 4096
# Keys that a server's certificate is signed with: RSA, RSA for PSS alone, elliptic curves, Ed25519, Ed448 (RFC 8017 A,
# RFC 5480 2.1.1, RFC 8410 3); contents of the identifiers. To load one of Diffie-Hellman, a library tests whether
# its numbers are prime: 30,000 bits take it four seconds. DSA has no bound worth the name, and no authority.
_SIGNING: Final = frozenset(
    map(bytes.fromhex, ("2a864886f70d010101", "2a864886f70d01010a", "2a8648ce3d0201", "2b6570", "2b6571"))
)
_IDENTIFIER: Final = 0x06
_VERSION: Final = 0xA0  # of X.509, which may be left out (RFC 5280 4.1.2.1)
OWN_CURVE: Final = (
    "has a certificate whose key brings an elliptic curve of its own (explicit parameters, forbidden by RFC 5480 2.1.1)"
)


def brings_own_curve(der: bytes) -> bool:
    """True where `der` has the parameters of an elliptic curve, in place of its name."""
    return any(field in der for field in _FIELDS)


def excess_in(message: bytes, *, tls13: bool) -> str | None:
    """The excess in the body of a Certificate message, as the predicate of a sentence about the server.

    RFC 8446 4.4.2; RFC 5246 7.4.2 has neither context nor extensions.
    """
    if brings_own_curve(message):
        return OWN_CURVE
    if message.count(_SLOW_CURVE) > _MAX_SLOW:
        return "sent a crowd of certificates on the curve secp224r1"
    place = (1 + message[0] if tls13 and message else 0) + 3
    count = 0
    while place + 3 <= len(message):
        count += 1
        place += 3 + int.from_bytes(message[place : place + 3], "big")
        if tls13:
            place += 2 + int.from_bytes(message[place : place + 2], "big")
    return None if count <= MAX_CERTIFICATES else f"sent {count} certificates, and {MAX_CERTIFICATES} are looked at"


def has_endless_name(der: bytes) -> bool:
    """True where the subject or the issuer of a certificate is too long; False for bytes that are no certificate."""
    try:
        place = _inside(der, _inside(der, 0))
        if der[place] == _VERSION:
            place = _behind(der, place)
        place = _behind(der, _behind(der, place))  # serial number, signature
        subject = _behind(der, _behind(der, place))  # issuer, validity
        return any(_behind(der, name) - name > MAX_NAME_BYTES for name in (place, subject))
    except IndexError:
        return False


def is_signing_key(spki: bytes) -> bool:
    """True where a SubjectPublicKeyInfo names a kind of key that signs certificates; such a key may be loaded."""
    if brings_own_curve(spki):
        return False
    try:
        place = _inside(spki, _inside(spki, 0))
        return spki[place] == _IDENTIFIER and spki[_inside(spki, place) : _behind(spki, place)] in _SIGNING
    except IndexError:
        return False


def has_signing_key(der: bytes) -> bool:
    """The same for the key in a certificate; False for bytes that are no certificate."""
    try:
        place = _inside(der, _inside(der, 0))
        if der[place] == _VERSION:
            place = _behind(der, place)
        for _ in range(5):  # serial number, signature, issuer, validity, subject
            place = _behind(der, place)
        return is_signing_key(der[place : _behind(der, place)])
    except IndexError:
        return False


def _inside(der: bytes, place: int) -> int:
    """The place at which the contents of the element at `place` begin (X.690 8.1.3)."""
    first = der[place + 1]
    return place + 2 + (first & 0x7F if first > 0x80 else 0)


def _behind(der: bytes, place: int) -> int:
    """The place at which the next element begins. Raises IndexError where there can be none."""
    inside, first = _inside(der, place), der[place + 1]
    length = int.from_bytes(der[place + 2 : inside], "big") if first > 0x80 else first
    if inside + length > len(der):
        raise IndexError
    return inside + length
