"""Whether the certificate chain a server sent matches one of its usable TLSA records (RFC 7672 3.1, 3.2). Pure.

A chain is written by a stranger: it is bounded in length, may come in any order, and whatever the parser or a signature
check trips over makes a certificate that matches nothing.

No library at hand verifies a path to a trust anchor that came from the DNS: the standard library only verifies within a
handshake, against roots set before it, and cryptography's verifier holds private authorities to the rules of the public
ones, which RFC 7672 does not. So the path is checked here as RFC 7672 3.1.2 has it: signatures, dates, the right to
sign, the name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509 import Name
from cryptography.x509.oid import ExtendedKeyUsageOID

from exporter.model.policy import CERT, DANE_EE, DANE_TA, FULL, SPKI, Tlsa
from exporter.tls.certificate_names import names_of
from exporter.tls.expensive_certificates import has_endless_name, has_signing_key, is_signing_key

# Issuers above the leaf that are looked at. Public chains have two or three; Postfix stops at nine as well.
MAX_ISSUERS: Final = 9
# Records of one name that are looked at: a rollover publishes four or so.
MAX_RECORDS: Final = 24

# Signatures that are checked for one chain. A chain of four and a record for each takes ten; one that is made for it,
# of many issuers of one name and as many bare keys in the DNS, would take three hundred.
MAX_SIGNATURES: Final = 40
# What a check costs depends on the issuer's key. Authorities have 4,096 bits at most, and 65,537 as the exponent; with
# one as long as the modulus a check takes thirty times as long. Browsers take no longer exponents either.
_MAX_RSA_BITS: Final = 8192
_MAX_EXPONENT_BITS: Final = 33
_NOT_NAMED: Final = "the certificate is issued under the trust anchor, but not for"

_E = TypeVar("_E", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Match:
    """`record` is the one that matched; without one, `reason` says why none did."""

    record: Tlsa | None = None
    reason: str = ""


def match_chain(records: Sequence[Tlsa], chain: Sequence[bytes], names: Sequence[str], at: float) -> Match:
    """Match the usable `records` against `chain`: DER, leaf first.

    `names` are the reference identifiers, lower-case A-labels; `at` is the Unix time that the dates are held against.
    """
    if not chain:
        return Match(reason="the server sent no certificate")
    leaf = _parsed(chain[0])
    if leaf is None:
        return Match(reason="the server's certificate cannot be read")
    paths = _Paths(leaf, chain[1 : MAX_ISSUERS + 1])
    now = datetime.fromtimestamp(at, UTC)
    # Looked at once, and only where it counts: a certificate has room for thousands of names, which take 7 ms to read.
    named = cache(lambda: _is_for_one(leaf.x509, names))
    reasons: list[str] = []
    for record in records[:MAX_RECORDS]:
        if record.usage == DANE_EE:
            # RFC 7672 3.1.1: the record binds key and name, so the certificate's own names and dates do not count.
            if record.associates(leaf.der, leaf.key):
                return Match(record)
        elif record.usage == DANE_TA and (path := paths.to(record)) is not None:
            problem = _invalid_path(path, now, named)
            if problem is None:
                return Match(record)
            if problem == _NOT_NAMED:
                problem = f"{problem} {' or '.join(names)}"
            reasons.append(problem)
    return Match(reason=next(iter(reasons), "no record is about a certificate that the server sent"))


@dataclass(frozen=True, slots=True)
class _Certificate:
    der: bytes
    key: bytes  # SubjectPublicKeyInfo, DER
    x509: x509.Certificate
    subject: Name  # each is parsed whenever the library is asked for it
    issuer: Name


def _parsed(der: bytes) -> _Certificate | None:
    if has_endless_name(der) or not has_signing_key(der):
        return None
    with warnings.catch_warnings():
        # What is merely unwise (a serial number of 0) is not ours to complain about.
        warnings.simplefilter("ignore")
        try:
            certificate = x509.load_der_x509_certificate(der)
            key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            # Parsed here, so that later nothing raises.
            _ = certificate.extensions, certificate.not_valid_before_utc, certificate.not_valid_after_utc
            subject, issuer = certificate.subject, certificate.issuer
        except Exception:  # bytes of strangers: whatever the parser trips over is theirs
            return None
    return _Certificate(der, key, certificate, subject, issuer)


class _Paths:
    """The ways up from the leaf, each certificate signed by the next; found once for all records."""

    def __init__(self, leaf: _Certificate, others: Sequence[bytes]) -> None:
        self._leaf = leaf
        self._others = others
        self._signatures_left = MAX_SIGNATURES

    @cached_property
    def _ways(self) -> list[list[_Certificate]]:
        """A shortest way to each certificate that can be reached, the leaf's own first."""
        ways = [[self._leaf]]
        others = (der for der in self._others if der != self._leaf.der)
        left = [parsed for der in others if (parsed := _parsed(der)) is not None]
        for way in ways:  # grows meanwhile
            for issuer in [one for one in left if self._signed_by(way[-1], one)]:
                ways.append([*way, issuer])
                left.remove(issuer)
        return ways

    def to(self, record: Tlsa) -> list[_Certificate] | None:
        """The way to the trust anchor that `record` is about; the anchor's certificate is its end, if there is one."""
        for way in self._ways[1:]:  # RFC 7671 5.2: an anchor issues, so the leaf itself is none
            if record.associates(way[-1].der, way[-1].key):
                return way
        if record.matching == FULL and record.selector == CERT:
            # RFC 7671 5.2.2: an anchor that is in the DNS as a whole need not be sent.
            anchor = _parsed(record.data)
            if anchor is not None:
                return next(([*way, anchor] for way in self._ways if self._signed_by(way[-1], anchor)), None)
        if record.matching == FULL and record.selector == SPKI:
            # RFC 7671 5.2.3: nor one that is a bare key there.
            return next((way for way in self._ways if self._signed_by_key(way[-1].x509, record.data)), None)
        return None

    def _signed_by(self, certificate: _Certificate, issuer: _Certificate) -> bool:
        if certificate.issuer != issuer.subject or not self._may_check(issuer.x509.public_key()):
            return False
        try:
            certificate.x509.verify_directly_issued_by(issuer.x509)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True

    def _signed_by_key(self, certificate: x509.Certificate, spki: bytes) -> bool:
        if not is_signing_key(spki):
            return False
        try:
            key = load_der_public_key(spki)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return False
        return self._may_check(key) and _signed_by_key(certificate, key)

    def _may_check(self, key: PublicKeyTypes) -> bool:
        """Whether one more check is worth its while."""
        self._signatures_left -= 1
        if isinstance(key, rsa.RSAPublicKey):
            bounded = key.key_size <= _MAX_RSA_BITS and key.public_numbers().e.bit_length() <= _MAX_EXPONENT_BITS
            return bounded and self._signatures_left >= 0
        return self._signatures_left >= 0


def _invalid_path(path: Sequence[_Certificate], now: datetime, named: Callable[[], bool]) -> str | None:
    """Why the leaf is not issued for one of the names (`named` tells) under the anchor at the end of `path`."""
    for depth, certificate in enumerate(path):
        problem = _invalid(certificate.x509, depth, now)
        if problem is not None:
            return problem
    # RFC 7672 3.2.2: an anchor signs for others too, so the name tells whose certificate it is.
    return None if named() else _NOT_NAMED


def _signed_by_key(certificate: x509.Certificate, key: PublicKeyTypes) -> bool:
    try:
        signature, signed = certificate.signature, certificate.tbs_certificate_bytes
        algorithm = certificate.signature_hash_algorithm
        if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, signed)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            scheme = certificate.signature_algorithm_parameters
            if not isinstance(scheme, padding.PKCS1v15 | padding.PSS):
                return False
            key.verify(signature, signed, scheme, algorithm)
        else:
            return False
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _invalid(certificate: x509.Certificate, depth: int, now: datetime) -> str | None:
    """What is wrong with a certificate of the path; `depth` 0 is the server's own."""
    whose = "the server's certificate" if depth == 0 else f"the issuer's certificate at depth {depth}"
    if now > certificate.not_valid_after_utc:
        return f"{whose} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return f"{whose} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
    if depth == 0:
        purposes = _extension(certificate, x509.ExtendedKeyUsage)
        allowed = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
        if purposes is not None and not any(purpose in purposes for purpose in allowed):
            return f"{whose} is not for servers"
        return None
    # RFC 5280 4.2.1.3, 4.2.1.9: who may sign certificates, and how many levels below.
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        return f"{whose} may not sign others"
    if constraints.path_length is not None and depth - 1 > constraints.path_length:
        return f"{whose} may not sign so deep a chain"
    return None


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _is_for_one(certificate: x509.Certificate, wanted: Sequence[str]) -> bool:
    """RFC 7672 3.2.3: a DNS-ID, or where the certificate has none, the common name."""
    found = names_of(certificate)
    return any(found.match(name) is not None for name in wanted)
