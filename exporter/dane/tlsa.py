"""TLSA records, which of them a sender of mail uses (RFC 7672 3.1, 5, RFC 6698 4.1), and how a lookup ends. Pure."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key

from exporter.result import Failure
from exporter.tls.excess import is_signing_key

# RFC 7218: the numbers' names.
PKIX_TA: Final = 0
PKIX_EE: Final = 1
DANE_TA: Final = 2
DANE_EE: Final = 3
CERT: Final = 0
SPKI: Final = 1
FULL: Final = 0

_HASHES: Final = MappingProxyType({1: hashlib.sha256, 2: hashlib.sha512})
_SHOWN_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record (RFC 6698 2.1). `data` is the association: a digest, or a whole certificate or key."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        more = "…" if len(self.data) > _SHOWN_BYTES else ""
        return f"{self.usage} {self.selector} {self.matching} {self.data[:_SHOWN_BYTES].hex()}{more}"

    def associates(self, certificate: bytes, key: bytes) -> bool:
        """Whether it is about `certificate`, or its SubjectPublicKeyInfo `key`; both DER (RFC 6698 2.1.2, 2.1.3)."""
        selected = {CERT: certificate, SPKI: key}.get(self.selector)
        if selected is None:
            return False
        if self.matching == FULL:
            return selected == self.data
        algorithm = _HASHES.get(self.matching)
        return algorithm is not None and algorithm(selected).digest() == self.data


def unusable(record: Tlsa) -> str | None:
    """Why no sender of mail can use `record`, as the end of a sentence; None if it can."""
    if record.usage in (PKIX_TA, PKIX_EE):
        # RFC 7672 3.1.3: senders and receivers share no list of authorities.
        return f"usage {record.usage} is not for SMTP"
    if record.usage not in (DANE_TA, DANE_EE):
        return f"usage {record.usage} is unknown"
    if record.selector not in (CERT, SPKI):
        return f"selector {record.selector} is unknown"
    if record.matching == FULL:
        return _unreadable(record)
    algorithm = _HASHES.get(record.matching)
    if algorithm is None:
        return f"matching type {record.matching} is unknown"
    size = algorithm().digest_size
    return None if len(record.data) == size else f"its digest has {len(record.data)} bytes, not {size}"


def _unreadable(record: Tlsa) -> str | None:
    """RFC 6698 4.1: what cannot be parsed is unusable."""
    if record.selector == SPKI and not is_signing_key(record.data):
        return "its key is of no kind that signs certificates"
    load: Callable[[bytes], object] = load_der_public_key if record.selector == SPKI else x509.load_der_x509_certificate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is merely unwise can be read
        try:
            load(record.data)
        except Exception:  # bytes of strangers: whatever the parser trips over is theirs
            what = "key" if record.selector == SPKI else "certificate"
            return f"its {what} cannot be read"
    return None


def preferred(records: Sequence[Tlsa]) -> list[Tlsa]:
    """The usable records a sender goes by: of digests of one usage and selector, the strongest alone.

    RFC 7671 9: so that an algorithm that is broken one day is of no use to a forger while a better one is published.
    """
    usable = [record for record in records if unusable(record) is None]
    strongest: dict[tuple[int, int], int] = {}
    for record in usable:
        kind = (record.usage, record.selector)
        strongest[kind] = max(strongest.get(kind, FULL), record.matching)
    return [one for one in usable if one.matching in (FULL, strongest[one.usage, one.selector])]


class TlsaStatus(Enum):
    """How the lookup ended."""

    INSECURE = "insecure"  # an answer on the way is not authenticated: DANE does not apply
    ABSENT = "absent"  # all answers are, and there is no record
    FAILED = "failed"  # the records of a host that may have some cannot be looked up
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class TlsaLookup:
    """The records of one host. `names` are the reference identifiers of its certificate (RFC 7672 3.2.2)."""

    status: TlsaStatus
    records: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    detail: str = ""  # for a person: what is insecure
    failure: Failure | None = None
