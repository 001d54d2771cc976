"""Certificates of strangers: read, held against names, dates and roots, matched with TLSA records."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exporter.model.certificate import OTHER_BITS
from exporter.model.policy import Tlsa
from exporter.policies.dane.match import match_chain
from exporter.policies.dane.usability import unusable
from exporter.tls.certificate import alternative_names, library_warnings_ignored, load
from exporter.tls.certificate_names import names_of
from exporter.tls.dated_certificate import dated
from exporter.tls.private_issuer import private_issuer
from exporter.tls.roots import Roots
from exporter.tls.verification import Trust, examine
from tests.attack.fuzz.corpus import corpus_of
from tests.attack.fuzz.frame import Target, agree
from tests.attack.fuzz.targets.promises import harmless, options

NAME: Final = "mx.a.example"
# Within the dates of the genuine chain, which is in the corpus.
AT: Final = datetime(2030, 6, 1, tzinfo=UTC).timestamp()


@cache
def _genuine(name: str) -> bytes:
    return options(corpus_of("certificate")[f"genuine-{name}"], 1)[1]


@cache
def _issued() -> frozenset[bytes]:
    """All that were ever signed, by keys that are gone."""
    return frozenset(data[1:] for data in corpus_of("certificate").values())


def read_certificate(data: bytes) -> None:
    """As the server's own, as an issuer's, or after others: nothing but the genuine chain verifies."""
    (place,), der = options(data, 1)
    leaf, middle, root = (_genuine(name) for name in ("leaf", "intermediate", "root"))
    chain = ((der, middle), (leaf, der), (leaf, middle, der), (der,), (leaf, der, middle))[place % 5]
    # Roots of their own: what was judged before is remembered with them.
    trust = examine(chain, NAME, AT, Roots([root]))
    _judged(trust)
    _told(trust, chain)
    if trust.verified:
        agree(chain[0] in _issued(), "verified without the key of its issuer")
        agree(any(one.startswith(middle) for one in chain), "verified without an issuer")
    elif (place % 5) in (2, 4):
        agree(False, f"a stray certificate spoils a good chain: {trust.faults}")
    harmless(private_issuer(der, trust), "an issuer", limit=200)
    for name in alternative_names(der):
        agree(isinstance(name, str), "a name")
    _read_twice(der)
    _matched(der, leaf, middle)


def _judged(trust: Trust) -> None:
    for text in (trust.subject, trust.issuer, trust.remark):
        harmless(text, "a name of a certificate", limit=1024)
    for fault in trust.faults:
        harmless(fault.detail, "a fault", limit=2048)
    agree(trust.verified or trust.faults, "not verified, without a reason")


def _told(trust: Trust, chain: tuple[bytes, ...]) -> None:
    """The chain as it is told: certificates that were sent, in their order, the server's own first or none at all."""
    sent = iter([hashlib.sha256(der).hexdigest() for der in chain])
    agree(all(told.digest in sent for told in trust.chain), "a certificate that was not sent, or out of order")
    agree(
        not trust.chain or trust.chain[0].digest == hashlib.sha256(chain[0]).hexdigest(), "another's for the server's"
    )
    for told in trust.chain:
        harmless(f"{told.subject} {told.issuer}", "a name of the chain", limit=2048)
        agree(told.bits_label in ("", OTHER_BITS) or told.bits_label == str(told.key_bits), f"bits {told.bits_label}")
        agree(len(told.key_digest) in (0, 64), "the digest of a key")


def _read_twice(der: bytes) -> None:
    """Two libraries, one opinion on the dates."""
    with library_warnings_ignored():
        one, other = load(der), dated(der)
        if one is None or other is None:
            return
        dates = one.not_valid_before_utc.timestamp(), one.not_valid_after_utc.timestamp()
        agree(dates == (other.not_before, other.not_after), f"dates {dates} and {other.not_before, other.not_after}")
        names_of(one).match(NAME)


def _matched(der: bytes, leaf: bytes, middle: bytes) -> None:
    with library_warnings_ignored():
        genuine = load(leaf)
    agree(genuine is not None, "the genuine certificate cannot be read")
    key = genuine.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if genuine else b""
    digests = Tlsa(3, 0, 1, hashlib.sha256(leaf).digest()), Tlsa(3, 1, 2, hashlib.sha512(key).digest())
    if der != leaf:
        agree(match_chain(digests[:1], (der, leaf), (NAME,), AT).record is None, "another certificate matches")
    agree(match_chain(digests, (leaf, der), (NAME,), AT).record is not None, "the genuine one does not match")
    own = [Tlsa(usage, selector, 0, der) for usage in (2, 3) for selector in (0, 1)]
    for record in own:
        harmless(str(unusable(record)), "why a record is of no use", limit=200)
    for chain in ((leaf, middle, der), (der, middle)):
        harmless(match_chain(own, chain, (NAME,), AT).reason, "why none matches", limit=1024)


_OIDS: Final = (
    b"\x06\x03\x55\x04\x03", b"\x06\x03\x55\x1d\x11", b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x0f",
    b"\x06\x03\x55\x1d\x25", b"\x06\x03\x55\x1d\x1e", b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b",
    b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x06\x03\x2b\x65\x70", b"\x82\x0cmx.a.example",
    b"\x82\x0b*.a.example", b"\x87\x04\xc0\0\2\1", b"\x0c\x05\x1b[31m", b"\x17\x0d300601000000Z",
    b"\x18\x0f99991231235959Z", b"\x18\x0f00000101000000Z", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x01\x01\xff",
    b"\x1e\x04\0<\0z", b"\x02\x01\0",
)  # fmt: skip
TARGETS: Final = (Target("certificate", read_certificate, tokens=_OIDS, max_bytes=16384),)
