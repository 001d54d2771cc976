"""One certificate of a stranger as a plain value: names, dates, fingerprints and the kind of its key."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import Final

from OpenSSL.crypto import FILETYPE_ASN1, Error, dump_publickey

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.certificate import KeyType, SentCertificate
from exporter.tls.certificate import shown_name
from exporter.tls.dated_certificate import DatedCertificate

# Certificates of a chain that are told; public chains have up to five.
MAX_TOLD: Final = 8
# OpenSSL's numbers for the kinds of keys (obj_mac.h).
_KINDS: Final = MappingProxyType(
    {
        6: KeyType.RSA,
        912: KeyType.RSA,  # for PSS alone
        116: KeyType.DSA,
        408: KeyType.EC,
        1087: KeyType.ED25519,
        1088: KeyType.ED448,
    }
)
# Hosts have their intermediates in common.
_MAX_KEPT: Final = 4096
_KEPT: Final[BoundedDict[str, SentCertificate]] = BoundedDict(_MAX_KEPT)


def sent_certificate(certificate: DatedCertificate) -> SentCertificate:
    """The certificate as it is told; equal ones are one object."""
    digest = hashlib.sha256(certificate.der).hexdigest()
    kept = _KEPT.get(digest)
    if kept is None:
        kept = _KEPT[digest] = _told(certificate, digest)
    return kept


def _told(certificate: DatedCertificate, digest: str) -> SentCertificate:
    parsed = certificate.parsed
    kind, bits, key_digest = _key(certificate)
    return SentCertificate(
        subject="" if parsed is None else shown_name(parsed.subject),
        issuer="" if parsed is None else shown_name(parsed.issuer),
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        digest=digest,
        key_digest=key_digest,
        key_type=kind,
        key_bits=bits,
    )


def _key(certificate: DatedCertificate) -> tuple[KeyType, int | None, str]:
    """The kind and size of the key, and the digest of its SubjectPublicKeyInfo.

    OpenSSL has the key already: nothing is decoded here for which a stranger could choose the cost.
    """
    try:
        key = certificate.read.get_pubkey()
        kind = _KINDS.get(key.type(), KeyType.OTHER)
        return kind, key.bits(), hashlib.sha256(dump_publickey(FILETYPE_ASN1, key)).hexdigest()
    except (Error, RuntimeError, TypeError, ValueError):  # a key that cannot be read
        return KeyType.OTHER, None, ""
