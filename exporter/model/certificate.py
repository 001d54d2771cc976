"""Certificates as a server sent them: what a person compares with the certificate that ought to be there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class KeyType(StrEnum):
    """The kind of a public key: the `key_type` label of `mx_host_tls_info`."""

    RSA = "rsa"
    EC = "ec"
    ED25519 = "ed25519"
    ED448 = "ed448"
    DSA = "dsa"
    OTHER = "other"


# The reason why no certificate is verified that lies with us.
NO_ROOTS: Final = "this system has no root certificates"
# Sizes that keys have; a server could have any other, so that is no label.
_USUAL_BITS: Final = frozenset(
    {192, 224, 253, 256, 384, 456, 512, 521, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384}
)
OTHER_BITS: Final = "other"


@dataclass(frozen=True, slots=True)
class SentCertificate:
    """One certificate of a chain. The names are escaped and cut; times are Unix time."""

    subject: str
    issuer: str
    not_before: float
    not_after: float
    digest: str  # SHA-256 of the certificate in hexadecimal, which others call its fingerprint
    key_digest: str  # SHA-256 of its SubjectPublicKeyInfo; empty where the key cannot be read
    key_type: KeyType
    key_bits: int | None  # as OpenSSL counts them

    @property
    def bits_label(self) -> str:
        """The size of the key as a label, from a closed list."""
        if self.key_bits is None:
            return ""
        return str(self.key_bits) if self.key_bits in _USUAL_BITS else OTHER_BITS


def fingerprint_text(digest: str) -> str:
    """A fingerprint as OpenSSL writes it."""
    pairs = [digest[place : place + 2] for place in range(0, len(digest), 2)]
    return ":".join(pairs).upper()
